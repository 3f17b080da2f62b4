/* SPDX-License-Identifier: Apache-2.0 */
/* ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381, suite 3) over libsodium, strict: key and Gamma must lie
 * in the prime-order subgroup, which RFC 9381 leaves open. All who replay a draw must apply this
 * same rule. */
#ifndef CF_CRYPTO_ECVRF_H
#define CF_CRYPTO_ECVRF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECVRF_SEED_BYTES  32
#define ECVRF_KEY_BYTES   32
#define ECVRF_PROOF_BYTES 80 /* Gamma 32, c 16, s 32 */
#define ECVRF_HASH_BYTES  64

/* True for a key that proofs may be checked against: canonical, on the curve, of prime order.
 * Register keys before the beacon they are used with is known. */
bool ecvrf_key_valid(const uint8_t key[ECVRF_KEY_BYTES]);

/* The public key of an Ed25519 seed. */
void ecvrf_key_from_seed(const uint8_t seed[ECVRF_SEED_BYTES], uint8_t key[ECVRF_KEY_BYTES]);

/* Proves; deterministic. alpha may be NULL when the length is 0. False only when no point is found
 * (probability 2^-256). Secrets on the stack are wiped. */
bool ecvrf_prove(const uint8_t seed[ECVRF_SEED_BYTES], const uint8_t *alpha, size_t alpha_bytes,
                 uint8_t proof[ECVRF_PROOF_BYTES]);

/* Verifies, and sets the 64-byte output only on success: an output that was not verified is worth
 * nothing. */
bool ecvrf_verify(const uint8_t key[ECVRF_KEY_BYTES], const uint8_t *alpha, size_t alpha_bytes,
                  const uint8_t proof[ECVRF_PROOF_BYTES], uint8_t hash[ECVRF_HASH_BYTES]);

/* Try-and-increment: the point for alpha under the key and the counter that gave it
 * (section 5.4.1.1). */
bool ecvrf_hash_to_curve(const uint8_t key[ECVRF_KEY_BYTES], const uint8_t *alpha,
                         size_t alpha_bytes, uint8_t point[32], uint8_t *counter);

#endif
