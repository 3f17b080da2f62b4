/* SPDX-License-Identifier: Apache-2.0 */
/* Pledges reserve to a node; no money moves. */
#include "api/write.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid node;
    struct amount_request *q = NULL;
    enum err e = input_param(rq, 0, "node", &node);
    if (e == ERR_OK)
        e = write_amount(rq, call, &q);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_node_reserve(&call->db, &who, &node, q->amount_gwei);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field DETAIL[] = {{"pledged_gwei", VIEW_GWEI, NULL},
                                               {"releasing_gwei", VIEW_GWEI, NULL}};
    const struct view_field at = {"at", VIEW_TIME, NULL};
    (void)call;
    struct view v = view_open(rq, "pledge");
    view_text(&v, "node_id", rq->params[0]);
    view_detail(&v, DETAIL, COUNT_OF(DETAIL));
    view_member(&v, at.member);
    view_value(&v, &at, db_rows_text(rows, 0, OUTCOME_AT));
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_reserve_node = {read, show};
