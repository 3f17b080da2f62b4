/* SPDX-License-Identifier: Apache-2.0 */
#include "server/crypto/bn254_tower.h"

const struct fp2 FP2_ZERO;
const struct fp2 FP2_ONE = {{{UINT64_C(0xd35d438dc58f0d9d), UINT64_C(0x0a78eb28f5c70b3d),
                              UINT64_C(0x666ea36f7879462c), UINT64_C(0x0e0a77c19a07df2f)}},
                            {{0, 0, 0, 0}}};

const struct fp2 FROBENIUS_1[6] = {
    {{{UINT64_C(0xd35d438dc58f0d9d), UINT64_C(0x0a78eb28f5c70b3d), UINT64_C(0x666ea36f7879462c),
       UINT64_C(0x0e0a77c19a07df2f)}},
     {{UINT64_C(0x0000000000000000), UINT64_C(0x0000000000000000), UINT64_C(0x0000000000000000),
       UINT64_C(0x0000000000000000)}}},
    {{{UINT64_C(0xaf9ba69633144907), UINT64_C(0xca6b1d7387afb78a), UINT64_C(0x11bded5ef08a2087),
       UINT64_C(0x02f34d751a1f3a7c)}},
     {{UINT64_C(0xa222ae234c492d72), UINT64_C(0xd00f02a4565de15b), UINT64_C(0xdc2ff3a253dfc926),
       UINT64_C(0x10a75716b3899551)}}},
    {{{UINT64_C(0xb5773b104563ab30), UINT64_C(0x347f91c8a9aa6454), UINT64_C(0x7a007127242e0991),
       UINT64_C(0x1956bcd8118214ec)}},
     {{UINT64_C(0x6e849f1ea0aa4757), UINT64_C(0xaa1c7b6d89f89141), UINT64_C(0xb6e713cdfae0ca3a),
       UINT64_C(0x26694fbb4e82ebc3)}}},
    {{{UINT64_C(0xe4bbdd0c2936b629), UINT64_C(0xbb30f162e133bacb), UINT64_C(0x31a9d1b6f9645366),
       UINT64_C(0x253570bea500f8dd)}},
     {{UINT64_C(0xa1d77ce45ffe77c7), UINT64_C(0x07affd117826d1db), UINT64_C(0x6d16bd27bb7edc6b),
       UINT64_C(0x2c87200285defecc)}}},
    {{{UINT64_C(0x7361d77f843abe92), UINT64_C(0xa5bb2bd3273411fb), UINT64_C(0x9c941f314b3e2399),
       UINT64_C(0x15df9cddbb9fd3ec)}},
     {{UINT64_C(0x5dddfd154bd8c949), UINT64_C(0x62cb29a5a4445b60), UINT64_C(0x37bc870a0c7dd2b9),
       UINT64_C(0x24830a9d3171f0fd)}}},
    {{{UINT64_C(0xc970692f41690fe7), UINT64_C(0xe240342127694b0b), UINT64_C(0x32bee66b83c459e8),
       UINT64_C(0x12aabced0ab08841)}},
     {{UINT64_C(0x0d485d2340aebfa9), UINT64_C(0x05193418ab2fcc57), UINT64_C(0xd3b0a40b8a4910f5),
       UINT64_C(0x2f21ebb535d2925a)}}},
};
const struct fp FROBENIUS_2[6] = {
    {{UINT64_C(0xd35d438dc58f0d9d), UINT64_C(0x0a78eb28f5c70b3d), UINT64_C(0x666ea36f7879462c),
      UINT64_C(0x0e0a77c19a07df2f)}},
    {{UINT64_C(0xca8d800500fa1bf2), UINT64_C(0xf0c5d61468b39769), UINT64_C(0x0e201271ad0d4418),
      UINT64_C(0x04290f65bad856e6)}},
    {{UINT64_C(0x3350c88e13e80b9c), UINT64_C(0x7dce557cdb5e56b9), UINT64_C(0x6001b4b8b615564a),
      UINT64_C(0x2682e617020217e0)}},
    {{UINT64_C(0x68c3488912edefaa), UINT64_C(0x8d087f6872aabf4f), UINT64_C(0x51e1a24709081231),
      UINT64_C(0x2259d6b14729c0fa)}},
    {{UINT64_C(0x71930c11d782e155), UINT64_C(0xa6bb947cffbe3323), UINT64_C(0xaa303344d4741444),
      UINT64_C(0x2c3b3f0d26594943)}},
    {{UINT64_C(0x08cfc388c494f1ab), UINT64_C(0x19b315148d1373d4), UINT64_C(0x584e90fdcb6c0213),
      UINT64_C(0x09e1685bdf2f8849)}},
};

