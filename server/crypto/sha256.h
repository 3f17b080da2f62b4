/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) without failure modes: no allocation, no provider look-up. */
#ifndef CF_CRYPTO_SHA256_H
#define CF_CRYPTO_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/sha.h>

#define SHA256_BYTES 32

struct sha256 {
    SHA256_CTX ctx;
};

void sha256_start(struct sha256 *h);
/* data may be NULL when len is 0. */
void sha256_add(struct sha256 *h, const void *data, size_t len);
void sha256_end(struct sha256 *h, uint8_t out[SHA256_BYTES]);

/* One call for one message; data may be NULL when len is 0. */
void sha256_of(const void *data, size_t len, uint8_t out[SHA256_BYTES]);

/* SHA-256 of the SHA-256 of the message, as Bitcoin identifies headers and transactions. */
void sha256d_of(const void *data, size_t len, uint8_t out[SHA256_BYTES]);

#endif
