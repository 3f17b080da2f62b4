/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a vote. The commitment is recomputed here; the statement compares it and everything it
 * covers with the seat. */
#include <string.h>

#include "api/write.h"
#include "server/domain/protocol.h"

enum { SLOT_MAX = 15, RUNG_MAX = 8, REASON_MAX = 200 };

struct request {
    struct vote_reveal_args a;
};

#define VOTE(member, name, kind, need, least, most, what)                                          \
    FIELD(struct request, a.member, name, kind, need, least, most, what)

static const struct input_field FIELDS[] = {
    VOTE(task_id, "task_id", INPUT_ID, NEED, 0, 0, "task"),
    VOTE(slot, "slot", INPUT_INT, NEED, 0, SLOT_MAX, NULL),
    VOTE(fence, "fence", INPUT_INT, NEED, 1, INT32_MAX, NULL),
    VOTE(rung, "rung", INPUT_INT, NEED, 1, RUNG_MAX, NULL),
    VOTE(node_key, "node_key", INPUT_HEX, NEED, 0, PUBKEY_BYTES, NULL),
    VOTE(vote, "vote", INPUT_BOOL, NEED, 0, 0, NULL),
    VOTE(salt, "salt", INPUT_HEX, NEED, 0, SALT_BYTES, NULL),
    VOTE(reason, "reason", INPUT_TEXT, MAY, 0, REASON_MAX, NULL),
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    uint8_t computed[HASH_BYTES];
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    struct vote_reveal_args *a = &q->a;
    enum err e = input_param(rq, 0, "seat", &a->seat_id);
    if (e == ERR_OK)
        e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e != ERR_OK)
        return e;
    struct protocol_vote v = {
        .task = a->task_id,
        .slot = a->slot,
        .fence = a->fence,
        .rung = a->rung,
        .seat = a->seat_id,
        .yes = a->vote,
    };
    memcpy(v.node_key, a->node_key, PUBKEY_BYTES);
    memcpy(v.salt, a->salt, SALT_BYTES);
    protocol_vote_commitment(&v, computed);
    a->commitment = write_keep(rq, computed, sizeof computed);
    if (a->commitment == NULL)
        return ERR_NO_MEMORY;
    struct sql_caller who = write_caller(rq);
    sql_vote_reveal(&call->db, &who, a);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct request *q = call->state;
    struct view v = view_open(rq, "vote_reveal");
    view_outcome(&v, rows, "seat", "revealed_at");
    view_bool(&v, "vote", q->a.vote);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_reveal_vote = {read, show};
