/* SPDX-License-Identifier: Apache-2.0 */
/* Groth16: vectors, key registration refusals, the batch against single verification. */
#include "tests/support/cu.h"

#include <string.h>

#include "server/crypto/groth16_snarkjs.h"
#include "tests/unit/crypto/vectors.h"

static struct groth16_key key;
static struct groth16_raw_key raw_key;

static void read_raw_key(const char *name)
{
    char *text = vectors_read("groth16-snarkjs", name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_EQUAL_FATAL(groth16_snarkjs_key(&raw_key, text, strlen(text)), GROTH16_VALID);
    free(text);
}

static void read_proof(const char *folder, struct groth16_raw_proof *proof,
                       struct groth16_inputs *inputs)
{
    char name[64];
    snprintf(name, sizeof name, "%s/proof.json", folder);
    char *text = vectors_read("groth16-snarkjs", name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_EQUAL_FATAL(groth16_snarkjs_proof(proof, text, strlen(text)), GROTH16_VALID);
    free(text);
    snprintf(name, sizeof name, "%s/public.json", folder);
    text = vectors_read("groth16-snarkjs", name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_EQUAL_FATAL(groth16_snarkjs_inputs(inputs, text, strlen(text)), GROTH16_VALID);
    free(text);
}

static void test_snarkjs_vectors(void)
{
    vectors_check("groth16-snarkjs", "cases.json", 66);
}

static void test_snarkjs_text_vectors(void)
{
    vectors_check("groth16-snarkjs", "json-cases.json", 31);
}

static void test_risc0_mutations(void)
{
    vectors_check("groth16-risc0", "mutations.json", 28);
}

static void test_raw_files_verify(void)
{
    struct groth16_raw_proof proof;
    struct groth16_inputs inputs;
    read_raw_key("raw-mul/verification_key.json");
    CU_ASSERT_EQUAL(groth16_key_register(&key, &raw_key), GROTH16_VALID);
    read_proof("raw-mul", &proof, &inputs);
    CU_ASSERT_EQUAL(groth16_verify(&key, &proof, &inputs), GROTH16_VALID);
    inputs.value[0].w[0] ^= 1;
    CU_ASSERT_EQUAL(groth16_verify(&key, &proof, &inputs), GROTH16_EQUATION_FAILS);
    read_proof("raw-task", &proof, &inputs);
    CU_ASSERT_EQUAL(groth16_verify(&key, &proof, &inputs), GROTH16_INPUT_COUNT);
}

static void test_key_id_depends_on_every_point(void)
{
    uint8_t id[GROTH16_KEY_ID_BYTES];
    read_raw_key("raw-task/verification_key.json");
    CU_ASSERT_EQUAL(groth16_key_register(&key, &raw_key), GROTH16_VALID);
    memcpy(id, key.id, sizeof id);
    CU_ASSERT_EQUAL(groth16_key_register(&key, &raw_key), GROTH16_VALID);
    CU_ASSERT_EQUAL(memcmp(id, key.id, sizeof id), 0);
    raw_key.ic[0] = raw_key.ic[1];
    CU_ASSERT_EQUAL(groth16_key_register(&key, &raw_key), GROTH16_VALID);
    CU_ASSERT_NOT_EQUAL(memcmp(id, key.id, sizeof id), 0);
}

static void refuse(enum groth16_verdict want)
{
    CU_ASSERT_EQUAL(groth16_key_register(&key, &raw_key), want);
    read_raw_key("raw-task/verification_key.json");
}

static void test_bad_keys_are_refused(void)
{
    static const struct u256 p = {BN254_P_LIMBS};
    struct u256 swapped;
    read_raw_key("raw-task/verification_key.json");
    raw_key.input_count = 0;
    refuse(GROTH16_KEY_INPUT_COUNT);
    raw_key.input_count = GROTH16_INPUTS_MAX + 1;
    refuse(GROTH16_KEY_INPUT_COUNT);
    raw_key.alpha = (struct groth16_raw_g1){u256_zero(), u256_zero()};
    refuse(GROTH16_POINT_INFINITY);
    raw_key.delta = (struct groth16_raw_g2){0};
    refuse(GROTH16_POINT_INFINITY);
    raw_key.delta = raw_key.gamma;
    refuse(GROTH16_KEY_DELTA_KNOWN);
    raw_key.delta = raw_key.gamma;
    u256_sub(&raw_key.delta.c[2], &p, &raw_key.delta.c[2]);
    u256_sub(&raw_key.delta.c[3], &p, &raw_key.delta.c[3]);
    refuse(GROTH16_KEY_DELTA_KNOWN);
    raw_key.ic[2] = (struct groth16_raw_g1){u256_zero(), u256_zero()};
    refuse(GROTH16_KEY_INPUT_UNBOUND);
    raw_key.ic[2] = raw_key.ic[1];
    refuse(GROTH16_KEY_INPUTS_EQUAL);
    raw_key.ic[2] = raw_key.ic[1];
    u256_sub(&raw_key.ic[2].y, &p, &raw_key.ic[1].y);
    refuse(GROTH16_KEY_INPUTS_EQUAL);
    u256_add(&raw_key.beta.c[0], &raw_key.beta.c[0], &p);
    refuse(GROTH16_POINT_NOT_CANONICAL);
    raw_key.ic[1].y.w[0] ^= 1;
    refuse(GROTH16_POINT_OFF_CURVE);
    swapped = raw_key.beta.c[0];
    raw_key.beta.c[0] = raw_key.beta.c[1];
    raw_key.beta.c[1] = swapped;
    refuse(GROTH16_POINT_OFF_CURVE);
}

static void test_key_text_is_strict(void)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"protocol\":\"groth16\"}",
        "{\"protocol\":\"groth16\",\"curve\":\"bn128\",\"nPublic\":1,\"IC\":[]}",
        "{\"protocol\":\"groth16\",\"curve\":\"bn128\",\"nPublic\":1,\"IC\":[1,2]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_NOT_EQUAL(groth16_snarkjs_key(&raw_key, bad[i], strlen(bad[i])), GROTH16_VALID);
    json_t *root = vectors_load("groth16-snarkjs", "raw-task/verification_key.json");
    CU_ASSERT_EQUAL(groth16_snarkjs_key_json(&raw_key, root), GROTH16_VALID);
    json_object_set_new(root, "nPublic", json_integer(2));
    CU_ASSERT_EQUAL(groth16_snarkjs_key_json(&raw_key, root), GROTH16_KEY_INPUT_COUNT);
    json_object_set_new(root, "nPublic", json_string("3"));
    CU_ASSERT_EQUAL(groth16_snarkjs_key_json(&raw_key, root), GROTH16_MALFORMED);
    json_decref(root);
}

#define ITEMS 9

/* Good proofs, and two wrong ones at the given places (ITEMS: nowhere). */
static void check_batch(size_t bad_equation, size_t bad_point)
{
    static struct groth16_raw_proof proofs[ITEMS];
    static struct groth16_inputs inputs[ITEMS];
    struct groth16_item items[ITEMS];
    uint8_t seed[GROTH16_SEED_BYTES] = {42};
    size_t want = ITEMS;
    read_raw_key("raw-task/verification_key.json");
    CU_ASSERT_EQUAL(groth16_key_register(&key, &raw_key), GROTH16_VALID);
    for (size_t i = 0; i < ITEMS; i++) {
        read_proof("raw-task", &proofs[i], &inputs[i]);
        items[i] = (struct groth16_item){&proofs[i], &inputs[i], GROTH16_MALFORMED};
    }
    if (bad_equation < ITEMS) {
        inputs[bad_equation].value[1].w[0] ^= 1;
        want--;
    }
    if (bad_point < ITEMS) {
        proofs[bad_point].c.y.w[0] ^= 1;
        want--;
    }
    CU_ASSERT_EQUAL(groth16_verify_batch(&key, items, ITEMS, seed), want);
    for (size_t i = 0; i < ITEMS; i++)
        CU_ASSERT_EQUAL(items[i].verdict, groth16_verify(&key, &proofs[i], &inputs[i]));
}

static void test_batch_of_valid_proofs(void)
{
    check_batch(ITEMS, ITEMS);
}

static void test_batch_finds_the_wrong_proofs(void)
{
    check_batch(0, ITEMS);
    check_batch(ITEMS, 8);
    check_batch(4, 5);
}

/* Two errors that would cancel if all coefficients were equal: C_0 + D and C_1 - D. */
static void test_batch_errors_do_not_cancel(void)
{
    struct groth16_raw_proof proofs[2];
    struct groth16_inputs inputs[2];
    struct groth16_item items[2];
    uint8_t seed[GROTH16_SEED_BYTES] = {7};
    uint8_t bytes[G1_BYTES];
    struct g1 c, d;
    read_raw_key("raw-task/verification_key.json");
    CU_ASSERT_EQUAL(groth16_key_register(&key, &raw_key), GROTH16_VALID);
    d = G1_GENERATOR;
    for (size_t i = 0; i < 2; i++) {
        read_proof("raw-task", &proofs[i], &inputs[i]);
        CU_ASSERT_EQUAL(g1_from_u256(&c, &proofs[i].c.x, &proofs[i].c.y), BN254_POINT_OK);
        g1_add(&c, &c, &d);
        g1_neg(&d, &d);
        g1_encode(&c, bytes);
        proofs[i].c = (struct groth16_raw_g1){u256_from_be(bytes), u256_from_be(bytes + 32)};
        items[i] = (struct groth16_item){&proofs[i], &inputs[i], GROTH16_MALFORMED};
    }
    CU_ASSERT_EQUAL(groth16_verify_batch(&key, items, 2, seed), 0);
}

static void test_batch_of_none(void)
{
    uint8_t seed[GROTH16_SEED_BYTES] = {0};
    read_raw_key("raw-task/verification_key.json");
    CU_ASSERT_EQUAL(groth16_key_register(&key, &raw_key), GROTH16_VALID);
    CU_ASSERT_EQUAL(groth16_verify_batch(&key, NULL, 0, seed), 0);
}

static void test_verdicts_have_words(void)
{
    for (int v = GROTH16_VALID; v <= GROTH16_ROOT_MISMATCH; v++)
        CU_ASSERT_NOT_EQUAL(
            strcmp(groth16_verdict_text((enum groth16_verdict)v), "unknown verdict"), 0);
}

CU_MAIN("crypto/groth16", {"snarkjs vectors", test_snarkjs_vectors},
        {"snarkjs text vectors", test_snarkjs_text_vectors},
        {"risc0 mutations", test_risc0_mutations}, {"raw files verify", test_raw_files_verify},
        {"key id depends on every point", test_key_id_depends_on_every_point},
        {"bad keys are refused", test_bad_keys_are_refused},
        {"key text is strict", test_key_text_is_strict},
        {"batch of valid proofs", test_batch_of_valid_proofs},
        {"batch finds the wrong proofs", test_batch_finds_the_wrong_proofs},
        {"batch errors do not cancel", test_batch_errors_do_not_cancel},
        {"batch of none", test_batch_of_none}, {"verdicts have words", test_verdicts_have_words})