void fp2_mul(struct fp2 *r, const struct fp2 *a, const struct fp2 *b)
{
    struct fp t0, t1, sa, sb;
    fp_add(&sa, &a->c0, &a->c1);
    fp_add(&sb, &b->c0, &b->c1);
    fp_mul(&t0, &a->c0, &b->c0);
    fp_mul(&t1, &a->c1, &b->c1);
    fp_mul(&sa, &sa, &sb);
    fp_sub(&sa, &sa, &t0);
    fp_sub(&r->c1, &sa, &t1);
    fp_sub(&r->c0, &t0, &t1);
}

/* (a0 + a1)(a0 - a1) + 2 a0 a1 i */
void fp2_sqr(struct fp2 *r, const struct fp2 *a)
{
    struct fp s, d, m;
    fp_add(&s, &a->c0, &a->c1);
    fp_sub(&d, &a->c0, &a->c1);
    fp_mul(&m, &a->c0, &a->c1);
    fp_mul(&r->c0, &s, &d);
    fp_dbl(&r->c1, &m);
}

void fp2_mul_fp(struct fp2 *r, const struct fp2 *a, const struct fp *s)
{
    fp_mul(&r->c0, &a->c0, s);
    fp_mul(&r->c1, &a->c1, s);
}

static void fp_half(struct fp *r, const struct fp *a)
{
    static const uint64_t m[4] = BN254_P_LIMBS;
    uint64_t odd = 0 - (a->l[0] & 1);
    uint64_t t[4];
    u128 c = 0;
    for (int i = 0; i < 4; i++) {
        c += (u128)a->l[i] + (m[i] & odd);
        t[i] = (uint64_t)c;
        c >>= 64;
    }
    for (int i = 0; i < 3; i++)
        r->l[i] = t[i] >> 1 | t[i + 1] << 63;
    r->l[3] = t[3] >> 1;
}

void fp2_half(struct fp2 *r, const struct fp2 *a)
{
    fp_half(&r->c0, &a->c0);
    fp_half(&r->c1, &a->c1);
}

void fp2_inv(struct fp2 *r, const struct fp2 *a)
{
    struct fp n, t;
    fp_sqr(&n, &a->c0);
    fp_sqr(&t, &a->c1);
    fp_add(&n, &n, &t);
    fp_inv(&n, &n);
    fp_mul(&r->c0, &a->c0, &n);
    fp_mul(&t, &a->c1, &n);
    fp_neg(&r->c1, &t);
}

/* a * xi = (9 a0 - a1) + (9 a1 + a0) i */
static inline void fp2_mul_xi(struct fp2 *r, const struct fp2 *a)
{
    struct fp2 t;
    fp2_dbl(&t, a);
    fp2_dbl(&t, &t);
    fp2_dbl(&t, &t);
    fp2_add(&t, &t, a);
    struct fp2 s = *a;
    fp_sub(&r->c0, &t.c0, &s.c1);
    fp_add(&r->c1, &t.c1, &s.c0);
}

static inline void fp6_add(struct fp6 *r, const struct fp6 *a, const struct fp6 *b)
{
    fp2_add(&r->c0, &a->c0, &b->c0);
    fp2_add(&r->c1, &a->c1, &b->c1);
    fp2_add(&r->c2, &a->c2, &b->c2);
}

