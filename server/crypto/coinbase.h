/* SPDX-License-Identifier: Apache-2.0 */
/* Bitcoin's wire format, as far as mining needs it: a bounded reader, the coinbase transaction
 * without witness, and merkle branches. */
#ifndef CF_CRYPTO_COINBASE_H
#define CF_CRYPTO_COINBASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COINBASE_BRANCH_MAX  32
#define COINBASE_SCRIPT_MAX  100    /* consensus limit of a coinbase script */
#define COINBASE_TX_MAX      100000 /* far above any real coinbase */
#define COINBASE_OUTPUTS_MAX 4096

/* Reads forward; after the first overrun ok is false and everything reads as zero. Start: {data,
 * len, true}. */
struct wire {
    const uint8_t *at;
    size_t left;
    bool ok;
};

/* The next len bytes, borrowed; NULL after an overrun. */
const uint8_t *wire_bytes(struct wire *w, size_t len);
uint32_t wire_u32(struct wire *w);
uint64_t wire_u64(struct wire *w);
/* CompactSize; the longer forms of a small number are refused. */
uint64_t wire_count(struct wire *w);

/* A parsed coinbase; pointers are into the bytes it was read from. */
struct coinbase {
    const uint8_t *tx;
    size_t tx_bytes;
    const uint8_t *script; /* of the only input */
    size_t script_bytes;
    const uint8_t *outputs; /* after their count */
    size_t output_count;
};

/* Reads one transaction: one input spending nothing (zero hash, index 2^32-1), script of 2..100
 * bytes, not 64 bytes in all (which could pass for an inner merkle node). Returns false, and w->ok
 * is false, otherwise. */
bool coinbase_read(struct wire *w, struct coinbase *c);

/* The sum paid to a script, saturating; 0 when no output pays it. */
uint64_t coinbase_paid_to(const struct coinbase *c, const uint8_t *script, size_t script_bytes);

/* A merkle branch: count sibling hashes, leaf side first, and the leaf's position. */
struct merkle_branch {
    const uint8_t *hashes; /* count * 32 bytes */
    size_t count;
    uint32_t index;
};

/* CompactSize count, hashes, u32 index; more than max hashes fail. */
bool merkle_branch_read(struct wire *w, size_t max, struct merkle_branch *b);

/* Folds the branch over hash with sha256d; hash may be root. */
void merkle_branch_fold(const uint8_t hash[32], const struct merkle_branch *b, uint8_t root[32]);

#endif
