/* SPDX-License-Identifier: Apache-2.0 */
/* A document with key, proof and public signals of snarkjs's PLONK. */
#include <stdint.h>

#include "server/core/json.h"
#include "server/crypto/groth16_snarkjs.h"
#include "server/crypto/plonk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plonk_key key;
    struct plonk_proof proof;
    struct groth16_inputs inputs;
    json_t *doc = NULL;
    if (json_parse((const char *)data, size, &doc) != ERR_OK)
        return 0;
    bool parsed = plonk_key_from_json(&key, json_object_get(doc, "vk")) == PLONK_VALID &&
                  plonk_proof_from_json(&proof, json_object_get(doc, "proof")) == PLONK_VALID &&
                  groth16_snarkjs_inputs_json(&inputs, json_object_get(doc, "publicSignals")) ==
                      GROTH16_VALID;
    if (parsed)
        (void)plonk_verify(&key, &proof, &inputs);
    json_decref(doc);
    return 0;
}
