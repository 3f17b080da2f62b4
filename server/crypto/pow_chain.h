/* SPDX-License-Identifier: Apache-2.0 */
/* Rules over more than one header: difficulty retarget, accumulated work, header chains, and what a
 * job demands of a header and its coinbase. */
#ifndef CF_CRYPTO_POW_CHAIN_H
#define CF_CRYPTO_POW_CHAIN_H

#include "server/crypto/coinbase.h"
#include "server/crypto/pow.h"

#define POW_RETARGET_BLOCKS  2016
#define POW_RETARGET_SECONDS 1209600
#define POW_MEDIAN_BLOCKS    11

/* Expected number of hashes for a target: 2^256 / (target + 1), rounded down. target is not 0. */
struct u256 pow_work(const struct u256 *target);

/* One full Bitcoin period: times of its first and last block, and its bits. */
struct pow_period {
    uint32_t first_time;
    uint32_t last_time;
    uint32_t bits;
};

/* The bits of the next period: target * clamp(last - first, T/4, 4T) / T, capped at the limit.
 * Refuses bits that pow_target_parse refuses. */
enum pow_verdict pow_retarget(const struct pow_period *period, const struct u256 *limit,
                              uint32_t *next_bits);

/* A chain of headers as it grows. */
struct pow_chain {
    struct pow_rule rule;  /* expected bits are managed by the chain when retargets is true */
    bool retargets;        /* Bitcoin's rule every 2016 blocks, equal bits between */
    uint64_t height;       /* of the next header */
    uint64_t header_count; /* appended so far */
    uint8_t tip[POW_HASH_BYTES];
    struct u256 work; /* of the appended headers, mod 2^256 */
    uint32_t period_first_time;
    bool period_known;                 /* the first header of the current period was appended */
    uint32_t times[POW_MEDIAN_BLOCKS]; /* of the latest headers, a ring */
    uint32_t last_time;
    uint32_t last_bits;
};

/* height is that of the first header to append; its previous hash is taken as given. */
void pow_chain_start(struct pow_chain *chain, const struct pow_rule *rule, bool retargets,
                     uint64_t height);

/* Checks proof of work, link, median time and bits, and appends. The chain is unchanged on refusal.
 */
enum pow_verdict pow_chain_append(struct pow_chain *chain, const uint8_t header[POW_HEADER_BYTES]);

/* What a job demands of a mined header: the block it extends, when it may be dated, and a coinbase
 * that names the job and pays the agreed script. */
struct pow_template {
    struct pow_rule rule;
    uint8_t previous[POW_HASH_BYTES];
    uint32_t time_min, time_max;
    const uint8_t *tag; /* must occur in the coinbase script; borrowed, not empty */
    size_t tag_bytes;
    const uint8_t *payout_script; /* borrowed; NULL: any payout */
    size_t payout_script_bytes;
    uint64_t payout_min; /* least sum paid to it, in the chain's smallest unit */
};

/* What a worker hands in. */
struct pow_submission {
    const uint8_t *header;
    size_t header_bytes;
    const uint8_t *coinbase;
    size_t coinbase_bytes;
    const uint8_t *branch; /* branch_count hashes of 32 bytes */
    size_t branch_count;
};

/* Checks all of it; *hash is the header's identity (sha256d), to refuse a second payment for the
 * same work. */
enum pow_verdict pow_template_check(const struct pow_template *t, const struct pow_submission *s,
                                    uint8_t hash[POW_HASH_BYTES]);

#endif
