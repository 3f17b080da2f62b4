/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that happened to a task, oldest first; transitions carry seq. */
#include "api/input.h"
#include "api/page.h"
#include "api/view.h"
#include "sql/reads_task.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    const struct sql_page *page = NULL;
    enum err e = input_param(rq, 0, "task", &id);
    if (e == ERR_OK)
        e = page_read(rq, call, &page);
    if (e == ERR_OK)
        sql_list_task_events(&call->db, &id, page);
    return e;
}

static void element(struct http_request *rq, const struct db_rows *rows, int row)
{
    static const struct view_field FIELDS[] = {
        {"id", VIEW_ID, "evt"},    {"task_id", VIEW_ID, "task"},    {"seq", VIEW_INT, NULL},
        {"kind", VIEW_TEXT, NULL}, {"from_state", VIEW_TEXT, NULL}, {"to_state", VIEW_TEXT, NULL},
        {"at", VIEW_TIME, NULL},   {"payload", VIEW_JSON, NULL},
    };
    struct view v = view_open(rq, "event");
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, row);
    view_close(&v);
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct page_view VIEW = {element, "id", NULL, 1};
    return db_rows_count(rows) == 0 ? ERR_NOT_FOUND : page_show(rq, call, rows, &VIEW);
}

const struct endpoint endpoint_list_task_events = {read, show};
