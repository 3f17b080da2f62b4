/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's own account, and what the key it used may do. */
#include "api/accounts/account_view.h"
#include "api/key.h"
#include "sql/reads_account.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    sql_find_account(&call->db, &rq->who.account);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    char scopes[128];
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    struct view v = account_view(rq, rows);
    key_scopes_print(rq->who.scopes, scopes, sizeof scopes);
    view_id(&v, "key_id", "key", &rq->who.key);
    view_member(&v, "scopes");
    buf_adds(v.out, scopes);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_get_my_account = {read, show};
