/* SPDX-License-Identifier: Apache-2.0 */
#include "api/input.h"
#include "api/view.h"
#include "sql/reads_account.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    sql_list_balances(&call->db, &rq->who.account);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field FIELDS[] = {
        {"kind", VIEW_TEXT, NULL},
        {"asset", VIEW_TEXT, NULL},
        {"balance_gwei", VIEW_GWEI, NULL},
        {"task_id", VIEW_ID, "task"},
    };
    (void)call;
    struct view list = view_open(rq, "list");
    view_array(&list, "data");
    for (int i = 0; i < db_rows_count(rows); i++) {
        view_element(&list, i == 0);
        struct view v = view_open(rq, "balance");
        view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, i);
        view_close(&v);
    }
    view_array_end(&list);
    view_bool(&list, "has_more", false);
    view_null(&list, "next_cursor");
    view_close(&list);
    return ERR_OK;
}

const struct endpoint endpoint_get_balances = {read, show};
