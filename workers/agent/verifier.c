/* SPDX-License-Identifier: Apache-2.0 */
/* Takes seats, checks the result behind each, commits a salted vote and reveals it in its window.
 * The vote is on disk before its commitment is sent. A result that cannot be checked here gets no
 * vote. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/domain/protocol.h"
#include "workers/agent/agent.h"
#include "workers/agent/store.h"

enum { FAILED_PAUSE_MS = 1000, HELD_MAX = 16, RETRY_HOLD_MS = 2000, BUSY_POLL_MS = 2000 };
static const int64_t GONE_HOLD_MS = 60000;
static const int64_t FOR_EVER_MS = 86400000;

/* Seats that claims must leave out for a while, at most what one claim may name; only the
 * verifier's thread touches it. */
struct held {
    struct {
        char id[TYPEID_TEXT_MAX];
        int64_t until_mono_ms;
    } seat[HELD_MAX];
    size_t count;
};

static void hold(struct held *h, const char *id, int64_t ms)
{
    size_t i = h->count < HELD_MAX ? h->count++ : 0;
    snprintf(h->seat[i].id, sizeof h->seat[i].id, "%s", id);
    h->seat[i].until_mono_ms = clock_mono_ms() + ms;
}

static json_t *held_ids(struct held *h)
{
    json_t *ids = json_array();
    int64_t now = clock_mono_ms();
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++)
        if (h->seat[i].until_mono_ms > now) {
            json_array_append_new(ids, json_string(h->seat[i].id));
            h->seat[kept++] = h->seat[i];
        }
    h->count = kept;
    return ids;
}

/* The result's bytes, inline or from its blob, as the provider's digest states them. */
static enum err fetch_result(struct client *c, const struct wire_seat *s, struct buf *out)
{
    uint8_t digest[HASH_BYTES];
    enum err e = ERR_OK;
    if (s->result != NULL) {
        size_t cap = strlen(s->result);
        size_t len = 0;
        uint8_t *bytes = malloc(cap + 1);
        if (bytes == NULL)
            return ERR_NO_MEMORY;
        e = base64url_decode(s->result, bytes, cap, &len);
        if (e == ERR_OK)
            buf_add(out, bytes, len);
        free(bytes);
    } else {
        e = s->blob_id != NULL ? agent_blob_get(c, s->blob_id, out) : ERR_NOT_FOUND;
    }
    if (e == ERR_OK && !buf_ok(out))
        e = ERR_TOO_LARGE;
    if (e != ERR_OK)
        return e;
    hash_plain(out->data == NULL ? "" : out->data, out->len, digest);
    return memcmp(digest, s->result_digest, sizeof digest) == 0 ? ERR_OK : ERR_BLOB_HASH_MISMATCH;
}

static void judge(struct agent *a, struct client *c, const struct wire_seat *s,
                  struct workload_check *out)
{
    char reason[WORKLOAD_REASON_MAX];
    int64_t units = 0;
    struct buf result;
    buf_init(&result, WORKLOAD_RESULT_MAX_BYTES);
    *out = (struct workload_check){.verdict = VERDICT_UNDECIDED};
    enum err e = wire_input_check(&s->task, &units, reason);
    if (e != ERR_OK)
        snprintf(out->reason, sizeof out->reason, "%s", reason);
    if (e == ERR_OK) {
        e = fetch_result(c, s, &result);
        snprintf(out->reason, sizeof out->reason, "the result cannot be had: %s", err_title(e));
    }
    if (e == ERR_OK) {
        struct workload_task t = wire_workload_task(&s->task, a->market_id, s->worker_key);
        struct bytes bytes = {(const uint8_t *)(result.data == NULL ? "" : result.data),
                              result.len};
        workload_find(t.kind)->check(&t, a->config.data_dir, bytes, out);
    }
    if (a->config.fault == FAULT_VOTE_NO)
        *out = (struct workload_check){.verdict = VERDICT_REJECT, .reason = "fault: vote_no"};
    buf_clear(&result);
}

static struct protocol_vote vote_of(const struct agent *a, const struct wire_seat *s,
                                    const json_t *record)
{
    struct protocol_vote v = {.task = s->task.uuid,
                              .slot = s->slot,
                              .fence = s->fence,
                              .rung = s->rung,
                              .seat = s->uuid,
                              .yes = json_is_true(json_object_get(record, "yes"))};
    memcpy(v.node_key, a->key.public, sizeof v.node_key);
    if (wire_hex(record, "salt", v.salt, sizeof v.salt) != ERR_OK)
        memset(v.salt, 0, sizeof v.salt);
    return v;
}

static enum err send_commitment(struct agent *a, struct client *c, const struct wire_seat *s,
                                const json_t *record)
{
    struct protocol_vote v = vote_of(a, s, record);
    uint8_t commitment[HASH_BYTES];
    uint8_t signature[SIG_BYTES];
    char path[CLIENT_PATH_MAX];
    char key[CLIENT_IDEMPOTENCY_MAX];
    json_t *body = json_object();
    protocol_vote_commitment(&v, commitment);
    agent_sign(a, commitment, signature);
    wire_set_hex(body, "node_key", a->key.public, sizeof a->key.public);
    wire_set_hex(body, "commitment", commitment, sizeof commitment);
    wire_set_hex(body, "signature", signature, sizeof signature);
    snprintf(path, sizeof path, "/v1/verifications/%s/commit", s->id);
    hex_encode(commitment, CLIENT_IDEMPOTENCY_MAX / 2 - 1, key);
    return agent_post(c, path, body, key, NULL);
}

