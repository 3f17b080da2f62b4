/* SPDX-License-Identifier: Apache-2.0 */
/* A finished result: stored with its salt first, then committed, then revealed. The record holds
 * what a repetition needs to send the very same bytes. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/log.h"
#include "workers/agent/agent.h"
#include "workers/agent/store.h"

enum { INLINE_MAX_BYTES = 45000 };

static struct workload_opening opening_of(const struct agent *a, const struct wire_job *job)
{
    struct workload_opening o = {.task = job->task.uuid, .slot = job->slot, .fence = job->fence};
    memcpy(o.node_key, a->key.public, sizeof o.node_key);
    return o;
}

enum err agent_result_store(struct agent *a, const struct wire_job *job, const struct buf *result)
{
    struct workload_opening o = opening_of(a, job);
    const char *dir = a->config.state_dir;
    randombytes_buf(o.salt, sizeof o.salt);
    hash_plain(result->data, result->len, o.result_digest);
    json_t *record = json_pack("{s:i, s:s}", "fence", job->fence, "task_id", job->task.id);
    wire_set_hex(record, "salt", o.salt, sizeof o.salt);
    wire_set_hex(record, "digest", o.result_digest, sizeof o.result_digest);
    /* The bytes first: a record without them could not be revealed. */
    enum err e = record == NULL ? ERR_NO_MEMORY
                                : store_put_bytes(dir, "jobs", job->id, result->data, result->len);
    if (e == ERR_OK)
        e = store_put(dir, "jobs", job->id, record);
    json_decref(record);
    return e;
}

static enum err read_record(const json_t *record, struct workload_opening *o)
{
    if (wire_hex(record, "salt", o->salt, sizeof o->salt) != ERR_OK ||
        wire_hex(record, "digest", o->result_digest, sizeof o->result_digest) != ERR_OK)
        return ERR_PARSE;
    return ERR_OK;
}

enum err agent_result_commit(struct agent *a, struct client *c, const struct wire_job *job,
                             const json_t *record)
{
    struct workload_opening o = opening_of(a, job);
    uint8_t commitment[HASH_BYTES];
    uint8_t signature[SIG_BYTES];
    char path[CLIENT_PATH_MAX];
    char key[CLIENT_IDEMPOTENCY_MAX];
    enum err e = read_record(record, &o);
    if (e != ERR_OK)
        return e;
    workload_commitment(&o, commitment);
    agent_sign(a, commitment, signature);
    json_t *body = json_pack("{s:i}", "fence", job->fence);
    wire_set_hex(body, "node_key", a->key.public, sizeof a->key.public);
    wire_set_hex(body, "commitment", commitment, sizeof commitment);
    wire_set_hex(body, "signature", signature, sizeof signature);
    snprintf(path, sizeof path, "/v1/jobs/%s/commit", job->id);
    hex_encode(commitment, CLIENT_IDEMPOTENCY_MAX / 2 - 1, key);
    return agent_post(c, path, body, key, NULL);
}

/* Adds the result itself, or the id of the blob it was uploaded as. */
static enum err add_result(struct client *c, json_t *body, const struct buf *result,
                           const uint8_t digest[HASH_BYTES])
{
    if (result->len > INLINE_MAX_BYTES) {
        char blob_id[TYPEID_TEXT_MAX];
        enum err e = agent_blob_put(c, result, digest, blob_id);
        if (e == ERR_OK) {
            json_object_set_new(body, "blob_id", json_string(blob_id));
            wire_set_hex(body, "result_digest", digest, HASH_BYTES);
        }
        return e;
    }
    char *text = malloc(4 * ((result->len + 2) / 3) + 1);
    if (text == NULL)
        return ERR_NO_MEMORY;
    base64url_encode((const uint8_t *)result->data, result->len, text);
    json_object_set_new(body, "result", json_string(text));
    free(text);
    return ERR_OK;
}

enum err agent_result_reveal(struct agent *a, struct client *c, const struct wire_job *job,
                             const json_t *record)
{
    struct workload_opening o = opening_of(a, job);
    struct buf result;
    char path[CLIENT_PATH_MAX];
    char key[CLIENT_IDEMPOTENCY_MAX];
    buf_init(&result, WORKLOAD_RESULT_MAX_BYTES);
    enum err e = read_record(record, &o);
    if (e == ERR_OK)
        e = store_get_bytes(a->config.state_dir, "jobs", job->id, &result);
    json_t *body = json_pack("{s:i, s:s, s:i}", "fence", job->fence, "task_id", job->task.id,
                             "slot", job->slot);
    wire_set_hex(body, "node_key", a->key.public, sizeof a->key.public);
    wire_set_hex(body, "salt", o.salt, sizeof o.salt);
    if (e == ERR_OK)
        e = add_result(c, body, &result, o.result_digest);
    buf_clear(&result);
    if (e != ERR_OK) {
        json_decref(body);
        return e;
    }
    snprintf(path, sizeof path, "/v1/jobs/%s/result", job->id);
    snprintf(key, sizeof key, "reveal-%s-%d", job->id, job->fence);
    e = agent_post(c, path, body, key, NULL);
    if (e == ERR_OK) {
        store_drop(a->config.state_dir, "jobs", job->id);
        log_event(LOG_INFO, "result revealed", "job", job->id, "task", job->task.id, NULL);
    }
    return e;
}
