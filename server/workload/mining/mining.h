/* SPDX-License-Identifier: Apache-2.0 */
/* Header search, shared by the sha256d and scrypt kinds.
 *
 * Binding. By default ("bind": true) the 32 bytes of the header's merkle root are replaced by
 * SHA-256("computefi/pow-root/1", T, extra nonce): the work is done for one task, worker and
 * deadline, nobody else can hand it in, and the extra nonce makes the space inexhaustible.
 * With "bind": false the header is searched as given (a block template has no room for T). Such a
 * result is bound only by its commitment, made before anybody sees it; the coordinator pays one
 * result for each task. */
#ifndef CF_WORKLOAD_MINING_MINING_H
#define CF_WORKLOAD_MINING_MINING_H

#include "server/crypto/pow.h"
#include "server/workload/workload.h"

#define MINING_INPUT_SCHEMA                                                                        \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"header\"],"               \
    "\"properties\":{"                                                                             \
    "\"header\":{\"type\":\"string\",\"pattern\":\"^([0-9a-f]{152}|[0-9a-f]{160})$\","             \
    "\"description\":\"block header as on the wire, with or without its nonce (ignored)\"},"       \
    "\"target\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\","                              \
    "\"description\":\"largest acceptable hash, most significant digit first; default: the "       \
    "header's bits\"},"                                                                            \
    "\"bits\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{8}$\","                                 \
    "\"description\":\"the same in compact form\"},"                                               \
    "\"bind\":{\"type\":\"boolean\",\"default\":true,"                                             \
    "\"description\":\"put the task's binding value into the merkle root\"},"                      \
    "\"nonce_start\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":4294967295},"                 \
    "\"nonce_count\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":4294967296}}}"

/* workload.validate, check, agree and the executor, by hash function. */
enum err mining_validate(const json_t *input, int64_t *work_units, char *pointer, char *reason);
void mining_check(enum pow_kind kind, const struct workload_task *t, struct bytes result,
                  struct workload_check *out);
bool mining_agree(const struct workload_task *t, struct bytes a, struct bytes b);
enum err mining_execute(enum pow_kind kind, const struct workload_task *t,
                        const struct workload_exec *x, struct buf *result) CF_MUST_CHECK;

/* The input, read. */
struct mining_job {
    uint8_t header[POW_HEADER_BYTES];
    struct u256 target;
    bool bind;
    uint32_t nonce_start;
    uint64_t nonce_count;
};
/* ERR_BAD_FIELD when the input is not valid. */
enum err mining_job_read(const json_t *input, struct mining_job *out) CF_MUST_CHECK;
/* The header to hash for one extra nonce (0 when the job is not bound). */
void mining_header(const struct mining_job *job, const struct workload_task *t, uint32_t extra,
                   uint8_t header[POW_HEADER_BYTES]);
/* Expected hashes until one meets the target: floor(2^256 / (target + 1)), at least 1. */
struct u256 mining_expected_hashes(const struct u256 *target);

#endif
