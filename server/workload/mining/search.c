/* SPDX-License-Identifier: Apache-2.0 */
/* The executor: tries nonces in slices, so that the deadline and a stop are noticed. */
#include "server/workload/mining/mining.h"

#include <string.h>

#include "server/core/clock.h"

enum { NONCE_AT = 76, SLICE_SHA256D = 1 << 20, SLICE_SCRYPT = 1 << 10 };

static void add_result(const struct pow_job *pow, uint32_t nonce, uint32_t extra, struct buf *out)
{
    uint8_t header[POW_HEADER_BYTES];
    uint8_t hash[POW_HASH_BYTES];
    char header_hex[2 * POW_HEADER_BYTES + 1];
    char hash_hex[2 * POW_HASH_BYTES + 1];
    memcpy(header, pow->header, sizeof header);
    for (int i = 0; i < 4; i++)
        header[NONCE_AT + i] = (uint8_t)(nonce >> (8 * i));
    pow_hash(pow->kind, header, hash);
    for (size_t i = 0; i < POW_HASH_BYTES / 2; i++) {
        uint8_t low = hash[i];
        hash[i] = hash[POW_HASH_BYTES - 1 - i];
        hash[POW_HASH_BYTES - 1 - i] = low;
    }
    hex_encode(header, sizeof header, header_hex);
    hex_encode(hash, sizeof hash, hash_hex);
    buf_addf(out, "{\"extra_nonce\":%u,\"hash\":\"%s\",\"header\":\"%s\",\"nonce\":%u}", extra,
             hash_hex, header_hex, nonce);
}

/* ERR_NOT_FOUND when this header has no answer in the job's range. */
static enum err search_range(const struct mining_job *job, struct pow_job *pow,
                             const struct workload_exec *x, uint32_t *nonce)
{
    uint64_t slice = pow->kind == POW_SCRYPT ? SLICE_SCRYPT : SLICE_SHA256D;
    for (uint64_t done = 0; done < job->nonce_count;) {
        struct pow_search_result found;
        uint64_t left = job->nonce_count - done;
        if (clock_mono_ms() >= x->deadline_mono_ms)
            return ERR_TIMEOUT;
        pow->nonce_from = (uint32_t)(job->nonce_start + done);
        pow->nonce_count = left < slice ? left : slice;
        switch (pow_search(pow, x->stop, &found)) {
        case POW_SEARCH_FOUND:
            *nonce = found.nonce;
            return ERR_OK;
        case POW_SEARCH_STOPPED:
            return ERR_UNAVAILABLE;
        case POW_SEARCH_EXHAUSTED:
            break;
        }
        done += pow->nonce_count;
    }
    return ERR_NOT_FOUND;
}

enum err mining_execute(enum pow_kind kind, const struct workload_task *t,
                        const struct workload_exec *x, struct buf *result)
{
    struct mining_job job;
    enum err e = mining_job_read(t->input, &job);
    if (e != ERR_OK)
        return e;
    for (uint32_t extra = 0;; extra++) {
        struct pow_job pow = {.kind = kind, .target = job.target};
        uint32_t nonce;
        mining_header(&job, t, extra, pow.header);
        e = search_range(&job, &pow, x, &nonce);
        if (e == ERR_OK)
            add_result(&pow, nonce, extra, result);
        if (e != ERR_NOT_FOUND || !job.bind || extra == UINT32_MAX)
            break;
    }
    return e == ERR_OK && !buf_ok(result) ? ERR_NO_MEMORY : e;
}
