/* SPDX-License-Identifier: Apache-2.0 */
/* Who executed a task, slot by slot and fence by fence. */
#include "api/input.h"
#include "api/jobs/job_view.h"
#include "sql/reads_work.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "task", &id);
    if (e == ERR_OK)
        sql_list_task_jobs(&call->db, &id);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    int id = db_rows_column(rows, "id");
    struct view list = view_open(rq, "list");
    view_array(&list, "data");
    for (int i = 0; i < db_rows_count(rows) && db_rows_text(rows, i, id) != NULL; i++) {
        view_element(&list, i == 0);
        job_view(rq, rows, i);
    }
    view_array_end(&list);
    view_bool(&list, "has_more", false);
    view_null(&list, "next_cursor");
    view_close(&list);
    return ERR_OK;
}

const struct endpoint endpoint_list_task_jobs = {read, show};
