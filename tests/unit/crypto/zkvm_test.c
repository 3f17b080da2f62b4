/* SPDX-License-Identifier: Apache-2.0 */
/* SP1 and RISC Zero: published proofs, the pinned constants against their selectors, the version
 * policy. */
#include "tests/support/cu.h"

#include <string.h>

#include "server/crypto/groth16_snarkjs.h"
#include "server/crypto/sha256.h"
#include "server/crypto/zkvm.h"
#include "tests/unit/crypto/vectors.h"

static void test_sp1_proofs(void)
{
    vectors_check("groth16-sp1", "proofs.json", 36);
}

static void test_risc0_receipts(void)
{
    vectors_check("groth16-risc0", "receipts.json", 26);
}

static bool same(const json_t *pair, const struct u256 *a, const struct u256 *b)
{
    struct u256 x, y;
    return snarkjs_number(&x, json_array_get(pair, 0)) &&
           snarkjs_number(&y, json_array_get(pair, 1)) && u256_cmp(&x, a) == 0 &&
           u256_cmp(&y, b) == 0;
}

static void check_g2(const json_t *v, const struct groth16_raw_g2 *p)
{
    CU_ASSERT(same(json_array_get(v, 0), &p->c[0], &p->c[1]));
    CU_ASSERT(same(json_array_get(v, 1), &p->c[2], &p->c[3]));
}

/* A coordinate of gnark's compressed form: the number without the two flag bits must be x. */
static void check_gnark_x(const uint8_t *in, const struct u256 *x)
{
    struct u256 v = u256_from_be(in);
    v.w[3] &= UINT64_MAX >> 2;
    CU_ASSERT_EQUAL(u256_cmp(&v, x), 0);
}

/* gnark's file hashes to the selector and its points are those of our constants. */
static void check_gnark_file(const json_t *c, const struct sp1_version *v,
                             const struct groth16_raw_key *k)
{
    uint8_t bin[VECTORS_BYTES_MAX];
    uint8_t hash[SHA256_BYTES];
    size_t len;
    CU_ASSERT_FATAL(vectors_hex(c, "gnark_vk_bin", bin, sizeof bin, &len));
    sha256_of(bin, len, hash);
    CU_ASSERT_EQUAL(memcmp(hash, v->verifier_hash, sizeof hash), 0);
    check_gnark_x(bin, &k->alpha.x);
    check_gnark_x(bin + 64, &k->beta.c[1]);
    check_gnark_x(bin + 128, &k->gamma.c[1]);
    check_gnark_x(bin + 224, &k->delta.c[1]);
    CU_ASSERT_EQUAL(bin[291], k->input_count + 1);
    for (size_t j = 0; j <= k->input_count; j++)
        check_gnark_x(bin + 292 + 32 * j, &k->ic[j].x);
}

static void check_sp1_version(const json_t *keys, size_t index)
{
    const struct sp1_version *v = &SP1_VERSIONS[index];
    char selector[9];
    struct groth16_raw_key k;
    snprintf(selector, sizeof selector, "%02x%02x%02x%02x", v->v.selector[0], v->v.selector[1],
             v->v.selector[2], v->v.selector[3]);
    const json_t *c = json_object_get(keys, selector);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    sp1_key_raw(&k, index);
    CU_ASSERT_EQUAL(memcmp(v->verifier_hash, v->v.selector, ZKVM_SELECTOR_BYTES), 0);
    if (json_object_get(c, "gnark_vk_bin") != NULL)
        check_gnark_file(c, v, &k);
    else
        CU_ASSERT_FALSE(v->v.allowed);
    const json_t *vkey = json_object_get(c, "vkey");
    CU_ASSERT(same(json_object_get(vkey, "alpha"), &k.alpha.x, &k.alpha.y));
    check_g2(json_object_get(vkey, "beta"), &k.beta);
    check_g2(json_object_get(vkey, "gamma"), &k.gamma);
    check_g2(json_object_get(vkey, "delta"), &k.delta);
    for (size_t j = 0; j <= k.input_count; j++)
        CU_ASSERT(same(json_array_get(json_object_get(vkey, "ic"), j), &k.ic[j].x, &k.ic[j].y));
    CU_ASSERT_EQUAL(v->extended, k.input_count == 5);
    CU_ASSERT(!v->extended || vectors_hex_equal(c, "vk_root", v->vk_root, sizeof v->vk_root));
    CU_ASSERT_EQUAL(v->v.allowed, strncmp(vectors_text(c, "policy"), "allow", 5) == 0);
}

