/* SPDX-License-Identifier: Apache-2.0 */
/* The nonce search. For sha256d the first 64 bytes of the header are hashed once (the midstate), so
 * a nonce costs two compressions, and most candidates are dropped on the top 32 bits alone. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "server/crypto/pow.h"

#include <string.h>

#include "server/crypto/scrypt.h"
#include "server/crypto/sha256.h"

#define NONCE_OFFSET       76
#define STOP_EVERY_SHA256D 4096 /* about 0.3 ms between two looks at the flag */
#define NONCE_SPACE        (UINT64_C(1) << 32)

static void write_le32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

static void write_be32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof v);
}

static bool asked_to_stop(const atomic_bool *stop)
{
    return stop != NULL && atomic_load_explicit(stop, memory_order_relaxed);
}

/* The hash from the eight state words, in wire order. */
static void state_bytes(const SHA256_CTX *c, uint8_t out[SHA256_BYTES])
{
    for (size_t i = 0; i < 8; i++)
        write_be32(out + 4 * i, c->h[i]);
}

static enum pow_search_end search_sha256d(const struct pow_job *job, uint64_t end,
                                          const atomic_bool *stop, struct pow_search_result *result)
{
    SHA256_CTX mid;
    SHA256_CTX iv;
    SHA256_CTX c;
    uint8_t second[64] = {0}; /* tail of the header, padding, length 640 bits */
    uint8_t outer[64] = {0};  /* inner hash, padding, length 256 bits */
    SHA256_Init(&iv);
    mid = iv;
    SHA256_Transform(&mid, job->header);
    memcpy(second, job->header + 64, 12);
    second[16] = 0x80;
    second[62] = 0x02;
    second[63] = 0x80;
    outer[32] = 0x80;
    outer[62] = 0x01;
    uint32_t top = (uint32_t)(job->target.w[3] >> 32);
    for (uint64_t n = job->nonce_from; n < end; n++) {
        if ((result->tried_count & (STOP_EVERY_SHA256D - 1)) == 0 && asked_to_stop(stop))
            return POW_SEARCH_STOPPED;
        write_le32(second + 12, (uint32_t)n);
        memcpy(c.h, mid.h, sizeof c.h);
        SHA256_Transform(&c, second);
        state_bytes(&c, outer);
        memcpy(c.h, iv.h, sizeof c.h);
        SHA256_Transform(&c, outer);
        result->tried_count++;
        if (__builtin_bswap32(c.h[7]) > top)
            continue;
        uint8_t hash[SHA256_BYTES];
        state_bytes(&c, hash);
        if (pow_hash_meets(hash, &job->target)) {
            result->nonce = (uint32_t)n;
            return POW_SEARCH_FOUND;
        }
    }
    return POW_SEARCH_EXHAUSTED;
}

static enum pow_search_end search_scrypt(const struct pow_job *job, uint64_t end,
                                         const atomic_bool *stop, struct pow_search_result *result)
{
    struct scrypt_scratch scratch;
    uint8_t header[POW_HEADER_BYTES];
    uint8_t hash[POW_HASH_BYTES];
    memcpy(header, job->header, sizeof header);
    for (uint64_t n = job->nonce_from; n < end; n++) {
        if (asked_to_stop(stop))
            return POW_SEARCH_STOPPED;
        write_le32(header + NONCE_OFFSET, (uint32_t)n);
        scrypt_1024_1_1(header, &scratch, hash);
        result->tried_count++;
        if (pow_hash_meets(hash, &job->target)) {
            result->nonce = (uint32_t)n;
            return POW_SEARCH_FOUND;
        }
    }
    return POW_SEARCH_EXHAUSTED;
}

enum pow_search_end pow_search(const struct pow_job *job, const atomic_bool *stop,
                               struct pow_search_result *result)
{
    uint64_t room = NONCE_SPACE - job->nonce_from;
    uint64_t count = job->nonce_count < room ? job->nonce_count : room;
    uint64_t end = job->nonce_from + count;
    *result = (struct pow_search_result){0};
    if (job->kind == POW_SCRYPT)
        return search_scrypt(job, end, stop, result);
    return search_sha256d(job, end, stop, result);
}
