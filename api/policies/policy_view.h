/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a policy: all of it. */
#ifndef CF_API_POLICIES_POLICY_VIEW_H
#define CF_API_POLICIES_POLICY_VIEW_H

#include "api/view.h"

void policy_view(struct http_request *rq, const struct db_rows *rows, int row);
/* True for the columns that are amounts, and therefore strings in JSON. */
bool policy_view_is_amount(const char *column);

#endif
