/* SPDX-License-Identifier: Apache-2.0 */
/* e(A,B) = e(alpha,beta) e(IC_0 + sum x_i IC_i, gamma) e(C,delta), rearranged so that only B is
 * new: e(A,B) e(L,-gamma) e(C,-delta) = e(alpha,beta). */
#include "server/crypto/groth16.h"

#include <string.h>

#include "server/crypto/sha256.h"

#define KEY_TAG "computefi/groth16-bn254-key/1"

const char *groth16_verdict_text(enum groth16_verdict v)
{
    static const char *const text[] = {
        [GROTH16_VALID] = "valid",
        [GROTH16_EQUATION_FAILS] = "the pairing equation does not hold",
        [GROTH16_MALFORMED] = "malformed text or wrong length",
        [GROTH16_WRONG_PROTOCOL] = "another protocol or curve is named",
        [GROTH16_NUMBER_MALFORMED] = "a number is not a plain decimal or a point is not affine",
        [GROTH16_INPUT_COUNT] = "the number of public inputs is not that of the key",
        [GROTH16_INPUT_TOO_LARGE] = "a public input is not below the group order",
        [GROTH16_POINT_NOT_CANONICAL] = "a coordinate is not below the field prime",
        [GROTH16_POINT_OFF_CURVE] = "a point is not on the curve",
        [GROTH16_POINT_NOT_IN_SUBGROUP] = "a point is not in the prime-order subgroup",
        [GROTH16_POINT_INFINITY] = "a point is the point at infinity",
        [GROTH16_KEY_INPUT_COUNT] = "the key's number of inputs is out of range",
        [GROTH16_KEY_INPUT_UNBOUND] = "the key leaves an input unbound (IC at infinity)",
        [GROTH16_KEY_INPUTS_EQUAL] = "the key binds two inputs to the same point",
        [GROTH16_KEY_DELTA_KNOWN] = "the key had no second phase: anyone can forge",
        [GROTH16_VERSION_UNKNOWN] = "the verifier version is not known here",
        [GROTH16_VERSION_DENIED] = "the verifier version is known to be unsound or retired",
        [GROTH16_EXIT_CODE] = "the program did not exit with success",
        [GROTH16_ROOT_MISMATCH] = "the root is not the pinned one of this version",
    };
    if ((size_t)v >= sizeof text / sizeof text[0] || text[v] == NULL)
        return "unknown verdict";
    return text[v];
}

static enum groth16_verdict point_verdict(enum bn254_point v, bool infinity)
{
    switch (v) {
    case BN254_POINT_OK:
        return infinity ? GROTH16_POINT_INFINITY : GROTH16_VALID;
    case BN254_POINT_NOT_CANONICAL:
        return GROTH16_POINT_NOT_CANONICAL;
    case BN254_POINT_OFF_CURVE:
        return GROTH16_POINT_OFF_CURVE;
    case BN254_POINT_NOT_IN_SUBGROUP:
        return GROTH16_POINT_NOT_IN_SUBGROUP;
    }
    return GROTH16_POINT_OFF_CURVE;
}

static enum groth16_verdict decode_g1(struct g1 *p, const struct groth16_raw_g1 *raw)
{
    p->infinity = false;
    enum bn254_point v = g1_from_u256(p, &raw->x, &raw->y);
    return point_verdict(v, p->infinity);
}

static enum groth16_verdict decode_g2(struct g2 *p, const struct groth16_raw_g2 *raw)
{
    p->infinity = false;
    enum bn254_point v = g2_from_u256(p, raw->c);
    return point_verdict(v, p->infinity);
}

struct key_points {
    struct g1 alpha;
    struct g2 beta, gamma, delta;
};

static bool equal_up_to_sign(const struct g2 *a, const struct g2 *b)
{
    struct g2 minus;
    g2_neg(&minus, b);
    return g2_equal(a, b) || g2_equal(a, &minus);
}

static enum groth16_verdict decode_key_points(struct key_points *k,
                                              const struct groth16_raw_key *raw)
{
    enum groth16_verdict v = decode_g1(&k->alpha, &raw->alpha);
    if (v == GROTH16_VALID)
        v = decode_g2(&k->beta, &raw->beta);
    if (v == GROTH16_VALID)
        v = decode_g2(&k->gamma, &raw->gamma);
    if (v == GROTH16_VALID)
        v = decode_g2(&k->delta, &raw->delta);
    if (v != GROTH16_VALID)
        return v;
    if (equal_up_to_sign(&k->delta, &k->gamma) || equal_up_to_sign(&k->delta, &G2_GENERATOR))
        return GROTH16_KEY_DELTA_KNOWN;
    return GROTH16_VALID;
}

/* Fills ic0 and the tables. IC_0 may be infinity (it is bound to the constant 1); the others may
 * not. */
static enum groth16_verdict decode_ic(struct groth16_key *key, const struct groth16_raw_key *raw)
{
    struct g1 ic[GROTH16_INPUTS_MAX];
    enum groth16_verdict v = decode_g1(&key->ic0, &raw->ic[0]);
    if (v != GROTH16_VALID && v != GROTH16_POINT_INFINITY)
        return v;
    for (size_t i = 0; i < raw->input_count; i++) {
        v = decode_g1(&ic[i], &raw->ic[i + 1]);
        if (v == GROTH16_POINT_INFINITY)
            return GROTH16_KEY_INPUT_UNBOUND;
        if (v != GROTH16_VALID)
            return v;
        for (size_t j = 0; j < i; j++) {
            if (fp_equal(&ic[i].x, &ic[j].x)) /* equal or opposite */
                return GROTH16_KEY_INPUTS_EQUAL;
        }
    }
    for (size_t i = 0; i < raw->input_count; i++)
        g1_table_fill(&key->ic[i], &ic[i]);
    return GROTH16_VALID;
}

