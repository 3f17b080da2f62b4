/* SPDX-License-Identifier: Apache-2.0 */
/* First byte: 0 SP1, else RISC Zero; then 32 bytes of program, then the proof, then the public
 * bytes. A denied version must never pass under the policy. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/zkvm.h"

#define HEAD_BYTES (1 + ZKVM_DIGEST_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_sp1(const uint8_t *data, size_t size)
{
    static struct sp1_keyring *ring;
    struct sp1_statement s;
    if (ring == NULL) {
        ring = malloc(sizeof *ring);
        if (ring == NULL || sp1_keyring_fill(ring) != GROTH16_VALID)
            abort();
    }
    memcpy(s.program_vkey, data + 1, sizeof s.program_vkey);
    size_t left = size - HEAD_BYTES;
    size_t proof = left < SP1_V6_PROOF_BYTES ? left : SP1_V6_PROOF_BYTES;
    s.public_values = data + HEAD_BYTES + proof;
    s.public_values_bytes = left - proof;
    const uint8_t *p = data + HEAD_BYTES;
    enum groth16_verdict any = sp1_verify(ring, &s, p, proof, ZKVM_POLICY_IGNORED);
    enum groth16_verdict now = sp1_verify(ring, &s, p, proof, ZKVM_POLICY_ENFORCED);
    if (now == GROTH16_VALID && any != GROTH16_VALID)
        abort();
}

static void run_risc0(const uint8_t *data, size_t size)
{
    static struct groth16_key *key;
    struct risc0_statement s = {.control_root = NULL};
    if (key == NULL) {
        key = malloc(sizeof *key);
        if (key == NULL || risc0_keyring_fill(key) != GROTH16_VALID)
            abort();
    }
    memcpy(s.image_id, data + 1, sizeof s.image_id);
    size_t left = size - HEAD_BYTES;
    size_t seal = left < RISC0_SEAL_BYTES ? left : RISC0_SEAL_BYTES;
    s.journal = data + HEAD_BYTES + seal;
    s.journal_bytes = left - seal;
    const uint8_t *p = data + HEAD_BYTES;
    enum groth16_verdict any = risc0_verify(key, &s, p, seal, ZKVM_POLICY_IGNORED);
    enum groth16_verdict now = risc0_verify(key, &s, p, seal, ZKVM_POLICY_ENFORCED);
    if (now == GROTH16_VALID && any != GROTH16_VALID)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES)
        return 0;
    if (data[0] == 0)
        run_sp1(data, size);
    else
        run_risc0(data, size);
    return 0;
}
