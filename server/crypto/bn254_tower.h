/* SPDX-License-Identifier: Apache-2.0 */
/* The extension tower of BN254: Fp2 = Fp[i]/(i^2+1), Fp6 = Fp2[v]/(v^3-xi) with xi = 9+i, Fp12 =
 * Fp6[w]/(w^2-v). Outputs may alias inputs. */
#ifndef CF_CRYPTO_BN254_TOWER_H
#define CF_CRYPTO_BN254_TOWER_H

#include "server/crypto/bn254_field.h"

struct fp2 {
    struct fp c0, c1;
};

struct fp6 {
    struct fp2 c0, c1, c2;
};

struct fp12 {
    struct fp6 c0, c1;
};

extern const struct fp2 FP2_ZERO, FP2_ONE;
/* xi^(k(p-1)/6) for k = 0..5: what Frobenius multiplies the coefficient of w^k by. */
extern const struct fp2 FROBENIUS_1[6];
/* xi^(k(p^2-1)/6), all of them in Fp. */
extern const struct fp FROBENIUS_2[6];

MONT_INLINE void fp2_add(struct fp2 *r, const struct fp2 *a, const struct fp2 *b)
{
    fp_add(&r->c0, &a->c0, &b->c0);
    fp_add(&r->c1, &a->c1, &b->c1);
}

MONT_INLINE void fp2_dbl(struct fp2 *r, const struct fp2 *a)
{
    fp2_add(r, a, a);
}

MONT_INLINE void fp2_sub(struct fp2 *r, const struct fp2 *a, const struct fp2 *b)
{
    fp_sub(&r->c0, &a->c0, &b->c0);
    fp_sub(&r->c1, &a->c1, &b->c1);
}

MONT_INLINE void fp2_neg(struct fp2 *r, const struct fp2 *a)
{
    fp_neg(&r->c0, &a->c0);
    fp_neg(&r->c1, &a->c1);
}

MONT_INLINE void fp2_conj(struct fp2 *r, const struct fp2 *a)
{
    r->c0 = a->c0;
    fp_neg(&r->c1, &a->c1);
}

MONT_INLINE bool fp2_is_zero(const struct fp2 *a)
{
    return fp_is_zero(&a->c0) && fp_is_zero(&a->c1);
}

MONT_INLINE bool fp2_equal(const struct fp2 *a, const struct fp2 *b)
{
    return fp_equal(&a->c0, &b->c0) && fp_equal(&a->c1, &b->c1);
}

void fp2_mul(struct fp2 *r, const struct fp2 *a, const struct fp2 *b);
void fp2_sqr(struct fp2 *r, const struct fp2 *a);
/* r = a * s with s in Fp. */
void fp2_mul_fp(struct fp2 *r, const struct fp2 *a, const struct fp *s);
/* r = a / 2. */
void fp2_half(struct fp2 *r, const struct fp2 *a);
/* 1/a; 0 for 0. */
void fp2_inv(struct fp2 *r, const struct fp2 *a);

void fp12_one(struct fp12 *r);
bool fp12_is_one(const struct fp12 *a);
bool fp12_equal(const struct fp12 *a, const struct fp12 *b);
void fp12_mul(struct fp12 *r, const struct fp12 *a, const struct fp12 *b);
void fp12_sqr(struct fp12 *r, const struct fp12 *a);
/* r = a * (c0 + c3 w + c4 v w): the shape of a line function on the twist. */
void fp12_mul_line(struct fp12 *r, const struct fp12 *a, const struct fp2 *c0, const struct fp2 *c3,
                   const struct fp2 *c4);
/* a^(p^6); the inverse in the cyclotomic subgroup. */
void fp12_conj(struct fp12 *r, const struct fp12 *a);
void fp12_inv(struct fp12 *r, const struct fp12 *a);
/* a^p and a^(p^2). */
void fp12_frobenius_1(struct fp12 *r, const struct fp12 *a);
void fp12_frobenius_2(struct fp12 *r, const struct fp12 *a);
/* Squaring for elements of the cyclotomic subgroup only (Granger and Scott 2010). */
void fp12_cyclotomic_sqr(struct fp12 *r, const struct fp12 *a);

#endif
