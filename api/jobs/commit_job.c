/* SPDX-License-Identifier: Apache-2.0 */
/* The node commits to its result; the first commitment of a fence is final. */
#include "api/write.h"
#include "server/domain/protocol.h"

struct request {
    struct job_commit_args a;
};

#define JOB(member, name, kind, need, least, most, what)                                           \
    FIELD(struct request, a.member, name, kind, need, least, most, what)

static const struct input_field FIELDS[] = {
    JOB(job.fence, "fence", INPUT_INT, NEED, 1, INT32_MAX, NULL),
    JOB(node_key, "node_key", INPUT_HEX, NEED, 0, PUBKEY_BYTES, NULL),
    JOB(commitment, "commitment", INPUT_HEX, NEED, 0, HASH_BYTES, NULL),
    JOB(signature, "signature", INPUT_HEX, NEED, 0, SIG_BYTES, NULL),
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    enum err e = input_param(rq, 0, "job", &q->a.job.job_id);
    if (e == ERR_OK)
        e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e != ERR_OK)
        return e;
    if (!protocol_signed(q->a.node_key, q->a.commitment, q->a.signature)) {
        (void)http_bad(rq, "/signature", "does not verify over the commitment");
        return ERR_SIGNATURE_INVALID;
    }
    struct sql_caller who = write_caller(rq);
    sql_job_commit(&call->db, &who, &q->a);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct request *q = call->state;
    struct view v = view_open(rq, "job_commitment");
    view_outcome(&v, rows, "job", "committed_at");
    view_hex(&v, "commitment", q->a.commitment, HASH_BYTES);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_commit_job = {read, show};
