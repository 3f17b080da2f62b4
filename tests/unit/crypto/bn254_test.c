/* SPDX-License-Identifier: Apache-2.0 */
/* BN254: the contract vectors, bilinearity, and the fast subgroup test against its definition. */
#include "tests/support/cu.h"

#include <openssl/bn.h>
#include <string.h>

#include "server/crypto/bn254_pairing.h"
#include "tests/unit/crypto/vectors.h"

static struct u256 scalar(uint64_t seed)
{
    struct u256 k = {{seed * UINT64_C(0x9e3779b97f4a7c15), seed ^ UINT64_C(0x123456789abcdef1),
                      seed * seed * 77 + 5, seed << 50 | 99}};
    return k;
}

static void test_own_vectors(void)
{
    vectors_check("bn254", "own.json", 38);
}

static void test_geth_vectors(void)
{
    vectors_check("bn254", "geth-precompiles.json", 25);
}

static void test_field_inverse(void)
{
    for (uint64_t i = 1; i < 20; i++) {
        struct u256 k = scalar(i);
        struct fr s, t;
        struct fp2 a, b;
        fr_reduce_u256(&s, &k);
        fr_inv(&t, &s);
        fr_mul(&t, &t, &s);
        CU_ASSERT_EQUAL(memcmp(&t, &FR_ONE, sizeof t), 0);
        k.w[3] >>= 3;
        CU_ASSERT(fp_from_u256(&a.c0, &k));
        fp_sqr(&a.c1, &a.c0);
        fp2_inv(&b, &a);
        fp2_mul(&b, &b, &a);
        CU_ASSERT(fp2_equal(&b, &FP2_ONE));
        fp2_half(&b, &a);
        fp2_dbl(&b, &b);
        CU_ASSERT(fp2_equal(&b, &a));
    }
}

/* The carry chains against their portable forms, over values near the ends of the range. */
static void test_carry_chains_equal_the_portable_forms(void)
{
    static const uint64_t p[4] = BN254_P_LIMBS;
    struct u256 v[24];
    const struct u256 modulus = {BN254_P_LIMBS};
    for (uint64_t i = 0; i < 24; i++) {
        struct u256 k = i < 8 ? u256_from_u64(i) : scalar(i);
        k.w[3] %= UINT64_C(0x3064000000000000);
        v[i] = k;
        if (i >= 16)
            u256_sub(&v[i], &modulus, &v[i - 15]);
    }
    for (size_t i = 0; i < 24; i++) {
        for (size_t j = 0; j < 24; j++) {
            uint64_t a[4], b[4];
            mont_add(a, v[i].w, v[j].w, p);
            mont_add_portable(b, v[i].w, v[j].w, p);
            CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
            mont_sub(a, v[i].w, v[j].w, p);
            mont_sub_portable(b, v[i].w, v[j].w, p);
            CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
            mont_reduce(a, v[i].w, p);
            mont_reduce_portable(b, v[i].w, p);
            CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
        }
    }
}

static void test_field_bounds(void)
{
    struct u256 p = {BN254_P_LIMBS};
    struct u256 r = {BN254_R_LIMBS};
    struct fp a;
    struct fr s;
    CU_ASSERT_FALSE(fp_from_u256(&a, &p));
    CU_ASSERT_FALSE(fr_from_u256(&s, &r));
    p.w[0]--;
    r.w[0]--;
    CU_ASSERT(fp_from_u256(&a, &p));
    fp_add(&a, &a, &FP_ONE);
    CU_ASSERT(fp_is_zero(&a));
    CU_ASSERT(fr_from_u256(&s, &r));
    fr_add(&s, &s, &FR_ONE);
    CU_ASSERT(fr_is_zero(&s));
}

