/* SPDX-License-Identifier: Apache-2.0 */
/* The eight proof words that both zkVMs use: A.x A.y B.x.c1 B.x.c0 B.y.c1 B.y.c0 C.x C.y,
 * big-endian. */
#ifndef CF_CRYPTO_ZKVM_WORDS_H
#define CF_CRYPTO_ZKVM_WORDS_H

#include "server/crypto/groth16.h"

#define ZKVM_WORDS_BYTES 256

static inline void zkvm_words_proof(struct groth16_raw_proof *out,
                                    const uint8_t in[ZKVM_WORDS_BYTES])
{
    struct u256 w[8];
    for (size_t i = 0; i < 8; i++)
        w[i] = u256_from_be(in + i * U256_BYTES);
    out->a = (struct groth16_raw_g1){w[0], w[1]};
    out->b = (struct groth16_raw_g2){{w[3], w[2], w[5], w[4]}};
    out->c = (struct groth16_raw_g1){w[6], w[7]};
}

#endif
