/* SPDX-License-Identifier: Apache-2.0 */
/* Keccak-256 with the original padding (0x01), as Ethereum uses it; not SHA3-256. */
#ifndef CF_CRYPTO_KECCAK_H
#define CF_CRYPTO_KECCAK_H

#include <stddef.h>
#include <stdint.h>

#define KECCAK256_BYTES      32
#define KECCAK256_RATE_BYTES 136

struct keccak256 {
    uint64_t lane[25];
    size_t filled_bytes; /* of the current block */
};

void keccak256_start(struct keccak256 *k);
/* data may be NULL when len is 0. */
void keccak256_add(struct keccak256 *k, const void *data, size_t len);
void keccak256_end(struct keccak256 *k, uint8_t out[KECCAK256_BYTES]);

void keccak256_of(const void *data, size_t len, uint8_t out[KECCAK256_BYTES]);

#endif
