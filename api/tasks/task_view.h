/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a task. */
#ifndef CF_API_TASKS_TASK_VIEW_H
#define CF_API_TASKS_TASK_VIEW_H

#include "api/view.h"

/* {"object":"task",...} from columns TASK_COLUMNS(prefix); left open. */
struct view task_view(struct http_request *rq, const char *prefix, const struct db_rows *rows,
                      int row);
/* The same with the member input, closed. */
void task_view_whole(struct http_request *rq, const char *prefix, const struct db_rows *rows,
                     int row);
/* For lists: without input, closed. */
void task_view_element(struct http_request *rq, const struct db_rows *rows, int row);
/* The states of a task as a choice of query parameters. */
extern const char task_view_states[];

#endif
