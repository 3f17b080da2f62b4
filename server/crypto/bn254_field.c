/* SPDX-License-Identifier: Apache-2.0 */
#include "server/crypto/bn254_field.h"

/* R mod p, R^2 mod p, and the same modulo r. */
const struct fp FP_ONE = {{UINT64_C(0xd35d438dc58f0d9d), UINT64_C(0x0a78eb28f5c70b3d),
                           UINT64_C(0x666ea36f7879462c), UINT64_C(0x0e0a77c19a07df2f)}};
static const struct fp FP_RR = {{UINT64_C(0xf32cfc5b538afa89), UINT64_C(0xb5e71911d44501fb),
                                 UINT64_C(0x47ab1eff0a417ff6), UINT64_C(0x06d89f71cab8351f)}};
const struct fr FR_ONE = {{UINT64_C(0xac96341c4ffffffb), UINT64_C(0x36fc76959f60cd29),
                           UINT64_C(0x666ea36f7879462e), UINT64_C(0x0e0a77c19a07df2f)}};
static const struct fr FR_RR = {{UINT64_C(0x1bb8e645ae216da7), UINT64_C(0x53fe3ab1e35c59e3),
                                 UINT64_C(0x8c49833d53bb8085), UINT64_C(0x0216d0b17f4e44a5)}};

static const struct u256 P = {BN254_P_LIMBS};
static const struct u256 R = {BN254_R_LIMBS};

bool fp_from_u256(struct fp *r, const struct u256 *v)
{
    if (u256_cmp(v, &P) >= 0)
        return false;
    struct fp t = {{v->w[0], v->w[1], v->w[2], v->w[3]}};
    fp_mul(r, &t, &FP_RR);
    return true;
}

void fp_to_u256(struct u256 *v, const struct fp *a)
{
    static const struct fp one = {{1, 0, 0, 0}};
    struct fp t;
    fp_mul(&t, a, &one);
    *v = (struct u256){{t.l[0], t.l[1], t.l[2], t.l[3]}};
}

/* Fermat: a^(m-2). */
void fp_inv(struct fp *r, const struct fp *a)
{
    static const struct u256 two = {{2, 0, 0, 0}};
    struct u256 e;
    struct fp x = FP_ONE;
    u256_sub(&e, &P, &two);
    for (unsigned i = u256_bit_count(&e); i-- > 0;) {
        fp_sqr(&x, &x);
        if (u256_bit(&e, i))
            fp_mul(&x, &x, a);
    }
    *r = x;
}

bool fr_from_u256(struct fr *r, const struct u256 *v)
{
    if (u256_cmp(v, &R) >= 0)
        return false;
    struct fr t = {{v->w[0], v->w[1], v->w[2], v->w[3]}};
    fr_mul(r, &t, &FR_RR);
    return true;
}

void fr_to_u256(struct u256 *v, const struct fr *a)
{
    static const struct fr one = {{1, 0, 0, 0}};
    struct fr t;
    fr_mul(&t, a, &one);
    *v = (struct u256){{t.l[0], t.l[1], t.l[2], t.l[3]}};
}

void fr_reduce_u256(struct fr *r, const struct u256 *v)
{
    struct u256 t = *v;
    while (u256_cmp(&t, &R) >= 0) /* at most five times: 2^256 < 6r */
        u256_sub(&t, &t, &R);
    struct fr s = {{t.w[0], t.w[1], t.w[2], t.w[3]}};
    fr_mul(r, &s, &FR_RR);
}

void fr_from_u64(struct fr *r, uint64_t v)
{
    struct fr t = {{v, 0, 0, 0}};
    fr_mul(r, &t, &FR_RR);
}

void fr_inv(struct fr *r, const struct fr *a)
{
    static const struct u256 two = {{2, 0, 0, 0}};
    struct u256 e;
    struct fr x = FR_ONE;
    u256_sub(&e, &R, &two);
    for (unsigned i = u256_bit_count(&e); i-- > 0;) {
        fr_mul(&x, &x, &x);
        if (u256_bit(&e, i))
            fr_mul(&x, &x, a);
    }
    *r = x;
}
