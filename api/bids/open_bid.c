/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a sealed bid after the close: the commitment is recomputed from what the request says, and
 * the statement compares it, the task and the node with the bid. */
#include <string.h>

#include "api/write.h"
#include "server/core/money.h"
#include "server/domain/protocol.h"

struct request {
    struct bid_open_args a;
};

#define BID(member, name, kind, need, least, most, what)                                           \
    FIELD(struct request, a.member, name, kind, need, least, most, what)

static const struct input_field FIELDS[] = {
    BID(task_id, "task_id", INPUT_ID, NEED, 0, 0, "task"),
    BID(node_id, "node_id", INPUT_ID, NEED, 0, 0, "node"),
    BID(price_gwei, "price_gwei", INPUT_GWEI, NEED, 1, MONEY_MAX_GWEI, NULL),
    BID(salt, "salt", INPUT_HEX, NEED, 0, SALT_BYTES, NULL),
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    uint8_t computed[HASH_BYTES];
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    enum err e = input_param(rq, 0, "bid", &q->a.bid_id);
    if (e == ERR_OK)
        e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e != ERR_OK)
        return e;
    struct protocol_bid b = {
        .market_id = api_options(rq)->market_id,
        .task = q->a.task_id,
        .entity = rq->who.account,
        .node = q->a.node_id,
        .price_gwei = q->a.price_gwei,
    };
    memcpy(b.salt, q->a.salt, SALT_BYTES);
    protocol_bid_commitment(&b, computed);
    q->a.commitment = write_keep(rq, computed, sizeof computed);
    if (q->a.commitment == NULL)
        return ERR_NO_MEMORY;
    struct sql_caller who = write_caller(rq);
    sql_bid_open(&call->db, &who, &q->a);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct request *q = call->state;
    struct view v = view_open(rq, "bid_opening");
    view_outcome(&v, rows, "bid", "opened_at");
    view_id(&v, "task_id", "task", &q->a.task_id);
    view_gwei(&v, "price_gwei", q->a.price_gwei);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_open_bid = {read, show};