static inline void fp6_sub(struct fp6 *r, const struct fp6 *a, const struct fp6 *b)
{
    fp2_sub(&r->c0, &a->c0, &b->c0);
    fp2_sub(&r->c1, &a->c1, &b->c1);
    fp2_sub(&r->c2, &a->c2, &b->c2);
}

static inline void fp6_neg(struct fp6 *r, const struct fp6 *a)
{
    fp2_neg(&r->c0, &a->c0);
    fp2_neg(&r->c1, &a->c1);
    fp2_neg(&r->c2, &a->c2);
}

static inline void fp6_mul_v(struct fp6 *r, const struct fp6 *a)
{
    struct fp2 t;
    fp2_mul_xi(&t, &a->c2);
    r->c2 = a->c1;
    r->c1 = a->c0;
    r->c0 = t;
}

/* r = (a + b)(c + d) - s - t, the cross term of Karatsuba. */
static void cross(struct fp2 *r, const struct fp2 *const f[4], const struct fp2 *s,
                  const struct fp2 *t)
{
    struct fp2 x, y;
    fp2_add(&x, f[0], f[1]);
    fp2_add(&y, f[2], f[3]);
    fp2_mul(&x, &x, &y);
    fp2_sub(&x, &x, s);
    fp2_sub(r, &x, t);
}

static void fp6_mul(struct fp6 *r, const struct fp6 *a, const struct fp6 *b)
{
    struct fp2 v0, v1, v2, t0, t1, t2;
    fp2_mul(&v0, &a->c0, &b->c0);
    fp2_mul(&v1, &a->c1, &b->c1);
    fp2_mul(&v2, &a->c2, &b->c2);
    cross(&t0, (const struct fp2 *const[4]){&a->c1, &a->c2, &b->c1, &b->c2}, &v1, &v2);
    cross(&t1, (const struct fp2 *const[4]){&a->c0, &a->c1, &b->c0, &b->c1}, &v0, &v1);
    cross(&t2, (const struct fp2 *const[4]){&a->c0, &a->c2, &b->c0, &b->c2}, &v0, &v2);
    fp2_mul_xi(&t0, &t0);
    fp2_add(&r->c0, &t0, &v0);
    fp2_mul_xi(&t0, &v2);
    fp2_add(&r->c1, &t1, &t0);
    fp2_add(&r->c2, &t2, &v1);
}

/* r = a * (b0 + b1 v) */
static void fp6_mul_01(struct fp6 *r, const struct fp6 *a, const struct fp2 *b0,
                       const struct fp2 *b1)
{
    struct fp2 v0, v1, t0, t1, t2, s;
    fp2_mul(&v0, &a->c0, b0);
    fp2_mul(&v1, &a->c1, b1);
    fp2_add(&s, &a->c1, &a->c2);
    fp2_mul(&t0, &s, b1);
    fp2_sub(&t0, &t0, &v1);
    cross(&t1, (const struct fp2 *const[4]){&a->c0, &a->c1, b0, b1}, &v0, &v1);
    fp2_add(&s, &a->c0, &a->c2);
    fp2_mul(&t2, &s, b0);
    fp2_sub(&t2, &t2, &v0);
    fp2_mul_xi(&t0, &t0);
    fp2_add(&r->c0, &t0, &v0);
    r->c1 = t1;
    fp2_add(&r->c2, &t2, &v1);
}

static void fp6_inv(struct fp6 *r, const struct fp6 *a)
{
    struct fp2 c0, c1, c2, t, d;
    fp2_sqr(&c0, &a->c0);
    fp2_mul(&t, &a->c1, &a->c2);
    fp2_mul_xi(&t, &t);
    fp2_sub(&c0, &c0, &t);
    fp2_sqr(&c1, &a->c2);
    fp2_mul_xi(&c1, &c1);
    fp2_mul(&t, &a->c0, &a->c1);
    fp2_sub(&c1, &c1, &t);
    fp2_sqr(&c2, &a->c1);
    fp2_mul(&t, &a->c0, &a->c2);
    fp2_sub(&c2, &c2, &t);
    fp2_mul(&d, &a->c2, &c1);
    fp2_mul(&t, &a->c1, &c2);
    fp2_add(&d, &d, &t);
    fp2_mul_xi(&d, &d);
    fp2_mul(&t, &a->c0, &c0);
    fp2_add(&d, &d, &t);
    fp2_inv(&d, &d);
    fp2_mul(&r->c0, &c0, &d);
    fp2_mul(&r->c1, &c1, &d);
    fp2_mul(&r->c2, &c2, &d);
}

