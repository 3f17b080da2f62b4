/* SPDX-License-Identifier: Apache-2.0 */
/* Verification keys of snarkjs as text, parsed and registered. */
#include <stdint.h>
#include <stdlib.h>

#include "server/crypto/groth16_snarkjs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct groth16_raw_key raw;
    static struct groth16_key key;
    if (groth16_snarkjs_key(&raw, (const char *)data, size) == GROTH16_VALID &&
        groth16_key_register(&key, &raw) == GROTH16_VALID && key.input_count != raw.input_count)
        abort();
    return 0;
}
