/* SPDX-License-Identifier: Apache-2.0 */
/* Case runners for SP1 proofs and RISC Zero receipts. Cryptographic agreement is judged with every
 * known version; that the policy denies what it should is judged beside it. */
#include "server/crypto/vectors_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/vectors_groth16.h"
#include "server/crypto/zkvm.h"

/* Counts the case; a proof that holds must also be refused under the policy when its version is
 * denied. */
static void judge(struct vectors_run *run, const json_t *c, enum groth16_verdict any,
                  enum groth16_verdict enforced, bool allowed)
{
    bool consistent = allowed ? enforced == any : enforced != GROTH16_VALID;
    if (!consistent)
        vectors_count(run, vectors_text(c, "id"), false, "the version policy is not applied");
    else
        vectors_expect(run, c, any == GROTH16_VALID, groth16_verdict_text(any));
}

static bool sp1_allowed(const uint8_t *selector)
{
    for (size_t i = 0; i < SP1_VERSION_COUNT; i++) {
        if (memcmp(SP1_VERSIONS[i].v.selector, selector, ZKVM_SELECTOR_BYTES) == 0)
            return SP1_VERSIONS[i].v.allowed;
    }
    return false;
}

static bool risc0_allowed(const uint8_t *selector)
{
    for (size_t i = 0; i < RISC0_VERSION_COUNT; i++) {
        if (memcmp(RISC0_VERSIONS[i].v.selector, selector, ZKVM_SELECTOR_BYTES) == 0)
            return RISC0_VERSIONS[i].v.allowed;
    }
    return false;
}

static void run_sp1_case(struct vectors_run *run, const struct sp1_keyring *ring, const json_t *c)
{
    uint8_t values[VECTORS_BYTES_MAX];
    uint8_t proof[VECTORS_BYTES_MAX] = {0};
    size_t proof_bytes;
    struct sp1_statement s = {.public_values = values};
    if (!vectors_hex_exact(c, "program_vkey", s.program_vkey, sizeof s.program_vkey) ||
        !vectors_hex(c, "public_values", values, sizeof values, &s.public_values_bytes) ||
        !vectors_hex(c, "proof", proof, sizeof proof, &proof_bytes)) {
        vectors_count(run, vectors_text(c, "id"), false, "a member is not hexadecimal");
        return;
    }
    judge(run, c, sp1_verify(ring, &s, proof, proof_bytes, ZKVM_POLICY_IGNORED),
          sp1_verify(ring, &s, proof, proof_bytes, ZKVM_POLICY_ENFORCED), sp1_allowed(proof));
}

void vectors_sp1(struct vectors_run *run, const json_t *doc)
{
    struct sp1_keyring *ring = malloc(sizeof *ring);
    size_t i;
    json_t *c;
    if (ring == NULL || sp1_keyring_fill(ring) != GROTH16_VALID) {
        vectors_count(run, "keys", false, "the pinned keys cannot be registered");
        free(ring);
        return;
    }
    json_array_foreach(json_object_get(doc, "cases"), i, c) run_sp1_case(run, ring, c);
    free(ring);
}

static void run_risc0_case(struct vectors_run *run, const struct groth16_key *key, const json_t *c)
{
    uint8_t journal[VECTORS_BYTES_MAX];
    uint8_t seal[VECTORS_BYTES_MAX] = {0};
    uint8_t root[ZKVM_DIGEST_BYTES];
    uint8_t claim[ZKVM_DIGEST_BYTES];
    size_t seal_bytes;
    struct risc0_statement s = {.journal = journal, .control_root = root};
    if (!vectors_hex_exact(c, "image_id", s.image_id, sizeof s.image_id) ||
        !vectors_hex_exact(c, "control_root", root, sizeof root) ||
        !vectors_hex(c, "journal", journal, sizeof journal, &s.journal_bytes) ||
        !vectors_hex(c, "seal", seal, sizeof seal, &seal_bytes)) {
        vectors_count(run, vectors_text(c, "id"), false, "a member is not hexadecimal");
        return;
    }
    risc0_claim_digest(&s, claim);
    if (json_object_get(c, "claim_digest") != NULL &&
        !vectors_hex_equal(c, "claim_digest", claim, sizeof claim)) {
        vectors_count(run, vectors_text(c, "id"), false, "the claim digest differs");
        return;
    }
    judge(run, c, risc0_verify(key, &s, seal, seal_bytes, ZKVM_POLICY_IGNORED),
          risc0_verify(key, &s, seal, seal_bytes, ZKVM_POLICY_ENFORCED), risc0_allowed(seal));
}

void vectors_risc0(struct vectors_run *run, const json_t *doc)
{
    struct groth16_key *key = malloc(sizeof *key);
    size_t i;
    json_t *c;
    if (key == NULL || risc0_keyring_fill(key) != GROTH16_VALID) {
        vectors_count(run, "key", false, "the pinned key cannot be registered");
        free(key);
        return;
    }
    json_array_foreach(json_object_get(doc, "cases"), i, c) run_risc0_case(run, key, c);
    free(key);
}

/* The key in the document's coordinates must be the pinned one: registered alone it has the same
 * id. */
static bool same_key(struct groth16_key *scratch, const json_t *vkey, const uint8_t *id)
{
    struct groth16_raw_key raw;
    return vectors_groth16_read_key(&raw, vkey) &&
           groth16_key_register(scratch, &raw) == GROTH16_VALID &&
           memcmp(scratch->id, id, GROTH16_KEY_ID_BYTES) == 0;
}

void vectors_sp1_keys(struct vectors_run *run, const json_t *doc)
{
    struct sp1_keyring *ring = malloc(sizeof *ring);
    struct groth16_key *scratch = malloc(sizeof *scratch);
    bool ready = ring != NULL && scratch != NULL && sp1_keyring_fill(ring) == GROTH16_VALID;
    for (size_t i = 0; i < SP1_VERSION_COUNT; i++) {
        const uint8_t *s = SP1_VERSIONS[i].v.selector;
        char selector[2 * ZKVM_SELECTOR_BYTES + 1];
        snprintf(selector, sizeof selector, "%02x%02x%02x%02x", s[0], s[1], s[2], s[3]);
        const json_t *c = json_object_get(json_object_get(doc, "vkeys"), selector);
        bool agrees =
            ready && same_key(scratch, json_object_get(c, "vkey"), ring->key[i].id) &&
            vectors_hex_equal(c, "verifier_hash", SP1_VERSIONS[i].verifier_hash, ZKVM_DIGEST_BYTES);
        vectors_count(run, selector, agrees, "the pinned key differs");
    }
    free(scratch);
    free(ring);
}

void vectors_risc0_key(struct vectors_run *run, const json_t *doc)
{
    struct groth16_key *key = malloc(sizeof *key);
    struct groth16_key *scratch = malloc(sizeof *scratch);
    bool agrees = key != NULL && scratch != NULL && risc0_keyring_fill(key) == GROTH16_VALID &&
                  same_key(scratch, json_object_get(doc, "vkey"), key->id);
    vectors_count(run, "vkey", agrees, "the pinned key differs");
    free(scratch);
    free(key);
}
