/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a settlement. */
#ifndef CF_API_SETTLEMENTS_SETTLEMENT_VIEW_H
#define CF_API_SETTLEMENTS_SETTLEMENT_VIEW_H

#include "api/view.h"

/* {"object":"settlement",...} without lines, left open. */
struct view settlement_view(struct http_request *rq, const struct db_rows *rows, int row);

#endif
