/* SPDX-License-Identifier: Apache-2.0 */
/* What the API sends, read into plain structs; every reader refuses what it cannot use. */
#ifndef CF_AGENT_WIRE_H
#define CF_AGENT_WIRE_H

#include <jansson.h>

#include "server/core/buf.h"
#include "server/core/bytes.h"
#include "server/core/ids.h"
#include "server/workload/workload.h"

enum { WIRE_KIND_MAX = 64, WIRE_STATE_MAX = 24 };

/* A row of GET /v1/tasks, or the task itself with its input. */
struct wire_task {
    char id[TYPEID_TEXT_MAX];
    struct uuid uuid;
    char requester_id[TYPEID_TEXT_MAX];
    char kind[WIRE_KIND_MAX];
    char node_class[WIRE_KIND_MAX];
    bool sealed; /* false: the opening is sent with the bid */
    int round;
    int64_t max_price_gwei;
    int64_t closes_ms;
    int64_t opens_until_ms; /* -1: not known */
    int64_t deadline_ms;
    uint8_t input_hash[HASH_BYTES];
    const json_t *input; /* borrowed from the JSON; NULL in lists */
};

/* A provider's job with its task. */
struct wire_job {
    char id[TYPEID_TEXT_MAX];
    char state[WIRE_STATE_MAX];
    int slot;
    int fence;
    bool reveal_open;
    int64_t lease_until_ms;
    struct wire_task task;
};

/* A verifier's seat with the task and the result to judge. */
struct wire_seat {
    char id[TYPEID_TEXT_MAX];
    struct uuid uuid;
    char state[WIRE_STATE_MAX];
    int slot;
    int fence;
    int rung;
    bool reveal_open;
    int64_t commit_until_ms;
    uint8_t worker_key[PUBKEY_BYTES];
    uint8_t result_digest[HASH_BYTES];
    const char *result;  /* borrowed base64url; NULL when it is a blob */
    const char *blob_id; /* borrowed; NULL when inline */
    struct wire_task task;
};

enum err wire_task_read(const json_t *json, struct wire_task *out) CF_MUST_CHECK;
enum err wire_job_read(const json_t *json, struct wire_job *out) CF_MUST_CHECK;
enum err wire_seat_read(const json_t *json, struct wire_seat *out) CF_MUST_CHECK;

/* "2026-11-22T22:48:50.123Z" (UTC only, fraction optional) to ms; ERR_PARSE. */
enum err wire_time(const char *text, int64_t *out_ms) CF_MUST_CHECK;
/* Copies a string member; ERR_PARSE when it is no string or does not fit. */
enum err wire_text(const json_t *object, const char *name, char *out, size_t cap) CF_MUST_CHECK;
/* Hexadecimal member of exactly len bytes. */
enum err wire_hex(const json_t *object, const char *name, uint8_t *out, size_t len) CF_MUST_CHECK;
/* Sets a member to lower-case hexadecimal; len is at most SIG_BYTES. */
void wire_set_hex(json_t *object, const char *name, const uint8_t *data, size_t len);
/* Sets a member to a decimal string of gwei. */
void wire_set_gwei(json_t *object, const char *name, int64_t gwei);

/* What workload functions want to know of a task executed by worker_key. Borrows the task's input.
 */
struct workload_task wire_workload_task(const struct wire_task *t, const char *market_id,
                                        const uint8_t worker_key[PUBKEY_BYTES]);
/* The input is inline, of a known kind, valid, and hashes to what the task says. reason: why not.
 */
enum err wire_input_check(const struct wire_task *t, int64_t *work_units,
                          char reason[WORKLOAD_REASON_MAX]) CF_MUST_CHECK;

#endif
