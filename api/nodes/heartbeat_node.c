/* SPDX-License-Identifier: Apache-2.0 */
#include "api/write.h"

struct request {
    bool draining;
};

static const struct input_field FIELDS[] = {
    FIELD(struct request, draining, "draining", INPUT_BOOL, MAY, 0, 0, NULL)};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    enum err e = input_param(rq, 0, "node", &id);
    if (e == ERR_OK)
        e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_node_heartbeat(&call->db, &who, &id, q->draining);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct request *q = call->state;
    struct view v = view_open(rq, "node_heartbeat");
    view_outcome(&v, rows, "node", "at");
    view_bool(&v, "draining", q->draining);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_heartbeat_node = {read, show};
