/* SPDX-License-Identifier: Apache-2.0 */
/* Verifier of the paper's section 8.4; the names follow it: beta, gamma, alpha, xi (the evaluation
 * point), v, u. */
#include "server/crypto/plonk.h"

#include <string.h>

#include "server/crypto/keccak.h"

struct challenges {
    struct fr beta, gamma, alpha, xi, u;
    struct fr v[6];         /* v[k] is v^k; v[0] is one */
    struct fr xi_n;         /* xi^(2^power) */
    struct fr vanishing;    /* xi^n - 1 */
    struct fr lagrange_one; /* L_1(xi) */
    struct fr input_sum;    /* PI(xi) */
};

const char *plonk_verdict_text(enum plonk_verdict v)
{
    static const char *const text[] = {
        [PLONK_VALID] = "valid",
        [PLONK_EQUATION_FAILS] = "the pairing equation does not hold",
        [PLONK_MALFORMED] = "malformed text",
        [PLONK_WRONG_PROTOCOL] = "another protocol or curve is named",
        [PLONK_NUMBER_MALFORMED] = "a number is not a plain decimal or a point is not affine",
        [PLONK_INPUT_COUNT] = "the number of public inputs is not that of the key",
        [PLONK_INPUT_TOO_LARGE] = "a public input is not below the group order",
        [PLONK_SCALAR_TOO_LARGE] = "a scalar is not below the group order",
        [PLONK_POINT] = "a point is not canonical, not in the group, or infinity",
        [PLONK_CHALLENGE_IN_DOMAIN] = "the evaluation point lies in the domain",
        [PLONK_KEY_DOMAIN] = "the key's domain or number of inputs is out of range",
        [PLONK_KEY_COSETS] = "the key's cosets are not disjoint",
        [PLONK_KEY_TAU_KNOWN] = "the key's setup secret is known",
    };
    if ((size_t)v >= sizeof text / sizeof text[0])
        return "unknown verdict";
    return text[v];
}

static void absorb_point(struct keccak256 *k, const struct g1 *p)
{
    uint8_t b[G1_BYTES];
    g1_encode(p, b);
    keccak256_add(k, b, sizeof b);
}

static void absorb_scalar(struct keccak256 *k, const struct fr *s)
{
    uint8_t b[U256_BYTES];
    struct u256 v;
    fr_to_u256(&v, s);
    u256_to_be(&v, b);
    keccak256_add(k, b, sizeof b);
}

/* Ends the round and starts the next. */
static struct fr squeeze(struct keccak256 *k)
{
    uint8_t hash[KECCAK256_BYTES];
    struct fr r;
    keccak256_end(k, hash);
    struct u256 v = u256_from_be(hash);
    fr_reduce_u256(&r, &v);
    keccak256_start(k);
    return r;
}

static void run_transcript(struct challenges *c, const struct plonk_key *key,
                           const struct plonk_proof *proof, const struct fr *inputs)
{
    struct keccak256 k;
    keccak256_start(&k);
    for (size_t i = 0; i < PLONK_COMMITMENT_COUNT; i++)
        absorb_point(&k, &key->commitment[i]);
    for (size_t i = 0; i < key->input_count; i++)
        absorb_scalar(&k, &inputs[i]);
    absorb_point(&k, &proof->point[PLONK_A]);
    absorb_point(&k, &proof->point[PLONK_B]);
    absorb_point(&k, &proof->point[PLONK_C]);
    c->beta = squeeze(&k);
    absorb_scalar(&k, &c->beta);
    c->gamma = squeeze(&k);
    absorb_scalar(&k, &c->beta);
    absorb_scalar(&k, &c->gamma);
    absorb_point(&k, &proof->point[PLONK_Z]);
    c->alpha = squeeze(&k);
    absorb_scalar(&k, &c->alpha);
    absorb_point(&k, &proof->point[PLONK_T1]);
    absorb_point(&k, &proof->point[PLONK_T2]);
    absorb_point(&k, &proof->point[PLONK_T3]);
    c->xi = squeeze(&k);
    absorb_scalar(&k, &c->xi);
    for (size_t i = 0; i < PLONK_EVAL_COUNT; i++)
        absorb_scalar(&k, &proof->eval[i]);
    c->v[0] = FR_ONE;
    c->v[1] = squeeze(&k);
    for (size_t i = 2; i < 6; i++)
        fr_mul(&c->v[i], &c->v[i - 1], &c->v[1]);
    absorb_point(&k, &proof->point[PLONK_WXI]);
    absorb_point(&k, &proof->point[PLONK_WXIW]);
    c->u = squeeze(&k);
}

/* L_i(xi) = w^(i-1) (xi^n - 1) / (n (xi - w^(i-1))); PI = -sum inputs_i L_i. False when xi is in
 * the domain. */
