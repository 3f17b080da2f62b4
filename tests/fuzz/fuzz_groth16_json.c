/* SPDX-License-Identifier: Apache-2.0 */
/* Proof and inputs of snarkjs as text, separated by a NUL. What is accepted must still be accepted
 * in a batch. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/groth16_snarkjs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct groth16_key *load_key(void)
{
    static char text[65536];
    struct groth16_raw_key raw;
    struct groth16_key *key = malloc(sizeof *key);
    FILE *f = fopen("tests/vectors/groth16-snarkjs/raw-task/verification_key.json", "rb");
    size_t len = f != NULL ? fread(text, 1, sizeof text, f) : 0;
    if (f == NULL || key == NULL || groth16_snarkjs_key(&raw, text, len) != GROTH16_VALID ||
        groth16_key_register(key, &raw) != GROTH16_VALID)
        abort();
    fclose(f);
    return key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct groth16_key *key;
    struct groth16_raw_proof proof;
    struct groth16_inputs inputs;
    const char *text = (const char *)data;
    size_t first = strnlen(text, size);
    size_t rest = first < size ? size - first - 1 : 0;
    if (key == NULL)
        key = load_key();
    enum groth16_verdict p = groth16_snarkjs_proof(&proof, text, first);
    enum groth16_verdict s = groth16_snarkjs_inputs(&inputs, text + size - rest, rest);
    if (p != GROTH16_VALID || s != GROTH16_VALID)
        return 0;
    const uint8_t seed[GROTH16_SEED_BYTES] = {1};
    struct groth16_item item = {&proof, &inputs, GROTH16_MALFORMED};
    enum groth16_verdict v = groth16_verify(key, &proof, &inputs);
    groth16_verify_batch(key, &item, 1, seed);
    if (item.verdict != v)
        abort();
    return 0;
}