void fp12_one(struct fp12 *r)
{
    *r = (struct fp12){0};
    r->c0.c0 = FP2_ONE;
}

bool fp12_equal(const struct fp12 *a, const struct fp12 *b)
{
    return fp2_equal(&a->c0.c0, &b->c0.c0) && fp2_equal(&a->c0.c1, &b->c0.c1) &&
           fp2_equal(&a->c0.c2, &b->c0.c2) && fp2_equal(&a->c1.c0, &b->c1.c0) &&
           fp2_equal(&a->c1.c1, &b->c1.c1) && fp2_equal(&a->c1.c2, &b->c1.c2);
}

bool fp12_is_one(const struct fp12 *a)
{
    struct fp12 one;
    fp12_one(&one);
    return fp12_equal(a, &one);
}

void fp12_mul(struct fp12 *r, const struct fp12 *a, const struct fp12 *b)
{
    struct fp6 v0, v1, s, t;
    fp6_mul(&v0, &a->c0, &b->c0);
    fp6_mul(&v1, &a->c1, &b->c1);
    fp6_add(&s, &a->c0, &a->c1);
    fp6_add(&t, &b->c0, &b->c1);
    fp6_mul(&s, &s, &t);
    fp6_sub(&s, &s, &v0);
    fp6_sub(&r->c1, &s, &v1);
    fp6_mul_v(&v1, &v1);
    fp6_add(&r->c0, &v0, &v1);
}

/* Complex squaring: (c0 + c1)(c0 + v c1) - c0 c1 - v c0 c1, and 2 c0 c1. */
void fp12_sqr(struct fp12 *r, const struct fp12 *a)
{
    struct fp6 m, s, t;
    fp6_mul(&m, &a->c0, &a->c1);
    fp6_add(&s, &a->c0, &a->c1);
    fp6_mul_v(&t, &a->c1);
    fp6_add(&t, &t, &a->c0);
    fp6_mul(&s, &s, &t);
    fp6_sub(&s, &s, &m);
    fp6_mul_v(&t, &m);
    fp6_sub(&r->c0, &s, &t);
    fp6_add(&r->c1, &m, &m);
}

void fp12_mul_line(struct fp12 *r, const struct fp12 *a, const struct fp2 *c0, const struct fp2 *c3,
                   const struct fp2 *c4)
{
    struct fp6 v0, v1, s;
    struct fp2 t;
    fp2_mul(&v0.c0, &a->c0.c0, c0);
    fp2_mul(&v0.c1, &a->c0.c1, c0);
    fp2_mul(&v0.c2, &a->c0.c2, c0);
    fp6_mul_01(&v1, &a->c1, c3, c4);
    fp6_add(&s, &a->c0, &a->c1);
    fp2_add(&t, c0, c3);
    fp6_mul_01(&s, &s, &t, c4);
    fp6_sub(&s, &s, &v0);
    fp6_sub(&r->c1, &s, &v1);
    fp6_mul_v(&v1, &v1);
    fp6_add(&r->c0, &v0, &v1);
}

void fp12_conj(struct fp12 *r, const struct fp12 *a)
{
    r->c0 = a->c0;
    fp6_neg(&r->c1, &a->c1);
}

void fp12_inv(struct fp12 *r, const struct fp12 *a)
{
    struct fp6 n, t;
    fp6_mul(&n, &a->c0, &a->c0);
    fp6_mul(&t, &a->c1, &a->c1);
    fp6_mul_v(&t, &t);
    fp6_sub(&n, &n, &t);
    fp6_inv(&n, &n);
    fp6_mul(&r->c0, &a->c0, &n);
    fp6_mul(&t, &a->c1, &n);
    fp6_neg(&r->c1, &t);
}

