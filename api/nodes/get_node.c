/* SPDX-License-Identifier: Apache-2.0 */
#include "api/context.h"
#include "api/input.h"
#include "api/nodes/node_view.h"
#include "sql/reads_node.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "node", &id);
    if (e == ERR_OK)
        sql_find_node(&call->db, &id, api_options(rq)->default_policy);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    node_view(rq, rows, 0);
    return ERR_OK;
}

const struct endpoint endpoint_get_node = {read, show};