static bool evaluate_lagrange(struct challenges *c, const struct plonk_key *key,
                              const struct fr *inputs)
{
    struct fr n, w, d, l;
    c->xi_n = c->xi;
    for (unsigned i = 0; i < key->power; i++)
        fr_mul(&c->xi_n, &c->xi_n, &c->xi_n);
    fr_sub(&c->vanishing, &c->xi_n, &FR_ONE);
    if (fr_is_zero(&c->vanishing))
        return false;
    fr_from_u64(&n, UINT64_C(1) << key->power);
    w = FR_ONE;
    c->input_sum = (struct fr){{0, 0, 0, 0}};
    size_t count = key->input_count > 0 ? key->input_count : 1;
    for (size_t i = 0; i < count; i++) {
        fr_sub(&d, &c->xi, &w);
        fr_mul(&d, &d, &n);
        fr_inv(&d, &d);
        fr_mul(&l, &w, &c->vanishing);
        fr_mul(&l, &l, &d);
        if (i == 0)
            c->lagrange_one = l;
        if (i < key->input_count) {
            fr_mul(&l, &l, &inputs[i]);
            fr_sub(&c->input_sum, &c->input_sum, &l);
        }
        fr_mul(&w, &w, &key->root);
    }
    return true;
}

/* a + b*c + gamma, the factor that occurs in the permutation argument. */
static struct fr factor(const struct fr *a, const struct fr *b, const struct fr *c,
                        const struct fr *gamma)
{
    struct fr r;
    fr_mul(&r, b, c);
    fr_add(&r, &r, a);
    fr_add(&r, &r, gamma);
    return r;
}

static void add_scaled(struct g1_jac *sum, const struct g1 *p, const struct fr *s)
{
    struct u256 k;
    struct g1 t;
    fr_to_u256(&k, s);
    g1_mul(&t, p, &k);
    g1_jac_add_affine(sum, sum, &t);
}

static void sub_scaled(struct g1_jac *sum, const struct g1 *p, const struct fr *s)
{
    struct g1 minus;
    g1_neg(&minus, p);
    add_scaled(sum, &minus, s);
}

/* Adds the gate part of the linearised polynomial: a b Qm + a Ql + b Qr + c Qo + Qc. */
static void add_gates(struct g1_jac *sum, const struct plonk_key *key, const struct fr *e)
{
    struct fr ab;
    fr_mul(&ab, &e[PLONK_EVAL_A], &e[PLONK_EVAL_B]);
    add_scaled(sum, &key->commitment[PLONK_QM], &ab);
    add_scaled(sum, &key->commitment[PLONK_QL], &e[PLONK_EVAL_A]);
    add_scaled(sum, &key->commitment[PLONK_QR], &e[PLONK_EVAL_B]);
    add_scaled(sum, &key->commitment[PLONK_QO], &e[PLONK_EVAL_C]);
    g1_jac_add_affine(sum, sum, &key->commitment[PLONK_QC]);
}

/* The permutation part: (alpha prod(eval + beta k xi + gamma) + alpha^2 L_1 + u) Z
 * - alpha beta zw prod(eval + beta s + gamma) S3. */
static void add_permutation(struct g1_jac *sum, const struct plonk_key *key,
                            const struct plonk_proof *proof, const struct challenges *c)
{
    const struct fr *e = proof->eval;
    struct fr beta_xi, f, z, t;
    fr_mul(&beta_xi, &c->beta, &c->xi);
    z = factor(&e[PLONK_EVAL_A], &beta_xi, &FR_ONE, &c->gamma);
    f = factor(&e[PLONK_EVAL_B], &beta_xi, &key->k1, &c->gamma);
    fr_mul(&z, &z, &f);
    f = factor(&e[PLONK_EVAL_C], &beta_xi, &key->k2, &c->gamma);
    fr_mul(&z, &z, &f);
    fr_mul(&z, &z, &c->alpha);
    fr_mul(&t, &c->alpha, &c->alpha);
    fr_mul(&t, &t, &c->lagrange_one);
    fr_add(&z, &z, &t);
    fr_add(&z, &z, &c->u);
    add_scaled(sum, &proof->point[PLONK_Z], &z);
    z = factor(&e[PLONK_EVAL_A], &c->beta, &e[PLONK_EVAL_S1], &c->gamma);
    f = factor(&e[PLONK_EVAL_B], &c->beta, &e[PLONK_EVAL_S2], &c->gamma);
    fr_mul(&z, &z, &f);
    fr_mul(&z, &z, &c->alpha);
    fr_mul(&z, &z, &c->beta);
    fr_mul(&z, &z, &e[PLONK_EVAL_ZW]);
    sub_scaled(sum, &key->commitment[PLONK_S3], &z);
}