static void frobenius_1_coefficient(struct fp2 *r, const struct fp2 *a, int k)
{
    struct fp2 t;
    fp2_conj(&t, a);
    fp2_mul(r, &t, &FROBENIUS_1[k]);
}

/* The coefficient of w^k is c0.c(k/2) for even k, c1.c(k/2) for odd k. */
void fp12_frobenius_1(struct fp12 *r, const struct fp12 *a)
{
    fp2_conj(&r->c0.c0, &a->c0.c0);
    frobenius_1_coefficient(&r->c1.c0, &a->c1.c0, 1);
    frobenius_1_coefficient(&r->c0.c1, &a->c0.c1, 2);
    frobenius_1_coefficient(&r->c1.c1, &a->c1.c1, 3);
    frobenius_1_coefficient(&r->c0.c2, &a->c0.c2, 4);
    frobenius_1_coefficient(&r->c1.c2, &a->c1.c2, 5);
}

void fp12_frobenius_2(struct fp12 *r, const struct fp12 *a)
{
    r->c0.c0 = a->c0.c0;
    fp2_mul_fp(&r->c1.c0, &a->c1.c0, &FROBENIUS_2[1]);
    fp2_mul_fp(&r->c0.c1, &a->c0.c1, &FROBENIUS_2[2]);
    fp2_mul_fp(&r->c1.c1, &a->c1.c1, &FROBENIUS_2[3]);
    fp2_mul_fp(&r->c0.c2, &a->c0.c2, &FROBENIUS_2[4]);
    fp2_mul_fp(&r->c1.c2, &a->c1.c2, &FROBENIUS_2[5]);
}

/* (x + y s)^2 in Fp4 = Fp2[s]/(s^2 - xi): *r0 = x^2 + xi y^2, *r1 = 2 x y. */
static void fp4_sqr(struct fp2 *r0, struct fp2 *r1, const struct fp2 *x, const struct fp2 *y)
{
    struct fp2 m, s, t;
    fp2_mul(&m, x, y);
    fp2_mul_xi(&t, y);
    fp2_add(&t, &t, x);
    fp2_add(&s, x, y);
    fp2_mul(&s, &s, &t);
    fp2_sub(&s, &s, &m);
    fp2_mul_xi(&t, &m);
    fp2_sub(r0, &s, &t);
    fp2_dbl(r1, &m);
}

/* r = 3 t - 2 z */
static void three_minus_two(struct fp2 *r, const struct fp2 *t, const struct fp2 *z)
{
    struct fp2 d;
    fp2_sub(&d, t, z);
    fp2_dbl(&d, &d);
    fp2_add(r, &d, t);
}

/* r = 3 t + 2 z */
static void three_plus_two(struct fp2 *r, const struct fp2 *t, const struct fp2 *z)
{
    struct fp2 d;
    fp2_add(&d, t, z);
    fp2_dbl(&d, &d);
    fp2_add(r, &d, t);
}

void fp12_cyclotomic_sqr(struct fp12 *r, const struct fp12 *a)
{
    struct fp2 t0, t1, t2, t3, t4, t5;
    fp4_sqr(&t0, &t1, &a->c0.c0, &a->c1.c1);
    fp4_sqr(&t2, &t3, &a->c1.c0, &a->c0.c2);
    fp4_sqr(&t4, &t5, &a->c0.c1, &a->c1.c2);
    fp2_mul_xi(&t5, &t5);
    three_minus_two(&r->c0.c0, &t0, &a->c0.c0);
    three_minus_two(&r->c0.c1, &t2, &a->c0.c1);
    three_minus_two(&r->c0.c2, &t4, &a->c0.c2);
    three_plus_two(&r->c1.c0, &t5, &a->c1.c0);
    three_plus_two(&r->c1.c1, &t1, &a->c1.c1);
    three_plus_two(&r->c1.c2, &t3, &a->c1.c2);
}
