/* SPDX-License-Identifier: Apache-2.0 */
/* Settlements of tasks the caller posted or was paid for. */
#include "api/page.h"
#include "api/settlements/settlement_view.h"
#include "sql/reads_task.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    const struct sql_page *page = NULL;
    enum err e = page_read(rq, call, &page);
    if (e == ERR_OK)
        sql_list_settlements(&call->db, &rq->who.account, page);
    return e;
}

static void element(struct http_request *rq, const struct db_rows *rows, int row)
{
    struct view v = settlement_view(rq, rows, row);
    view_close(&v);
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct page_view VIEW = {element, "task_id", NULL, 0};
    return page_show(rq, call, rows, &VIEW);
}

const struct endpoint endpoint_list_settlements = {read, show};