/* - (xi^n - 1)(T1 + xi^n T2 + xi^2n T3) */
static void sub_quotient(struct g1_jac *sum, const struct plonk_proof *proof,
                         const struct challenges *c)
{
    struct fr s = c->vanishing;
    sub_scaled(sum, &proof->point[PLONK_T1], &s);
    fr_mul(&s, &s, &c->xi_n);
    sub_scaled(sum, &proof->point[PLONK_T2], &s);
    fr_mul(&s, &s, &c->xi_n);
    sub_scaled(sum, &proof->point[PLONK_T3], &s);
}

/* The constant part of the linearised polynomial: PI - alpha^2 L_1 - alpha zw (c + gamma) prod(eval
 * + beta s + gamma). */
static struct fr constant_term(const struct plonk_proof *proof, const struct challenges *c)
{
    const struct fr *e = proof->eval;
    struct fr r0, t, f;
    fr_mul(&t, &c->alpha, &c->alpha);
    fr_mul(&t, &t, &c->lagrange_one);
    fr_sub(&r0, &c->input_sum, &t);
    t = factor(&e[PLONK_EVAL_A], &c->beta, &e[PLONK_EVAL_S1], &c->gamma);
    f = factor(&e[PLONK_EVAL_B], &c->beta, &e[PLONK_EVAL_S2], &c->gamma);
    fr_mul(&t, &t, &f);
    fr_add(&f, &e[PLONK_EVAL_C], &c->gamma);
    fr_mul(&t, &t, &f);
    fr_mul(&t, &t, &e[PLONK_EVAL_ZW]);
    fr_mul(&t, &t, &c->alpha);
    fr_sub(&r0, &r0, &t);
    return r0;
}

/* Adds the batched openings: v A + v^2 B + v^3 C + v^4 S1 + v^5 S2, less their evaluations (and u
 * zw - r0) times G. */
static void add_openings(struct g1_jac *sum, const struct plonk_key *key,
                         const struct plonk_proof *proof, const struct challenges *c)
{
    const struct g1 *opened[5] = {&proof->point[PLONK_A], &proof->point[PLONK_B],
                                  &proof->point[PLONK_C], &key->commitment[PLONK_S1],
                                  &key->commitment[PLONK_S2]};
    struct fr e, t;
    struct fr r0 = constant_term(proof, c);
    fr_mul(&e, &c->u, &proof->eval[PLONK_EVAL_ZW]);
    fr_sub(&e, &e, &r0);
    for (size_t i = 0; i < 5; i++) {
        add_scaled(sum, opened[i], &c->v[i + 1]);
        fr_mul(&t, &c->v[i + 1], &proof->eval[i]);
        fr_add(&e, &e, &t);
    }
    sub_scaled(sum, &G1_GENERATOR, &e);
}

/* e(Wxi + u Wxiw, [tau]) = e(xi Wxi + u xi w Wxiw + F - E, 1), with F - E in *rest. */
static bool equation_holds(const struct plonk_key *key, const struct plonk_proof *proof,
                           const struct challenges *c, struct g1_jac *rest)
{
    struct g1_jac left;
    struct g1 a, b;
    struct fr s;
    g1_jac_from(&left, &proof->point[PLONK_WXI]);
    add_scaled(&left, &proof->point[PLONK_WXIW], &c->u);
    g1_from_jac(&a, &left);
    g1_neg(&a, &a);
    add_scaled(rest, &proof->point[PLONK_WXI], &c->xi);
    fr_mul(&s, &c->u, &c->xi);
    fr_mul(&s, &s, &key->root);
    add_scaled(rest, &proof->point[PLONK_WXIW], &s);
    g1_from_jac(&b, rest);
    const struct bn254_pair pairs[2] = {{&a, &key->x2}, {&b, &key->g2}};
    return bn254_product_is_one(pairs, 2);
}

enum plonk_verdict plonk_verify(const struct plonk_key *key, const struct plonk_proof *proof,
                                const struct groth16_inputs *inputs)
{
    struct challenges c;
    struct fr values[PLONK_INPUTS_MAX];
    struct g1_jac rest;
    if (inputs->count != key->input_count)
        return PLONK_INPUT_COUNT;
    for (size_t i = 0; i < inputs->count; i++) {
        if (!fr_from_u256(&values[i], &inputs->value[i]))
            return PLONK_INPUT_TOO_LARGE;
    }
    run_transcript(&c, key, proof, values);
    if (!evaluate_lagrange(&c, key, values))
        return PLONK_CHALLENGE_IN_DOMAIN;
    g1_jac_from(&rest, &(struct g1){.infinity = true});
    add_gates(&rest, key, proof->eval);
    add_permutation(&rest, key, proof, &c);
    sub_quotient(&rest, proof, &c);
    add_openings(&rest, key, proof, &c);
    return equation_holds(key, proof, &c, &rest) ? PLONK_VALID : PLONK_EQUATION_FAILS;
}
