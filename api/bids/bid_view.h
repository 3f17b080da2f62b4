/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a bid to its owner. */
#ifndef CF_API_BIDS_BID_VIEW_H
#define CF_API_BIDS_BID_VIEW_H

#include "api/view.h"

void bid_view(struct http_request *rq, const struct db_rows *rows, int row);

#endif
