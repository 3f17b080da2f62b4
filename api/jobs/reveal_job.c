/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the commitment with the result itself, inline or as a blob. The commitment is recomputed
 * here; the statement compares it and everything it covers with the job. */
#include <string.h>

#include "api/write.h"
#include "server/workload/workload.h"

enum { SLOT_MAX = 15 };

struct request {
    struct job_reveal_args a;
};

#define JOB(member, name, kind, need, least, most, what)                                           \
    FIELD(struct request, a.member, name, kind, need, least, most, what)

static const struct input_field FIELDS[] = {
    JOB(job.fence, "fence", INPUT_INT, NEED, 1, INT32_MAX, NULL),
    JOB(task_id, "task_id", INPUT_ID, NEED, 0, 0, "task"),
    JOB(slot, "slot", INPUT_INT, NEED, 0, SLOT_MAX, NULL),
    JOB(node_key, "node_key", INPUT_HEX, NEED, 0, PUBKEY_BYTES, NULL),
    JOB(salt, "salt", INPUT_HEX, NEED, 0, SALT_BYTES, NULL),
    JOB(result, "result", INPUT_BYTES, MAY, 1, WORKLOAD_RESULT_MAX_BYTES, NULL),
    JOB(blob_id, "blob_id", INPUT_ID, MAY_NULL, 0, 0, "blob"),
    JOB(digest, "result_digest", INPUT_HEX, MAY, 0, HASH_BYTES, NULL),
};

/* Sets the digest of an inline result; a blob states its own. */
static enum err settle_digest(struct http_request *rq, struct job_reveal_args *a)
{
    uint8_t digest[HASH_BYTES];
    if ((a->result.data == NULL) == (a->blob_id == NULL))
        return http_bad(rq, "/result", "give either result or blob_id");
    if (a->blob_id != NULL)
        return a->digest == NULL ? http_bad(rq, "/result_digest", "is required with blob_id")
                                 : ERR_OK;
    hash_plain(a->result.data, a->result.len, digest);
    if (a->digest != NULL && memcmp(a->digest, digest, HASH_BYTES) != 0)
        return http_bad(rq, "/result_digest", "is not the SHA-256 of result");
    a->digest = write_keep(rq, digest, sizeof digest);
    return a->digest == NULL ? ERR_NO_MEMORY : ERR_OK;
}

static enum err read(struct http_request *rq, struct api_call *call)
{
    uint8_t computed[HASH_BYTES];
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    struct job_reveal_args *a = &q->a;
    enum err e = input_param(rq, 0, "job", &a->job.job_id);
    if (e == ERR_OK)
        e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e == ERR_OK)
        e = settle_digest(rq, a);
    if (e != ERR_OK)
        return e;
    struct workload_opening o = {
        .task = a->task_id, .slot = (int)a->slot, .fence = (int)a->job.fence};
    memcpy(o.node_key, a->node_key, PUBKEY_BYTES);
    memcpy(o.salt, a->salt, SALT_BYTES);
    memcpy(o.result_digest, a->digest, HASH_BYTES);
    workload_commitment(&o, computed);
    a->commitment = write_keep(rq, computed, sizeof computed);
    if (a->commitment == NULL)
        return ERR_NO_MEMORY;
    struct sql_caller who = write_caller(rq);
    sql_job_reveal(&call->db, &who, a);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct request *q = call->state;
    struct view v = view_open(rq, "job_result");
    view_outcome(&v, rows, "job", "revealed_at");
    view_hex(&v, "result_digest", q->a.digest, HASH_BYTES);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_reveal_job = {read, show};
