/* SPDX-License-Identifier: Apache-2.0 */
/* SP1 v4 to v6: public inputs are the program key and the SHA-256 of the public values with its top
 * three bits cleared; v6 adds the exit code, the recursion root and a nonce. */
#include "server/crypto/zkvm.h"

#include <string.h>

#include "server/crypto/sha256.h"
#include "server/crypto/zkvm_words.h"

enum groth16_verdict sp1_keyring_fill(struct sp1_keyring *ring)
{
    struct groth16_raw_key raw;
    for (size_t i = 0; i < SP1_VERSION_COUNT; i++) {
        sp1_key_raw(&raw, i);
        enum groth16_verdict v = groth16_key_register(&ring->key[i], &raw);
        if (v != GROTH16_VALID)
            return v;
    }
    return GROTH16_VALID;
}

static size_t find_version(const uint8_t *selector)
{
    size_t i = 0;
    while (i < SP1_VERSION_COUNT &&
           memcmp(SP1_VERSIONS[i].v.selector, selector, ZKVM_SELECTOR_BYTES) != 0)
        i++;
    return i;
}

static struct u256 public_digest(const struct sp1_statement *s)
{
    uint8_t digest[SHA256_BYTES];
    sha256_of(s->public_values, s->public_values_bytes, digest);
    digest[0] &= 0x1f;
    return u256_from_be(digest);
}

/* Reads exit code, root and nonce; they become inputs 2 to 4. */
static enum groth16_verdict read_extension(struct groth16_inputs *inputs,
                                           const struct sp1_version *version, const uint8_t *words)
{
    inputs->value[2] = u256_from_be(words);
    inputs->value[3] = u256_from_be(words + U256_BYTES);
    inputs->value[4] = u256_from_be(words + 2 * U256_BYTES);
    inputs->count = 5;
    if (!u256_is_zero(&inputs->value[2]))
        return GROTH16_EXIT_CODE;
    if (memcmp(words + U256_BYTES, version->vk_root, ZKVM_DIGEST_BYTES) != 0)
        return GROTH16_ROOT_MISMATCH;
    return GROTH16_VALID;
}

enum groth16_verdict sp1_verify(const struct sp1_keyring *ring, const struct sp1_statement *s,
                                const uint8_t *proof, size_t proof_bytes, enum zkvm_policy policy)
{
    struct groth16_raw_proof raw;
    struct groth16_inputs inputs;
    if (proof_bytes != SP1_V5_PROOF_BYTES && proof_bytes != SP1_V6_PROOF_BYTES)
        return GROTH16_MALFORMED;
    size_t i = find_version(proof);
    if (i == SP1_VERSION_COUNT)
        return GROTH16_VERSION_UNKNOWN;
    const struct sp1_version *version = &SP1_VERSIONS[i];
    if (!version->v.allowed && policy != ZKVM_POLICY_IGNORED)
        return GROTH16_VERSION_DENIED;
    if (proof_bytes != (version->extended ? SP1_V6_PROOF_BYTES : SP1_V5_PROOF_BYTES))
        return GROTH16_MALFORMED;
    inputs.count = 2;
    inputs.value[0] = u256_from_be(s->program_vkey);
    inputs.value[1] = public_digest(s);
    const uint8_t *words = proof + ZKVM_SELECTOR_BYTES;
    if (version->extended) {
        enum groth16_verdict v = read_extension(&inputs, version, words);
        if (v != GROTH16_VALID)
            return v;
        words += 3 * U256_BYTES;
    }
    zkvm_words_proof(&raw, words);
    return groth16_verify(&ring->key[i], &raw, &inputs);
}
