/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of an account. */
#ifndef CF_API_ACCOUNTS_ACCOUNT_VIEW_H
#define CF_API_ACCOUNTS_ACCOUNT_VIEW_H

#include "api/view.h"

/* {"object":"account",...} of row 0, left open. */
struct view account_view(struct http_request *rq, const struct db_rows *rows);

#endif