/* Checks and writes the vote down; ERR_UNAVAILABLE when there is nothing to vote on. */
static enum err decide(struct agent *a, struct client *c, const struct wire_seat *s, json_t **out)
{
    struct workload_check check;
    uint8_t salt[SALT_BYTES];
    judge(a, c, s, &check);
    if (check.verdict == VERDICT_UNDECIDED) {
        log_event(LOG_WARN, "cannot judge", "seat", s->id, "task", s->task.id, "reason",
                  check.reason, NULL);
        return ERR_UNAVAILABLE;
    }
    json_t *record = json_pack("{s:b, s:s, s:s}", "yes", check.verdict == VERDICT_ACCEPT, "reason",
                               check.reason, "task_id", s->task.id);
    randombytes_buf(salt, sizeof salt);
    wire_set_hex(record, "salt", salt, sizeof salt);
    enum err e =
        record == NULL ? ERR_NO_MEMORY : store_put(a->config.state_dir, "seats", s->id, record);
    if (e == ERR_OK)
        *out = record;
    else
        json_decref(record);
    return e;
}

static void vote(struct agent *a, struct client *c, const struct wire_seat *s, struct held *h)
{
    json_t *record = NULL;
    enum err e = store_get(a->config.state_dir, "seats", s->id, &record);
    if (e != ERR_OK)
        e = decide(a, c, s, &record);
    if (e == ERR_OK)
        e = send_commitment(a, c, s, record);
    if (e == ERR_OK)
        log_event(LOG_INFO, "vote committed", "seat", s->id, "task", s->task.id, NULL);
    else if (e != ERR_EMPTY)
        log_event(LOG_WARN, "vote not committed", "seat", s->id, "error", err_code(e), NULL);
    if (e != ERR_OK && e != ERR_EMPTY)
        hold(h, s->id, err_retryable(e) ? RETRY_HOLD_MS : GONE_HOLD_MS);
    json_decref(record);
}

static void reveal(struct agent *a, struct client *c, const struct wire_seat *s, struct held *h)
{
    char path[CLIENT_PATH_MAX];
    char key[CLIENT_IDEMPOTENCY_MAX];
    json_t *record = NULL;
    if (a->config.fault == FAULT_NO_REVEAL) {
        hold(h, s->id, FOR_EVER_MS);
        return;
    }
    enum err e = store_get(a->config.state_dir, "seats", s->id, &record);
    if (e == ERR_OK) {
        struct protocol_vote v = vote_of(a, s, record);
        json_t *body = json_pack("{s:s, s:i, s:i, s:i, s:b, s:O}", "task_id", s->task.id, "slot",
                                 s->slot, "fence", s->fence, "rung", s->rung, "vote", v.yes,
                                 "reason", json_object_get(record, "reason"));
        wire_set_hex(body, "node_key", a->key.public, sizeof a->key.public);
        wire_set_hex(body, "salt", v.salt, sizeof v.salt);
        snprintf(path, sizeof path, "/v1/verifications/%s/reveal", s->id);
        snprintf(key, sizeof key, "reveal-%s", s->id);
        e = agent_post(c, path, body, key, NULL);
    }
    json_decref(record);
    if (e == ERR_OK) {
        log_event(LOG_INFO, "vote revealed", "seat", s->id, "task", s->task.id, NULL);
        store_drop(a->config.state_dir, "seats", s->id);
    } else if (e != ERR_EMPTY) {
        log_event(LOG_WARN, "vote not revealed", "seat", s->id, "error", err_code(e), NULL);
        hold(h, s->id, err_retryable(e) ? RETRY_HOLD_MS : GONE_HOLD_MS);
    }
}

static void take(struct agent *a, struct client *c, const json_t *json, struct held *h)
{
    struct wire_seat s;
    if (wire_seat_read(json, &s) != ERR_OK) {
        log_event(LOG_WARN, "seat unreadable", NULL);
        agent_pause(a, FAILED_PAUSE_MS);
    } else if (strcmp(s.state, "seated") == 0) {
        vote(a, c, &s, h);
    } else if (strcmp(s.state, "committed") == 0 && s.reveal_open) {
        reveal(a, c, &s, h);
    } else {
        hold(h, s.id, RETRY_HOLD_MS);
    }
}

void *agent_verifier(void *agent)
{
    struct agent *a = agent;
    struct client *c = agent_client(a, &a->stop, 0);
    struct held held = {.count = 0};
    while (c != NULL && !atomic_load(&a->stop)) {
        json_t *seat = NULL;
        json_t *except = held_ids(&held);
        struct client_call call = {.method = "POST",
                                   .path = "/v1/verifications/claim",
                                   .wait_ms = held.count > 0 ? BUSY_POLL_MS : a->config.poll_ms};
        json_t *body = json_pack("{s:s, s:o}", "node_id", a->node_id, "except", except);
        enum err e = agent_call(c, &call, body, &seat);
        if (e == ERR_OK) {
            take(a, c, seat, &held);
        } else if (e != ERR_EMPTY) {
            log_event(LOG_WARN, "no claim", "error", err_code(e), NULL);
            agent_pause(a, FAILED_PAUSE_MS);
        }
        json_decref(seat);
    }
    client_free(c);
    return NULL;
}
