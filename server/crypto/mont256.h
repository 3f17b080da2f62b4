/* SPDX-License-Identifier: Apache-2.0 */
/* Montgomery arithmetic modulo a prime below 2^254, four limbs, R = 2^256. Values are fully
 * reduced. Not constant time: verification handles public data only. */
#ifndef CF_CRYPTO_MONT256_H
#define CF_CRYPTO_MONT256_H

#include "server/crypto/u256.h"

#define MONT_INLINE static inline __attribute__((always_inline))

/* One step of the interleaved product: t += a * b_i, then t = (t + m * modulus) / 2^64. The top
 * limb of the modulus is below 2^63 - 1, so the two carries never overflow together (the "no-carry"
 * form of CIOS). */
MONT_INLINE void mont_row(uint64_t t[4], const uint64_t a[4], uint64_t bi, const uint64_t m[4],
                          uint64_t inv)
{
    u128 x = (u128)a[0] * bi + t[0];
    uint64_t k = (uint64_t)x * inv;
    u128 y = (u128)k * m[0] + (uint64_t)x;
    x = (u128)a[1] * bi + t[1] + (uint64_t)(x >> 64);
    y = (u128)k * m[1] + (uint64_t)x + (uint64_t)(y >> 64);
    t[0] = (uint64_t)y;
    x = (u128)a[2] * bi + t[2] + (uint64_t)(x >> 64);
    y = (u128)k * m[2] + (uint64_t)x + (uint64_t)(y >> 64);
    t[1] = (uint64_t)y;
    x = (u128)a[3] * bi + t[3] + (uint64_t)(x >> 64);
    y = (u128)k * m[3] + (uint64_t)x + (uint64_t)(y >> 64);
    t[2] = (uint64_t)y;
    t[3] = (uint64_t)(x >> 64) + (uint64_t)(y >> 64);
}

/* r = t when t < m, t - m otherwise; t < 2m. */
MONT_INLINE void mont_reduce_once(uint64_t r[4], const uint64_t t[4], const uint64_t m[4])
{
    uint64_t s[4];
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        u128 d = (u128)t[i] - m[i] - borrow;
        s[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    uint64_t keep = 0 - borrow;
    for (int i = 0; i < 4; i++)
        r[i] = (t[i] & keep) | (s[i] & ~keep);
}

/* r = a * b / R mod m. */
MONT_INLINE void mont_mul(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                          const uint64_t m[4], uint64_t inv)
{
    uint64_t t[4] = {0, 0, 0, 0};
    mont_row(t, a, b[0], m, inv);
    mont_row(t, a, b[1], m, inv);
    mont_row(t, a, b[2], m, inv);
    mont_row(t, a, b[3], m, inv);
    mont_reduce_once(r, t, m);
}

MONT_INLINE void mont_add(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                          const uint64_t m[4])
{
    uint64_t t[4];
    u128 c = 0;
    for (int i = 0; i < 4; i++) {
        c += (u128)a[i] + b[i];
        t[i] = (uint64_t)c;
        c >>= 64;
    }
    mont_reduce_once(r, t, m);
}

MONT_INLINE void mont_sub(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                          const uint64_t m[4])
{
    uint64_t borrow = 0;
    uint64_t t[4];
    for (int i = 0; i < 4; i++) {
        u128 d = (u128)a[i] - b[i] - borrow;
        t[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    uint64_t mask = 0 - borrow;
    u128 c = 0;
    for (int i = 0; i < 4; i++) {
        c += (u128)t[i] + (m[i] & mask);
        r[i] = (uint64_t)c;
        c >>= 64;
    }
}

#endif
