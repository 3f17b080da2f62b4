/* SPDX-License-Identifier: Apache-2.0 */
/* Caches forget the key within five seconds; writes refuse it at once. */
#include "api/write.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "key", &id);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_key_revoke(&call->db, &who, &id);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    struct view v = view_open(rq, "key_revocation");
    view_outcome(&v, rows, "key", "revoked_at");
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_revoke_key = {read, show};
