/* SPDX-License-Identifier: Apache-2.0 */
#include "api/write.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "node", &id);
    if (e == ERR_OK)
        e = input_none(rq);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_node_retire(&call->db, &who, &id);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    struct view v = view_open(rq, "node_retirement");
    view_outcome(&v, rows, "node", "retired_at");
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_retire_node = {read, show};
