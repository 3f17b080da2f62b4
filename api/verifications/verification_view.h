/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a seat. */
#ifndef CF_API_VERIFICATIONS_VERIFICATION_VIEW_H
#define CF_API_VERIFICATIONS_VERIFICATION_VIEW_H

#include "api/view.h"

/* Without its task and result. */
void verification_view(struct http_request *rq, const struct db_rows *rows, int row);
/* With the task, its input and the result to be checked. */
void verification_view_whole(struct http_request *rq, const struct db_rows *rows);

#endif
