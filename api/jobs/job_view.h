/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a job. */
#ifndef CF_API_JOBS_JOB_VIEW_H
#define CF_API_JOBS_JOB_VIEW_H

#include "api/view.h"

/* Without its task. */
void job_view(struct http_request *rq, const struct db_rows *rows, int row);
/* With its task and the task's input. */
void job_view_whole(struct http_request *rq, const struct db_rows *rows);

#endif
