/* SPDX-License-Identifier: Apache-2.0 */
/* The first commitment of a seat is final. */
#include "api/write.h"
#include "server/domain/protocol.h"

struct request {
    struct vote_commit_args a;
};

#define VOTE(member, name, kind, most)                                                             \
    FIELD(struct request, a.member, name, kind, NEED, 0, most, NULL)

static const struct input_field FIELDS[] = {
    VOTE(node_key, "node_key", INPUT_HEX, PUBKEY_BYTES),
    VOTE(commitment, "commitment", INPUT_HEX, HASH_BYTES),
    VOTE(signature, "signature", INPUT_HEX, SIG_BYTES),
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    enum err e = input_param(rq, 0, "seat", &q->a.seat_id);
    if (e == ERR_OK)
        e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e != ERR_OK)
        return e;
    if (!protocol_signed(q->a.node_key, q->a.commitment, q->a.signature)) {
        (void)http_bad(rq, "/signature", "does not verify over the commitment");
        return ERR_SIGNATURE_INVALID;
    }
    struct sql_caller who = write_caller(rq);
    sql_vote_commit(&call->db, &who, &q->a);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct request *q = call->state;
    struct view v = view_open(rq, "vote_commitment");
    view_outcome(&v, rows, "seat", "committed_at");
    view_hex(&v, "commitment", q->a.commitment, HASH_BYTES);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_commit_vote = {read, show};
