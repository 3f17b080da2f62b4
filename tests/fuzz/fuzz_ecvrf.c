/* SPDX-License-Identifier: Apache-2.0 */
/* 32 bytes of key, 80 of proof, then the input. Whatever verifies must not verify with another
 * proof byte; and proofs made from the same bytes as a seed verify. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/ecvrf.h"

#define HEAD_BYTES (ECVRF_KEY_BYTES + ECVRF_PROOF_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t key[ECVRF_KEY_BYTES];
    uint8_t proof[ECVRF_PROOF_BYTES];
    uint8_t hash[ECVRF_HASH_BYTES];
    if (size < HEAD_BYTES)
        return 0;
    const uint8_t *alpha = data + HEAD_BYTES;
    size_t alpha_bytes = size - HEAD_BYTES;
    memcpy(proof, data + ECVRF_KEY_BYTES, sizeof proof);
    if (ecvrf_verify(data, alpha, alpha_bytes, proof, hash)) {
        proof[alpha_bytes % sizeof proof] ^= 1;
        if (ecvrf_verify(data, alpha, alpha_bytes, proof, hash))
            abort();
    }
    ecvrf_key_from_seed(data, key);
    if (!ecvrf_prove(data, alpha, alpha_bytes, proof) ||
        !ecvrf_verify(key, alpha, alpha_bytes, proof, hash))
        abort();
    return 0;
}
