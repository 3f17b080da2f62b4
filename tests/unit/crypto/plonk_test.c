/* SPDX-License-Identifier: Apache-2.0 */
/* PLONK of snarkjs: its own proofs, and every single member of them changed. */
#include "tests/support/cu.h"

#include <string.h>

#include "server/crypto/groth16_snarkjs.h"
#include "server/crypto/plonk.h"
#include "tests/unit/crypto/vectors.h"

static void test_small_circuit(void)
{
    vectors_check("plonk-snarkjs", "mul.json", 1);
}

static void test_task_circuit(void)
{
    vectors_check("plonk-snarkjs", "task.json", 1);
}

static struct plonk_key key;
static struct plonk_proof proof;
static struct groth16_inputs inputs;

static json_t *load(void)
{
    json_t *doc = vectors_load("plonk-snarkjs", "task.json");
    CU_ASSERT_EQUAL_FATAL(plonk_key_from_json(&key, json_object_get(doc, "vk")), PLONK_VALID);
    CU_ASSERT_EQUAL_FATAL(plonk_proof_from_json(&proof, json_object_get(doc, "proof")),
                          PLONK_VALID);
    CU_ASSERT_EQUAL_FATAL(
        groth16_snarkjs_inputs_json(&inputs, json_object_get(doc, "publicSignals")), GROTH16_VALID);
    return doc;
}

static void test_every_changed_part_is_refused(void)
{
    json_t *doc = load();
    CU_ASSERT_EQUAL(plonk_verify(&key, &proof, &inputs), PLONK_VALID);
    for (size_t i = 0; i < PLONK_POINT_COUNT; i++) {
        struct plonk_proof bad = proof;
        g1_add(&bad.point[i], &bad.point[i], &G1_GENERATOR);
        CU_ASSERT_EQUAL(plonk_verify(&key, &bad, &inputs), PLONK_EQUATION_FAILS);
    }
    for (size_t i = 0; i < PLONK_EVAL_COUNT; i++) {
        struct plonk_proof bad = proof;
        fr_add(&bad.eval[i], &bad.eval[i], &FR_ONE);
        CU_ASSERT_EQUAL(plonk_verify(&key, &bad, &inputs), PLONK_EQUATION_FAILS);
    }
    for (size_t i = 0; i < inputs.count; i++) {
        struct groth16_inputs bad = inputs;
        bad.value[i].w[0] ^= 1;
        CU_ASSERT_EQUAL(plonk_verify(&key, &proof, &bad), PLONK_EQUATION_FAILS);
    }
    for (size_t i = 0; i < PLONK_COMMITMENT_COUNT; i++) {
        struct plonk_key bad = key;
        g1_add(&bad.commitment[i], &bad.commitment[i], &G1_GENERATOR);
        CU_ASSERT_EQUAL(plonk_verify(&bad, &proof, &inputs), PLONK_EQUATION_FAILS);
    }
    json_decref(doc);
}

static void test_inputs_are_counted_and_never_reduced(void)
{
    static const struct u256 r = {BN254_R_LIMBS};
    json_t *doc = load();
    u256_add(&inputs.value[2], &inputs.value[2], &r);
    CU_ASSERT_EQUAL(plonk_verify(&key, &proof, &inputs), PLONK_INPUT_TOO_LARGE);
    inputs.count--;
    CU_ASSERT_EQUAL(plonk_verify(&key, &proof, &inputs), PLONK_INPUT_COUNT);
    json_decref(doc);
}

static void refuse_key(const char *member, json_t *value, enum plonk_verdict want)
{
    json_t *doc = vectors_load("plonk-snarkjs", "task.json");
    json_t *vk = json_object_get(doc, "vk");
    json_object_set_new(vk, member, value);
    CU_ASSERT_EQUAL(plonk_key_from_json(&key, vk), want);
    json_decref(doc);
}

static json_t *generator_g2(void)
{
    return json_pack(
        "[[ss][ss][ss]]",
        "10857046999023057135944570762232829481370756359578518086990519993285655852781",
        "11559732032986387107991004021392285783925812861821192530917403151452391805634",
        "8495653923123431417604973247489272438418190587263600148770280649306958101930",
        "4082367875863433681332203403145435568316851327593401208105741076214120093531", "1", "0");
}

static void test_bad_keys_are_refused(void)
{
    refuse_key("k1", json_string("1"), PLONK_KEY_COSETS);
    refuse_key("k2", json_string("2"), PLONK_KEY_COSETS);
    refuse_key("k2", json_string("0"), PLONK_KEY_COSETS);
    refuse_key("w", json_string("1"), PLONK_KEY_DOMAIN);
    refuse_key("power", json_integer(29), PLONK_KEY_DOMAIN);
    refuse_key("power", json_integer(11), PLONK_KEY_DOMAIN);
    refuse_key("nPublic", json_integer(65), PLONK_KEY_DOMAIN);
    refuse_key("nPublic", json_integer(-1), PLONK_KEY_DOMAIN);
    refuse_key("S1", json_pack("[sss]", "0", "1", "0"), PLONK_NUMBER_MALFORMED);
    refuse_key("Qm", json_pack("[sss]", "1", "1", "1"), PLONK_POINT);
    refuse_key("X_2", generator_g2(), PLONK_KEY_TAU_KNOWN);
    refuse_key("curve", json_string("bls12381"), PLONK_WRONG_PROTOCOL);
}

static void test_proof_text_is_strict(void)
{
    json_t *doc = vectors_load("plonk-snarkjs", "task.json");
    json_t *p = json_object_get(doc, "proof");
    CU_ASSERT_EQUAL(plonk_proof_from_json(&proof, p), PLONK_VALID);
    json_object_set_new(p, "Z", json_pack("[sss]", "0", "1", "0"));
    CU_ASSERT_EQUAL(plonk_proof_from_json(&proof, p), PLONK_NUMBER_MALFORMED);
    json_object_set_new(p, "Z", json_pack("[sss]", "0", "0", "1"));
    CU_ASSERT_EQUAL(plonk_proof_from_json(&proof, p), PLONK_POINT);
    json_object_set_new(p, "Z", json_pack("[sss]", "1", "2", "1"));
    CU_ASSERT_EQUAL(plonk_proof_from_json(&proof, p), PLONK_VALID);
    json_object_set_new(
        p, "eval_a",
        json_string(
            "21888242871839275222246405745257275088548364400416034343698204186575808495617"));
    CU_ASSERT_EQUAL(plonk_proof_from_json(&proof, p), PLONK_SCALAR_TOO_LARGE);
    json_decref(doc);
    CU_ASSERT_EQUAL(plonk_proof_from_json(&proof, NULL), PLONK_MALFORMED);
}

CU_MAIN("crypto/plonk", {"small circuit", test_small_circuit}, {"task circuit", test_task_circuit},
        {"every changed part is refused", test_every_changed_part_is_refused},
        {"inputs are counted and never reduced", test_inputs_are_counted_and_never_reduced},
        {"bad keys are refused", test_bad_keys_are_refused},
        {"proof text is strict", test_proof_text_is_strict})
