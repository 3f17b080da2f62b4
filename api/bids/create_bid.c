/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed bid: a commitment signed by the node. With operator sealing its opening comes along, and
 * is checked here: everything it covers is in the request. */
#include <string.h>

#include "api/write.h"
#include "server/core/money.h"
#include "server/domain/protocol.h"

struct request {
    struct bid_create_args a;
};

#define BID(member, name, kind, need, least, most, what)                                           \
    FIELD(struct request, a.member, name, kind, need, least, most, what)

static const struct input_field FIELDS[] = {
    BID(node_id, "node_id", INPUT_ID, NEED, 0, 0, "node"),
    BID(node_key, "node_key", INPUT_HEX, NEED, 0, PUBKEY_BYTES, NULL),
    BID(commitment, "commitment", INPUT_HEX, NEED, 0, HASH_BYTES, NULL),
    BID(signature, "signature", INPUT_HEX, NEED, 0, SIG_BYTES, NULL),
    BID(price_gwei, "price_gwei", INPUT_GWEI, MAY_NULL, 1, MONEY_MAX_GWEI, NULL),
    BID(salt, "salt", INPUT_HEX, MAY, 0, SALT_BYTES, NULL),
};

static enum err check_opening(struct http_request *rq, const struct bid_create_args *a)
{
    uint8_t computed[HASH_BYTES];
    if ((a->price_gwei == NULL) != (a->salt == NULL))
        return http_bad(rq, "/salt", "price_gwei and salt come together");
    if (a->price_gwei == NULL)
        return ERR_OK;
    struct protocol_bid b = {
        .market_id = api_options(rq)->market_id,
        .task = a->task_id,
        .entity = rq->who.account,
        .node = a->node_id,
        .price_gwei = *a->price_gwei,
    };
    memcpy(b.salt, a->salt, SALT_BYTES);
    protocol_bid_commitment(&b, computed);
    if (memcmp(computed, a->commitment, HASH_BYTES) == 0)
        return ERR_OK;
    (void)http_bad(rq, "/commitment", "is not the hash of this price and salt");
    return ERR_COMMITMENT_MISMATCH;
}

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    enum err e = input_param(rq, 0, "task", &q->a.task_id);
    if (e == ERR_OK)
        e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e == ERR_OK)
        e = check_opening(rq, &q->a);
    if (e != ERR_OK)
        return e;
    if (!protocol_signed(q->a.node_key, q->a.commitment, q->a.signature)) {
        (void)http_bad(rq, "/signature", "does not verify over the commitment");
        return ERR_SIGNATURE_INVALID;
    }
    q->a.id = write_new_id();
    struct sql_caller who = write_caller(rq);
    sql_bid_create(&call->db, &who, &q->a);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field DETAIL[] = {
        {"round", VIEW_INT, NULL},
        {"revision", VIEW_INT, NULL},
        {"reserve_gwei", VIEW_GWEI, NULL},
        {"lock_gwei", VIEW_GWEI, NULL},
    };
    const struct request *q = call->state;
    struct uuid id;
    if (!view_outcome_id(rows, &id))
        return ERR_INTERNAL;
    struct view v = view_open(rq, "bid");
    view_outcome(&v, rows, "bid", "at");
    view_text(&v, "task_id", rq->params[0]);
    view_id(&v, "account_id", "acct", &rq->who.account);
    view_id(&v, "node_id", "node", &q->a.node_id);
    view_hex(&v, "commitment", q->a.commitment, HASH_BYTES);
    view_detail(&v, DETAIL, COUNT_OF(DETAIL));
    if (q->a.price_gwei == NULL)
        view_null(&v, "price_gwei");
    else
        view_gwei(&v, "price_gwei", *q->a.price_gwei);
    view_close(&v);
    view_created(rq, 201, "/v1/bids", "bid", &id);
    return ERR_OK;
}

const struct endpoint endpoint_create_bid = {read, show};
