/* SPDX-License-Identifier: Apache-2.0 */
/* Merged mining as Dogecoin takes it (rules after dogecoin src/auxpow.cpp and src/dogecoin.cpp):
 * the proof of work of a child header is a parent header whose coinbase commits to it. */
#ifndef CF_CRYPTO_AUXPOW_H
#define CF_CRYPTO_AUXPOW_H

#include "server/crypto/pow.h"

#define AUXPOW_CHAIN_BRANCH_MAX 30
#define AUXPOW_BYTES_MAX        (1 << 20)
#define AUXPOW_DOGECOIN_ID      98

enum auxpow_verdict {
    AUXPOW_OK,
    AUXPOW_BAD_LENGTH, /* the child header, or bytes after the end */
    AUXPOW_BAD_CHILD,  /* the child does not announce merged mining for this chain */
    AUXPOW_BAD_PARENT, /* the parent claims to be this chain */
    AUXPOW_MALFORMED,  /* transaction, branches or header cannot be read */
    AUXPOW_BAD_COINBASE_INDEX,
    AUXPOW_BAD_PARENT_ROOT,
    AUXPOW_ROOT_MISSING,
    AUXPOW_BAD_MAGIC, /* more than one marker, or not directly before the root, or the root too late
                       */
    AUXPOW_BAD_SIZE,  /* size and nonce missing, or not 2^branch */
    AUXPOW_BAD_SLOT,
    AUXPOW_BAD_BITS,
    AUXPOW_HASH_ABOVE_TARGET
};

/* The reason in words; never NULL. */
const char *auxpow_verdict_text(enum auxpow_verdict v);

struct auxpow_rule {
    uint32_t chain_id;
    struct u256 limit; /* easiest target of the child chain */
};

struct auxpow_proof {
    const uint8_t *header; /* child */
    size_t header_bytes;
    const uint8_t *auxpow; /* serialized CAuxPow, the whole of it */
    size_t auxpow_bytes;
};

/* *parent_hash, set on success, is the parent's sha256d: refuse to pay twice for one parent. */
enum auxpow_verdict auxpow_check(const struct auxpow_rule *rule, const struct auxpow_proof *proof,
                                 uint8_t parent_hash[POW_HASH_BYTES]);

#endif