/* e(aP, Q) = e(P, aQ), and it is not one. */
static void test_bilinear(void)
{
    static struct bn254_lines q_lines, aq_lines;
    struct u256 k = scalar(7);
    struct g1 ap;
    struct g2 aq;
    struct fp12 left, right;
    g1_mul(&ap, &G1_GENERATOR, &k);
    g2_mul(&aq, &G2_GENERATOR, &k);
    CU_ASSERT(g2_in_subgroup(&aq));
    bn254_lines_fill(&q_lines, &G2_GENERATOR);
    bn254_lines_fill(&aq_lines, &aq);
    bn254_miller(&left, &(struct bn254_pair){&ap, &q_lines}, 1);
    bn254_final_exp(&left, &left);
    bn254_miller(&right, &(struct bn254_pair){&G1_GENERATOR, &aq_lines}, 1);
    bn254_final_exp(&right, &right);
    CU_ASSERT(fp12_equal(&left, &right));
    CU_ASSERT_FALSE(fp12_is_one(&left));
}

static void test_cyclotomic_square_is_square(void)
{
    static struct bn254_lines lines;
    struct fp12 f, a, b;
    bn254_lines_fill(&lines, &G2_GENERATOR);
    bn254_miller(&f, &(struct bn254_pair){&G1_GENERATOR, &lines}, 1);
    bn254_final_exp(&f, &f);
    fp12_cyclotomic_sqr(&a, &f);
    fp12_sqr(&b, &f);
    CU_ASSERT(fp12_equal(&a, &b));
    fp12_mul(&b, &f, &f);
    CU_ASSERT(fp12_equal(&a, &b));
}

static void test_sum_equals_plain_multiplication(void)
{
    static struct g1_table tables[3];
    const struct g1_table *pointers[3] = {&tables[0], &tables[1], &tables[2]};
    struct u256 k[3] = {scalar(3), scalar(4), {{0, 0, 0, 0}}};
    struct g1 base[3], want, t;
    struct g1_jac sum;
    want = (struct g1){.infinity = true};
    for (size_t i = 0; i < 3; i++) {
        struct u256 m = scalar(100 + i);
        g1_mul(&base[i], &G1_GENERATOR, &m);
        g1_table_fill(&tables[i], &base[i]);
        g1_mul(&t, &base[i], &k[i]);
        g1_add(&want, &want, &t);
    }
    g1_sum(&sum, pointers, k, 3);
    g1_from_jac(&t, &sum);
    CU_ASSERT(g1_equal(&t, &want));
    g1_sum(&sum, pointers, k, 0);
    g1_from_jac(&t, &sum);
    CU_ASSERT(t.infinity);
}

enum { U, P, R, T, A, B, N, ORDER, X, Y, NUMBER_COUNT };

/* r = x * y + r */
static void add_product(BIGNUM *r, const BIGNUM *x, const BIGNUM *y, BN_CTX *ctx)
{
    BIGNUM *t = BN_new();
    CU_ASSERT(BN_mul(t, x, y, ctx) && BN_add(r, r, t));
    BN_free(t);
}

/* r = c4 u^4 + c3 u^3 + c2 u^2 + c1 u + 1 */
static void of_u(BIGNUM *r, const BIGNUM *u, const unsigned c[4], BN_CTX *ctx)
{
    BN_zero(r);
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT(BN_add_word(r, c[i]));
        CU_ASSERT(BN_mul(r, r, u, ctx));
    }
    CU_ASSERT(BN_add_word(r, 1));
}

/* The argument in bn254_g2.c, computed: (u+1) + uX + uX^2 - 2uX^3 modulo X^2 - tX + p is a + bX
 * with X^2 = tX - p and X^3 = (t^2 - p)X - tp, and gcd(a^2 + abt + b^2 p, r(2p - r)) = r. */
