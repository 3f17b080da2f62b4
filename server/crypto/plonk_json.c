/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and proofs of snarkjs, read strictly and validated. */
#include "server/crypto/plonk.h"

#include <string.h>

#include "server/crypto/groth16_snarkjs.h"

#define ROOT_GENERATOR 5 /* the smallest non-residue: 5^((r-1)/2^28) has order 2^28 */

static bool says(const json_t *root, const char *name, const char *want)
{
    const char *text = json_string_value(json_object_get(root, name));
    return text != NULL && strcmp(text, want) == 0;
}

static enum plonk_verdict check_head(const json_t *root)
{
    if (!json_is_object(root))
        return PLONK_MALFORMED;
    return says(root, "protocol", "plonk") && says(root, "curve", "bn128") ? PLONK_VALID
                                                                           : PLONK_WRONG_PROTOCOL;
}

static enum plonk_verdict read_g1(struct g1 *p, const json_t *value)
{
    struct groth16_raw_g1 raw;
    if (!snarkjs_g1(&raw, value))
        return PLONK_NUMBER_MALFORMED;
    if (g1_from_u256(p, &raw.x, &raw.y) != BN254_POINT_OK || p->infinity)
        return PLONK_POINT;
    return PLONK_VALID;
}

static bool is_infinity(const json_t *value)
{
    static const char *const want[3] = {"0", "1", "0"};
    if (json_array_size(value) != 3)
        return false;
    for (size_t i = 0; i < 3; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (text == NULL || strcmp(text, want[i]) != 0)
            return false;
    }
    return true;
}

static enum plonk_verdict read_scalar(struct fr *out, const json_t *value)
{
    struct u256 v;
    if (!snarkjs_number(&v, value))
        return PLONK_NUMBER_MALFORMED;
    return fr_from_u256(out, &v) ? PLONK_VALID : PLONK_SCALAR_TOO_LARGE;
}

static struct fr fr_pow(const struct fr *a, const struct u256 *e)
{
    struct fr r = FR_ONE;
    for (unsigned i = u256_bit_count(e); i-- > 0;) {
        fr_mul(&r, &r, &r);
        if (u256_bit(e, i))
            fr_mul(&r, &r, a);
    }
    return r;
}

static bool fr_equal(const struct fr *a, const struct fr *b)
{
    return memcmp(a->l, b->l, sizeof a->l) == 0;
}

/* The root of unity of order 2^power that snarkjs uses. */
static struct fr domain_root(unsigned power)
{
    static const struct u256 r = {BN254_R_LIMBS};
    struct u256 e = r;
    struct fr g;
    e.w[0] -= 1;
    for (unsigned i = 0; i < PLONK_POWER_MAX; i++)
        u256_div_u64(&e, &e, 2);
    fr_from_u64(&g, ROOT_GENERATOR);
    g = fr_pow(&g, &e);
    for (unsigned i = power; i < PLONK_POWER_MAX; i++)
        fr_mul(&g, &g, &g);
    return g;
}

static bool in_domain(const struct fr *a, unsigned power)
{
    struct fr t = *a;
    for (unsigned i = 0; i < power; i++)
        fr_mul(&t, &t, &t);
    return fr_equal(&t, &FR_ONE);
}

static enum plonk_verdict read_domain(struct plonk_key *key, const json_t *root)
{
    struct fr w, quotient;
    const json_t *count = json_object_get(root, "nPublic");
    const json_t *power = json_object_get(root, "power");
    if (!json_is_integer(count) || !json_is_integer(power))
        return PLONK_MALFORMED;
    if (json_integer_value(count) < 0 || json_integer_value(count) > PLONK_INPUTS_MAX ||
        json_integer_value(power) < 1 || json_integer_value(power) > PLONK_POWER_MAX)
        return PLONK_KEY_DOMAIN;
    key->input_count = (size_t)json_integer_value(count);
    key->power = (unsigned)json_integer_value(power);
    enum plonk_verdict v = read_scalar(&w, json_object_get(root, "w"));
    if (v == PLONK_VALID)
        v = read_scalar(&key->k1, json_object_get(root, "k1"));
    if (v == PLONK_VALID)
        v = read_scalar(&key->k2, json_object_get(root, "k2"));
    if (v != PLONK_VALID)
        return v;
    key->root = domain_root(key->power);
    if (!fr_equal(&w, &key->root) || key->input_count > (size_t)1 << key->power)
        return PLONK_KEY_DOMAIN;
    fr_inv(&quotient, &key->k1);
    fr_mul(&quotient, &quotient, &key->k2);
    if (fr_is_zero(&key->k1) || fr_is_zero(&key->k2) || in_domain(&key->k1, key->power) ||
        in_domain(&key->k2, key->power) || in_domain(&quotient, key->power))
        return PLONK_KEY_COSETS;
    return PLONK_VALID;
}

enum plonk_verdict plonk_key_from_json(struct plonk_key *key, const json_t *root)
{
    static const char *const names[PLONK_COMMITMENT_COUNT] = {"Qm", "Ql", "Qr", "Qo",
                                                              "Qc", "S1", "S2", "S3"};
    struct groth16_raw_g2 raw;
    struct g2 x2, minus;
    enum plonk_verdict v = check_head(root);
    if (v == PLONK_VALID)
        v = read_domain(key, root);
    for (size_t i = 0; v == PLONK_VALID && i < PLONK_COMMITMENT_COUNT; i++) {
        const json_t *point = json_object_get(root, names[i]);
        if (i <= PLONK_QC && is_infinity(point))
            key->commitment[i] = (struct g1){.infinity = true};
        else
            v = read_g1(&key->commitment[i], point);
    }
    if (v != PLONK_VALID)
        return v;
    if (!snarkjs_g2(&raw, json_object_get(root, "X_2")))
        return PLONK_NUMBER_MALFORMED;
    if (g2_from_u256(&x2, raw.c) != BN254_POINT_OK || x2.infinity)
        return PLONK_POINT;
    g2_neg(&minus, &x2);
    if (g2_equal(&x2, &G2_GENERATOR) || g2_equal(&minus, &G2_GENERATOR))
        return PLONK_KEY_TAU_KNOWN;
    bn254_lines_fill(&key->x2, &x2);
    bn254_lines_fill(&key->g2, &G2_GENERATOR);
    return PLONK_VALID;
}

enum plonk_verdict plonk_proof_from_json(struct plonk_proof *proof, const json_t *root)
{
    static const char *const points[PLONK_POINT_COUNT] = {"A",  "B",  "C",   "Z",   "T1",
                                                          "T2", "T3", "Wxi", "Wxiw"};
    static const char *const evals[PLONK_EVAL_COUNT] = {"eval_a",  "eval_b",  "eval_c",
                                                        "eval_s1", "eval_s2", "eval_zw"};
    enum plonk_verdict v = check_head(root);
    for (size_t i = 0; v == PLONK_VALID && i < PLONK_POINT_COUNT; i++)
        v = read_g1(&proof->point[i], json_object_get(root, points[i]));
    for (size_t i = 0; v == PLONK_VALID && i < PLONK_EVAL_COUNT; i++)
        v = read_scalar(&proof->eval[i], json_object_get(root, evals[i]));
    return v;
}
