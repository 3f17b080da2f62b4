/* SPDX-License-Identifier: Apache-2.0 */
#include "api/accounts/account_view.h"
#include "api/input.h"
#include "sql/reads_account.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "acct", &id);
    if (e == ERR_OK)
        sql_find_account(&call->db, &id);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    struct view v = account_view(rq, rows);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_get_account = {read, show};
