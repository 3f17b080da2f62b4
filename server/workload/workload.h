/* SPDX-License-Identifier: Apache-2.0 */
/* What a workload kind is: how its input is validated, its work measured, its result executed,
 * checked and compared. One folder per kind, one row in workload.def. */
#ifndef CF_WORKLOAD_WORKLOAD_H
#define CF_WORKLOAD_WORKLOAD_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/core/buf.h"
#include "server/core/bytes.h"
#include "server/core/err.h"
#include "server/core/ids.h"

enum {
    WORKLOAD_REASON_MAX = 160,
    WORKLOAD_POINTER_MAX = 64,
    WORKLOAD_RESULT_MAX_BYTES = 1024 * 1024
};

/* The task as every party sees it; also what the binding value commits to. */
struct workload_task {
    const char *market_id;
    struct uuid task;
    const char *kind;
    const json_t *input;              /* validated inline JSON */
    uint8_t input_hash[HASH_BYTES];   /* SHA-256 of its canonical text */
    uint8_t worker_key[PUBKEY_BYTES]; /* Ed25519 key of the node that executes */
    int64_t deadline_ms;              /* absolute, UTC */
};

enum workload_mode {
    WORKLOAD_PROOF,
    WORKLOAD_EXACT,
    WORKLOAD_TOLERANCE,
    WORKLOAD_SPOT,
    WORKLOAD_WORK
};

enum workload_verdict {
    VERDICT_ACCEPT,
    VERDICT_REJECT,
    VERDICT_UNDECIDED /* could not be checked here */
};

struct workload_check {
    enum workload_verdict verdict;
    char reason[WORKLOAD_REASON_MAX]; /* one line, for the requester and the log */
};

/* Where an executor may work. */
struct workload_exec {
    const char *data_dir;    /* read-only data of the kinds (proving keys), build/zk */
    const char *scratch_dir; /* empty folder of this run */
    int64_t deadline_mono_ms;
    const atomic_bool *stop; /* set to abandon the run */
};

struct workload {
    const char *kind; /* "zk.groth16" */
    int version;
    const char *title;
    const char *family; /* zk, ai, mining, hpc */
    const char *unit;   /* native unit of work: "constraints", "hashes" */
    enum workload_mode mode;
    bool checkable;           /* check decides alone, without re-execution by a committee */
    const char *input_schema; /* JSON Schema text, published at /v1/workloads */
    /* Estimates the work in native units, at least 1, set only on success. On ERR_BAD_FIELD pointer
     * (WORKLOAD_POINTER_MAX bytes) gets the JSON pointer of the offending member below /input (""
     * is the input itself) and reason (WORKLOAD_REASON_MAX bytes) one line for people. */
    enum err (*validate)(const json_t *input, int64_t *work_units, char *pointer, char *reason);
    /* Fills the verdict; never fails otherwise. result: the exact bytes that were committed. */
    void (*check)(const struct workload_task *t, const char *data_dir, struct bytes result,
                  struct workload_check *out);
    /* True when two results agree under the kind's comparator. */
    bool (*agree)(const struct workload_task *t, struct bytes a, struct bytes b);
};

/* NULL when there is no such kind. */
const struct workload *workload_find(const char *kind);
/* All kinds, in the order of workload.def. */
const struct workload *const *workload_list(size_t *count);

/* SHA-256 of the canonical text of an input. ERR_NO_MEMORY. */
enum err workload_input_hash(const json_t *input, uint8_t out[HASH_BYTES]) CF_MUST_CHECK;

/* Runs the work of t->kind and appends the result bytes. In a file of its own, so that only a
 * program that calls it (the agent) links the executors. ERR_UNKNOWN_KIND, ERR_TIMEOUT after the
 * deadline, ERR_UNAVAILABLE when stopped, ERR_CHILD_FAILED, ERR_NOT_FOUND when the search space
 * holds no answer. */
enum err workload_execute(const struct workload_task *t, const struct workload_exec *x,
                          struct buf *result) CF_MUST_CHECK;

/* T = SHA-256("computefi/binding/1", market, task, kind, input hash, worker key, deadline): enters
 * proofs as two 128-bit halves. */
void workload_binding(const struct workload_task *t, uint8_t out[HASH_BYTES]);
/* What a result commitment covers: which lease, whose node, and the salted digest of the result. */
struct workload_opening {
    struct uuid task;
    int slot;
    int fence;
    uint8_t node_key[PUBKEY_BYTES];
    uint8_t salt[SALT_BYTES];
    uint8_t result_digest[HASH_BYTES]; /* SHA-256 of the result bytes */
};

/* Tagged hash "computefi/result/1" of the opening's members in their order. */
void workload_commitment(const struct workload_opening *o, uint8_t out[HASH_BYTES]);

#endif