static void hash_g1(struct sha256 *h, const struct groth16_raw_g1 *p)
{
    uint8_t b[G1_BYTES];
    u256_to_be(&p->x, b);
    u256_to_be(&p->y, b + U256_BYTES);
    sha256_add(h, b, sizeof b);
}

static void hash_g2(struct sha256 *h, const struct groth16_raw_g2 *p)
{
    uint8_t b[G2_BYTES];
    u256_to_be(&p->c[1], b);
    u256_to_be(&p->c[0], b + 32);
    u256_to_be(&p->c[3], b + 64);
    u256_to_be(&p->c[2], b + 96);
    sha256_add(h, b, sizeof b);
}

/* The points are canonical by now, so the encoding is unique. */
static void set_key_id(struct groth16_key *key, const struct groth16_raw_key *raw)
{
    struct sha256 h;
    const uint8_t count = (uint8_t)raw->input_count;
    sha256_start(&h);
    sha256_add(&h, KEY_TAG, sizeof KEY_TAG);
    hash_g1(&h, &raw->alpha);
    hash_g2(&h, &raw->beta);
    hash_g2(&h, &raw->gamma);
    hash_g2(&h, &raw->delta);
    sha256_add(&h, &count, 1);
    for (size_t i = 0; i <= raw->input_count; i++)
        hash_g1(&h, &raw->ic[i]);
    sha256_end(&h, key->id);
}

enum groth16_verdict groth16_key_register(struct groth16_key *key,
                                          const struct groth16_raw_key *raw)
{
    struct key_points k;
    struct bn254_lines beta;
    if (raw->input_count < 1 || raw->input_count > GROTH16_INPUTS_MAX)
        return GROTH16_KEY_INPUT_COUNT;
    enum groth16_verdict v = decode_key_points(&k, raw);
    if (v == GROTH16_VALID)
        v = decode_ic(key, raw);
    if (v != GROTH16_VALID)
        return v;
    key->input_count = raw->input_count;
    set_key_id(key, raw);
    bn254_lines_fill(&beta, &k.beta);
    bn254_miller(&key->alpha_beta, &(struct bn254_pair){&k.alpha, &beta}, 1);
    bn254_final_exp(&key->alpha_beta, &key->alpha_beta);
    g2_neg(&k.gamma, &k.gamma);
    bn254_lines_fill(&key->minus_gamma, &k.gamma);
    g2_neg(&k.delta, &k.delta);
    bn254_lines_fill(&key->minus_delta, &k.delta);
    return GROTH16_VALID;
}

enum groth16_verdict groth16_proof_decode(struct groth16_proof *proof,
                                          const struct groth16_raw_proof *raw)
{
    enum groth16_verdict v = decode_g1(&proof->a, &raw->a);
    if (v == GROTH16_VALID)
        v = decode_g1(&proof->c, &raw->c);
    if (v == GROTH16_VALID)
        v = decode_g2(&proof->b, &raw->b);
    return v;
}

enum groth16_verdict groth16_inputs_check(const struct groth16_key *key,
                                          const struct groth16_inputs *inputs)
{
    static const struct u256 r = {BN254_R_LIMBS};
    if (inputs->count != key->input_count)
        return GROTH16_INPUT_COUNT;
    for (size_t i = 0; i < inputs->count; i++) {
        if (u256_cmp(&inputs->value[i], &r) >= 0)
            return GROTH16_INPUT_TOO_LARGE;
    }
    return GROTH16_VALID;
}

void groth16_inputs_sum(struct g1_jac *sum, const struct groth16_key *key,
                        const struct groth16_inputs *inputs)
{
    const struct g1_table *tables[GROTH16_INPUTS_MAX];
    for (size_t i = 0; i < inputs->count; i++)
        tables[i] = &key->ic[i];
    g1_sum(sum, tables, inputs->value, inputs->count);
    g1_jac_add_affine(sum, sum, &key->ic0);
}

enum groth16_verdict groth16_verify(const struct groth16_key *key,
                                    const struct groth16_raw_proof *raw,
                                    const struct groth16_inputs *inputs)
{
    struct groth16_proof proof;
    struct bn254_lines b;
    struct g1_jac sum;
    struct g1 l;
    struct fp12 f;
    enum groth16_verdict v = groth16_inputs_check(key, inputs);
    if (v == GROTH16_VALID)
        v = groth16_proof_decode(&proof, raw);
    if (v != GROTH16_VALID)
        return v;
    groth16_inputs_sum(&sum, key, inputs);
    g1_from_jac(&l, &sum);
    bn254_lines_fill(&b, &proof.b);
    const struct bn254_pair pairs[3] = {
        {&proof.a, &b}, {&l, &key->minus_gamma}, {&proof.c, &key->minus_delta}};
    bn254_miller(&f, pairs, 3);
    bn254_final_exp(&f, &f);
    return fp12_equal(&f, &key->alpha_beta) ? GROTH16_VALID : GROTH16_EQUATION_FAILS;
}
