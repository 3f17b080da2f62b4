/* SPDX-License-Identifier: Apache-2.0 */
/* One document is one case: key, proof and public signals as snarkjs writes them. */
#include "server/crypto/vectors_run.h"

#include <stdlib.h>

#include "server/crypto/groth16_snarkjs.h"
#include "server/crypto/plonk.h"

static enum plonk_verdict judge(struct plonk_key *key, const json_t *doc)
{
    struct plonk_proof proof;
    struct groth16_inputs inputs;
    enum plonk_verdict v = plonk_key_from_json(key, json_object_get(doc, "vk"));
    if (v == PLONK_VALID)
        v = plonk_proof_from_json(&proof, json_object_get(doc, "proof"));
    if (v != PLONK_VALID)
        return v;
    if (groth16_snarkjs_inputs_json(&inputs, json_object_get(doc, "publicSignals")) !=
        GROTH16_VALID)
        return PLONK_NUMBER_MALFORMED;
    return plonk_verify(key, &proof, &inputs);
}

void vectors_plonk(struct vectors_run *run, const json_t *doc)
{
    struct plonk_key *key = malloc(sizeof *key);
    if (key == NULL) {
        vectors_count(run, "plonk", false, "out of memory");
        return;
    }
    enum plonk_verdict v = judge(key, doc);
    vectors_expect(run, doc, v == PLONK_VALID, plonk_verdict_text(v));
    free(key);
}