static void test_sp1_keys_are_the_published_ones(void)
{
    json_t *doc = vectors_load("groth16-sp1", "vkeys.json");
    for (size_t i = 0; i < SP1_VERSION_COUNT; i++)
        check_sp1_version(json_object_get(doc, "vkeys"), i);
    json_decref(doc);
}

static void test_risc0_selectors_are_hashes_of_the_constants(void)
{
    struct groth16_raw_key key;
    uint8_t digest[ZKVM_DIGEST_BYTES];
    risc0_key_raw(&key);
    for (size_t i = 0; i < RISC0_VERSION_COUNT; i++) {
        risc0_parameters_digest(&key, &RISC0_VERSIONS[i], digest);
        CU_ASSERT_EQUAL(memcmp(digest, RISC0_VERSIONS[i].v.selector, ZKVM_SELECTOR_BYTES), 0);
    }
}

static void test_risc0_policy_is_that_of_the_vectors(void)
{
    json_t *doc = vectors_load("groth16-risc0", "receipts.json");
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        uint8_t selector[ZKVM_SELECTOR_BYTES];
        CU_ASSERT(vectors_hex_exact(c, "selector", selector, sizeof selector));
        for (size_t j = 0; j < RISC0_VERSION_COUNT; j++) {
            if (memcmp(RISC0_VERSIONS[j].v.selector, selector, sizeof selector) == 0)
                CU_ASSERT_EQUAL(RISC0_VERSIONS[j].v.allowed,
                                strcmp(vectors_text(c, "policy"), "allow") == 0);
        }
    }
    json_decref(doc);
}

static void test_reasons_of_refusal(void)
{
    static struct groth16_key key;
    static struct sp1_keyring ring;
    struct risc0_statement s = {.journal = NULL};
    struct sp1_statement p = {.public_values = NULL};
    uint8_t seal[RISC0_SEAL_BYTES] = {0x9f, 0x39, 0x69, 0x6c};
    uint8_t proof[SP1_V6_PROOF_BYTES] = {0x43, 0x88, 0xa2, 0x1c};
    CU_ASSERT_EQUAL(risc0_keyring_fill(&key), GROTH16_VALID);
    CU_ASSERT_EQUAL(sp1_keyring_fill(&ring), GROTH16_VALID);
    CU_ASSERT_EQUAL(risc0_verify(&key, &s, seal, sizeof seal, ZKVM_POLICY_ENFORCED),
                    GROTH16_VERSION_DENIED);
    CU_ASSERT_EQUAL(risc0_verify(&key, &s, seal, sizeof seal, ZKVM_POLICY_IGNORED),
                    GROTH16_POINT_INFINITY);
    CU_ASSERT_EQUAL(risc0_verify(&key, &s, seal, sizeof seal - 1, ZKVM_POLICY_IGNORED),
                    GROTH16_MALFORMED);
    CU_ASSERT_EQUAL(sp1_verify(&ring, &p, proof, sizeof proof, ZKVM_POLICY_ENFORCED),
                    GROTH16_ROOT_MISMATCH);
    proof[35] = 1;
    CU_ASSERT_EQUAL(sp1_verify(&ring, &p, proof, sizeof proof, ZKVM_POLICY_ENFORCED),
                    GROTH16_EXIT_CODE);
    CU_ASSERT_EQUAL(sp1_verify(&ring, &p, proof, SP1_V5_PROOF_BYTES, ZKVM_POLICY_ENFORCED),
                    GROTH16_MALFORMED);
    proof[0] = 0;
    CU_ASSERT_EQUAL(sp1_verify(&ring, &p, proof, sizeof proof, ZKVM_POLICY_ENFORCED),
                    GROTH16_VERSION_UNKNOWN);
}

CU_MAIN("crypto/zkvm", {"sp1 proofs", test_sp1_proofs}, {"risc0 receipts", test_risc0_receipts},
        {"sp1 keys are the published ones", test_sp1_keys_are_the_published_ones},
        {"risc0 selectors are hashes of the constants",
         test_risc0_selectors_are_hashes_of_the_constants},
        {"risc0 policy is that of the vectors", test_risc0_policy_is_that_of_the_vectors},
        {"reasons of refusal", test_reasons_of_refusal})
