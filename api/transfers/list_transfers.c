/* SPDX-License-Identifier: Apache-2.0 */
/* One element per ledger entry on an account of the caller, newest transfer first. */
#include "api/input.h"
#include "api/page.h"
#include "api/view.h"
#include "sql/reads_account.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    const struct sql_page *page = NULL;
    enum err e = page_read(rq, call, &page);
    if (e == ERR_OK)
        sql_list_transfers(&call->db, &rq->who.account, page);
    return e;
}

static void element(struct http_request *rq, const struct db_rows *rows, int row)
{
    static const struct view_field FIELDS[] = {
        {"id", VIEW_ID, "tfr"},       {"line", VIEW_INT, NULL},   {"kind", VIEW_TEXT, NULL},
        {"account", VIEW_TEXT, NULL}, {"asset", VIEW_TEXT, NULL}, {"amount_gwei", VIEW_GWEI, NULL},
        {"task_id", VIEW_ID, "task"}, {"at", VIEW_TIME, NULL},
    };
    struct view v = view_open(rq, "transfer");
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, row);
    view_close(&v);
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct page_view VIEW = {element, "id", "line", 0};
    return page_show(rq, call, rows, &VIEW);
}

const struct endpoint endpoint_list_transfers = {read, show};
