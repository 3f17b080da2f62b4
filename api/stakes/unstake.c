/* SPDX-License-Identifier: Apache-2.0 */
/* Reserve starts to leave; the money is available after the policy's delay. */
#include "api/write.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct amount_request *q = NULL;
    enum err e = write_amount(rq, call, &q);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_unstake(&call->db, &who,
                &(struct unstake_args){q->id, q->amount_gwei, api_options(rq)->default_policy});
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field DETAIL[] = {{"reserve_gwei", VIEW_GWEI, NULL},
                                               {"due_at", VIEW_TIME, NULL}};
    const struct amount_request *q = call->state;
    struct view v = view_open(rq, "unbonding");
    view_outcome(&v, rows, "unb", "at");
    view_gwei(&v, "amount_gwei", q->amount_gwei);
    view_detail(&v, DETAIL, COUNT_OF(DETAIL));
    view_close(&v);
    rq->reply.status = 201;
    return ERR_OK;
}

const struct endpoint endpoint_unstake = {read, show};
