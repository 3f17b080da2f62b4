/* SPDX-License-Identifier: Apache-2.0 */
/* The two prime fields of BN254 (EIP-196): Fp for coordinates, Fr for scalars. Elements are kept in
 * Montgomery form; outputs may alias inputs. */
#ifndef CF_CRYPTO_BN254_FIELD_H
#define CF_CRYPTO_BN254_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "server/crypto/mont256.h"

#define BN254_P_LIMBS                                                                              \
    {                                                                                              \
        UINT64_C(0x3c208c16d87cfd47), UINT64_C(0x97816a916871ca8d), UINT64_C(0xb85045b68181585d),  \
            UINT64_C(0x30644e72e131a029)                                                           \
    }
#define BN254_P_INV UINT64_C(0x87d20782e4866389) /* -1/p mod 2^64 */
#define BN254_R_LIMBS                                                                              \
    {                                                                                              \
        UINT64_C(0x43e1f593f0000001), UINT64_C(0x2833e84879b97091), UINT64_C(0xb85045b68181585d),  \
            UINT64_C(0x30644e72e131a029)                                                           \
    }
#define BN254_R_INV UINT64_C(0xc2e1f593efffffff) /* -1/r mod 2^64 */

struct fp {
    uint64_t l[4];
};

struct fr {
    uint64_t l[4];
};

extern const struct fp FP_ONE;
extern const struct fr FR_ONE;

MONT_INLINE void fp_mul(struct fp *r, const struct fp *a, const struct fp *b)
{
    static const uint64_t m[4] = BN254_P_LIMBS;
    mont_mul(r->l, a->l, b->l, m, BN254_P_INV);
}

MONT_INLINE void fp_sqr(struct fp *r, const struct fp *a)
{
    fp_mul(r, a, a);
}

MONT_INLINE void fp_add(struct fp *r, const struct fp *a, const struct fp *b)
{
    static const uint64_t m[4] = BN254_P_LIMBS;
    mont_add(r->l, a->l, b->l, m);
}

MONT_INLINE void fp_dbl(struct fp *r, const struct fp *a)
{
    fp_add(r, a, a);
}

MONT_INLINE void fp_sub(struct fp *r, const struct fp *a, const struct fp *b)
{
    static const uint64_t m[4] = BN254_P_LIMBS;
    mont_sub(r->l, a->l, b->l, m);
}

MONT_INLINE void fp_neg(struct fp *r, const struct fp *a)
{
    static const struct fp zero = {{0, 0, 0, 0}};
    fp_sub(r, &zero, a);
}

MONT_INLINE bool fp_is_zero(const struct fp *a)
{
    return (a->l[0] | a->l[1] | a->l[2] | a->l[3]) == 0;
}

MONT_INLINE bool fp_equal(const struct fp *a, const struct fp *b)
{
    return ((a->l[0] ^ b->l[0]) | (a->l[1] ^ b->l[1]) | (a->l[2] ^ b->l[2]) |
            (a->l[3] ^ b->l[3])) == 0;
}

/* Canonical integers; false, and *r untouched, when v >= p. */
bool fp_from_u256(struct fp *r, const struct u256 *v);
void fp_to_u256(struct u256 *v, const struct fp *a);
/* 1/a; 0 for 0. */
void fp_inv(struct fp *r, const struct fp *a);

MONT_INLINE void fr_mul(struct fr *r, const struct fr *a, const struct fr *b)
{
    static const uint64_t m[4] = BN254_R_LIMBS;
    mont_mul(r->l, a->l, b->l, m, BN254_R_INV);
}

MONT_INLINE void fr_add(struct fr *r, const struct fr *a, const struct fr *b)
{
    static const uint64_t m[4] = BN254_R_LIMBS;
    mont_add(r->l, a->l, b->l, m);
}

MONT_INLINE void fr_sub(struct fr *r, const struct fr *a, const struct fr *b)
{
    static const uint64_t m[4] = BN254_R_LIMBS;
    mont_sub(r->l, a->l, b->l, m);
}

MONT_INLINE bool fr_is_zero(const struct fr *a)
{
    return (a->l[0] | a->l[1] | a->l[2] | a->l[3]) == 0;
}

/* Canonical integers; false, and *r untouched, when v >= r. */
bool fr_from_u256(struct fr *r, const struct u256 *v);
void fr_to_u256(struct u256 *v, const struct fr *a);
/* Any 256-bit integer, reduced modulo r (hash to scalar, EIP-196 multiplication). */
void fr_reduce_u256(struct fr *r, const struct u256 *v);
void fr_from_u64(struct fr *r, uint64_t v);
/* 1/a; 0 for 0. */
void fr_inv(struct fr *r, const struct fr *a);

#endif
