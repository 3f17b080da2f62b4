/* SPDX-License-Identifier: Apache-2.0 */
/* Proof of work of an 80-byte block header: sha256d (Bitcoin) and scrypt 1024,1,1 (Litecoin,
 * Dogecoin). Byte order: hashes and headers are as on the wire; a hash is compared as a
 * little-endian number. */
#ifndef CF_CRYPTO_POW_H
#define CF_CRYPTO_POW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/crypto/u256.h"

#define POW_HEADER_BYTES 80
#define POW_HASH_BYTES   32

enum pow_kind { POW_SHA256D, POW_SCRYPT };

enum pow_verdict {
    POW_OK,
    POW_BAD_LENGTH,
    POW_BITS_NEGATIVE,
    POW_BITS_ZERO,
    POW_BITS_OVERFLOW,
    POW_TARGET_ABOVE_LIMIT,
    POW_BITS_UNEXPECTED,
    POW_HASH_ABOVE_TARGET,
    POW_BAD_PREVIOUS,
    POW_BAD_TIME,
    POW_BAD_MERKLE_ROOT,
    POW_BAD_COINBASE,
    POW_NO_MEMORY
};

/* The reason in words, for logs and replies; never NULL. */
const char *pow_verdict_text(enum pow_verdict v);

/* The fields of a header; hashes stay in wire order. */
struct pow_header {
    uint32_t version;
    uint8_t previous[POW_HASH_BYTES];
    uint8_t merkle_root[POW_HASH_BYTES];
    uint32_t time;
    uint32_t bits;
    uint32_t nonce;
};

struct pow_header pow_header_parse(const uint8_t header[POW_HEADER_BYTES]);

/* Expands compact bits (mantissa * 256^(exponent-3)). Refuses the sign bit, zero and overflow; sets
 * *target only on POW_OK. */
enum pow_verdict pow_target_parse(uint32_t bits, struct u256 *target);

/* The compact form of a target, rounded down as Bitcoin does. */
uint32_t pow_target_compact(const struct u256 *target);

/* Header identity and Bitcoin work: SHA-256 twice. */
void pow_sha256d(const uint8_t header[POW_HEADER_BYTES], uint8_t hash[POW_HASH_BYTES]);

/* scrypt(N=1024, r=1, p=1, password = salt = header). Uses 128 KiB of the stack, nothing else. */
void pow_scrypt(const uint8_t header[POW_HEADER_BYTES], uint8_t hash[POW_HASH_BYTES]);

void pow_hash(enum pow_kind kind, const uint8_t header[POW_HEADER_BYTES],
              uint8_t hash[POW_HASH_BYTES]);

/* True when the hash, read little-endian, is at most the target. */
bool pow_hash_meets(const uint8_t hash[POW_HASH_BYTES], const struct u256 *target);

/* What the job or the network demands of a header. */
struct pow_rule {
    enum pow_kind kind;
    struct u256 limit;      /* easiest target the chain allows */
    bool bits_pinned;       /* when true, the header's bits must equal expected_bits */
    uint32_t expected_bits; /* compact form, from the job or the retarget rule */
};

/* Checks the length, the bits against the rule, and the hash. header may be NULL when len is 0. */
enum pow_verdict pow_header_check(const struct pow_rule *rule, const uint8_t *header, size_t len);

/* One slice of nonces to try. The nonce is bytes 76..79 of the header, little-endian. */
struct pow_job {
    enum pow_kind kind;
    uint8_t header[POW_HEADER_BYTES];
    struct u256 target;
    uint32_t nonce_from;
    uint64_t nonce_count; /* at most 2^32; the search ends at nonce 2^32-1 */
};

enum pow_search_end { POW_SEARCH_FOUND, POW_SEARCH_EXHAUSTED, POW_SEARCH_STOPPED };

struct pow_search_result {
    uint32_t nonce;       /* the first nonce that meets the target, when found */
    uint64_t tried_count; /* hashes computed */
};

/* Tries the nonces in order and stops at the first that meets the target. `stop` (NULL allowed) is
 * read every few thousand hashes (every scrypt hash). One call uses one thread; split the range for
 * more. */
enum pow_search_end pow_search(const struct pow_job *job, const atomic_bool *stop,
                               struct pow_search_result *result);

#endif