static void test_subgroup_equation_implies_order_r(void)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *n[NUMBER_COUNT];
    char *text;
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        n[i] = BN_new();
    CU_ASSERT(BN_dec2bn(&n[U], "4965661367192848881"));
    of_u(n[P], n[U], (const unsigned[4]){36, 36, 24, 6}, ctx);
    of_u(n[R], n[U], (const unsigned[4]){36, 36, 18, 6}, ctx);
    of_u(n[T], n[U], (const unsigned[4]){0, 0, 6, 0}, ctx);
    text = BN_bn2dec(n[R]);
    CU_ASSERT_STRING_EQUAL(
        text, "21888242871839275222246405745257275088548364400416034343698204186575808495617");
    OPENSSL_free(text);
    /* a = u + 1 - up + 2utp; b = u + ut - 2u(t^2 - p) */
    CU_ASSERT(BN_mul(n[X], n[T], n[P], ctx) && BN_lshift1(n[X], n[X]) && BN_sub(n[X], n[X], n[P]));
    CU_ASSERT(BN_add_word(n[X], 1) && BN_mul(n[A], n[X], n[U], ctx) && BN_add_word(n[A], 1));
    CU_ASSERT(BN_sqr(n[X], n[T], ctx) && BN_sub(n[X], n[X], n[P]) && BN_lshift1(n[X], n[X]));
    CU_ASSERT(BN_sub(n[X], n[T], n[X]) && BN_add_word(n[X], 1) && BN_mul(n[B], n[X], n[U], ctx));
    BN_zero(n[N]);
    add_product(n[N], n[A], n[A], ctx);
    CU_ASSERT(BN_mul(n[X], n[A], n[B], ctx));
    add_product(n[N], n[X], n[T], ctx);
    CU_ASSERT(BN_sqr(n[X], n[B], ctx));
    add_product(n[N], n[X], n[P], ctx);
    CU_ASSERT(BN_lshift1(n[X], n[P]) && BN_sub(n[X], n[X], n[R]));
    CU_ASSERT(BN_mul(n[ORDER], n[R], n[X], ctx) && BN_gcd(n[Y], n[N], n[ORDER], ctx));
    CU_ASSERT_EQUAL(BN_cmp(n[Y], n[R]), 0);
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        BN_free(n[i]);
    BN_CTX_free(ctx);
}

/* The G2 inputs of the pairing cases, some of them outside the subgroup, are judged by both tests.
 */
static void test_subgroup_tests_agree(void)
{
    json_t *doc = vectors_load("bn254", "own.json");
    size_t i;
    size_t outside = 0;
    json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        uint8_t in[VECTORS_BYTES_MAX];
        size_t len;
        CU_ASSERT(vectors_hex(c, "input", in, sizeof in, &len));
        if (strcmp(vectors_text(c, "op"), "pairing") != 0 || len < 192)
            continue;
        struct u256 w[4] = {u256_from_be(in + 96), u256_from_be(in + 64), u256_from_be(in + 160),
                            u256_from_be(in + 128)};
        struct g2 q = {.infinity = false};
        if (!fp_from_u256(&q.x.c0, &w[0]) || !fp_from_u256(&q.x.c1, &w[1]) ||
            !fp_from_u256(&q.y.c0, &w[2]) || !fp_from_u256(&q.y.c1, &w[3]))
            continue;
        enum bn254_point v = g2_from_u256(&(struct g2){0}, w);
        if (v == BN254_POINT_OFF_CURVE)
            continue;
        q.infinity = u256_is_zero(&w[0]) && u256_is_zero(&w[2]);
        CU_ASSERT_EQUAL(g2_in_subgroup(&q), g2_in_subgroup_plain(&q));
        outside += !g2_in_subgroup_plain(&q);
    }
    CU_ASSERT(outside >= 3);
    json_decref(doc);
}

CU_MAIN("crypto/bn254", {"own vectors", test_own_vectors}, {"geth vectors", test_geth_vectors},
        {"field inverse", test_field_inverse},
        {"carry chains equal the portable forms", test_carry_chains_equal_the_portable_forms},
        {"field bounds", test_field_bounds}, {"bilinear", test_bilinear},
        {"cyclotomic square is square", test_cyclotomic_square_is_square},
        {"sum equals plain multiplication", test_sum_equals_plain_multiplication},
        {"subgroup equation implies order r", test_subgroup_equation_implies_order_r},
        {"subgroup tests agree", test_subgroup_tests_agree})
