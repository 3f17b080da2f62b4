/* SPDX-License-Identifier: Apache-2.0 */
/* Announces content by its digest; the same digest of an account is the same blob. */
#include "api/write.h"

enum { PART_BYTES = 1048576, BLOB_MAX_BYTES = 268435456 };

struct request {
    const uint8_t *digest;
    int64_t size_bytes;
};

static const struct input_field FIELDS[] = {
    FIELD(struct request, digest, "digest", INPUT_HEX, NEED, 0, HASH_BYTES, NULL),
    FIELD(struct request, size_bytes, "size_bytes", INPUT_INT, NEED, 1, BLOB_MAX_BYTES, NULL),
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    enum err e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_blob_create(&call->db, &who,
                    &(struct blob_create_args){write_new_id(), q->digest, q->size_bytes});
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field DETAIL[] = {{"state", VIEW_TEXT, NULL}};
    const struct request *q = call->state;
    struct uuid id;
    if (!view_outcome_id(rows, &id))
        return ERR_INTERNAL;
    struct view v = view_open(rq, "blob");
    view_outcome(&v, rows, "blob", "created_at");
    view_id(&v, "account_id", "acct", &rq->who.account);
    view_hex(&v, "digest", q->digest, HASH_BYTES);
    view_int(&v, "size_bytes", q->size_bytes);
    view_detail(&v, DETAIL, COUNT_OF(DETAIL));
    view_int(&v, "part_bytes", PART_BYTES);
    view_int(&v, "part_count", (q->size_bytes + PART_BYTES - 1) / PART_BYTES);
    view_close(&v);
    view_created(rq, 201, "/v1/blobs", "blob", &id);
    return ERR_OK;
}

const struct endpoint endpoint_create_blob = {read, show};
