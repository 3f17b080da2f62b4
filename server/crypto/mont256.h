/* SPDX-License-Identifier: Apache-2.0 */
/* Montgomery arithmetic modulo a prime below 2^254, four limbs, R = 2^256. Values are fully
 * reduced. Not constant time: verification handles public data only. */
#ifndef CF_CRYPTO_MONT256_H
#define CF_CRYPTO_MONT256_H

#include "server/crypto/u256.h"

#define MONT_INLINE static inline __attribute__((always_inline))

/* r = t when t < m, t - m otherwise; t < 2m. */
MONT_INLINE void mont_reduce_portable(uint64_t r[4], const uint64_t t[4], const uint64_t m[4])
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

MONT_INLINE void mont_add_portable(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                                   const uint64_t m[4])
{
    uint64_t t[4];
    u128 c = 0;
    for (int i = 0; i < 4; i++) {
        c += (u128)a[i] + b[i];
        t[i] = (uint64_t)c;
        c >>= 64;
    }
    mont_reduce_portable(r, t, m);
}

MONT_INLINE void mont_sub_portable(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
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

#if defined(__x86_64__)

/* gcc and clang move carries through registers, which makes these chains three times slower than
 * with the flag. */
MONT_INLINE void mont_reduce(uint64_t r[4], const uint64_t t[4], const uint64_t m[4])
{
    uint64_t s[4] = {t[0], t[1], t[2], t[3]};
    __asm__("subq %[m0], %[s0]\n\tsbbq %[m1], %[s1]\n\tsbbq %[m2], %[s2]\n\tsbbq %[m3], %[s3]\n\t"
            "cmovcq %[t0], %[s0]\n\tcmovcq %[t1], %[s1]\n\tcmovcq %[t2], %[s2]\n\t"
            "cmovcq %[t3], %[s3]"
            : [s0] "+&r"(s[0]), [s1] "+&r"(s[1]), [s2] "+&r"(s[2]), [s3] "+&r"(s[3])
            : [m0] "rm"(m[0]), [m1] "rm"(m[1]), [m2] "rm"(m[2]), [m3] "rm"(m[3]), [t0] "rm"(t[0]),
              [t1] "rm"(t[1]), [t2] "rm"(t[2]), [t3] "rm"(t[3])
            : "cc");
    for (int i = 0; i < 4; i++)
        r[i] = s[i];
}

/* t += b; the carry out is lost. */
MONT_INLINE void mont_chain_add(uint64_t t[4], const uint64_t b[4])
{
    __asm__("addq %[b0], %[s0]\n\tadcq %[b1], %[s1]\n\tadcq %[b2], %[s2]\n\tadcq %[b3], %[s3]"
            : [s0] "+&r"(t[0]), [s1] "+&r"(t[1]), [s2] "+&r"(t[2]), [s3] "+&r"(t[3])
            : [b0] "rm"(b[0]), [b1] "rm"(b[1]), [b2] "rm"(b[2]), [b3] "rm"(b[3])
            : "cc");
}

/* t -= b; returns all ones on a borrow, else zero. */
MONT_INLINE uint64_t mont_chain_sub(uint64_t t[4], const uint64_t b[4])
{
    uint64_t mask;
    __asm__(
        "subq %[b0], %[s0]\n\tsbbq %[b1], %[s1]\n\tsbbq %[b2], %[s2]\n\tsbbq %[b3], %[s3]\n\t"
        "sbbq %[k], %[k]"
        : [s0] "+&r"(t[0]), [s1] "+&r"(t[1]), [s2] "+&r"(t[2]), [s3] "+&r"(t[3]), [k] "=&r"(mask)
        : [b0] "rm"(b[0]), [b1] "rm"(b[1]), [b2] "rm"(b[2]), [b3] "rm"(b[3])
        : "cc");
    return mask;
}

MONT_INLINE void mont_add(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                          const uint64_t m[4])
{
    uint64_t t[4] = {a[0], a[1], a[2], a[3]};
    mont_chain_add(t, b);
    mont_reduce(r, t, m);
}

MONT_INLINE void mont_sub(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                          const uint64_t m[4])
{
    uint64_t t[4] = {a[0], a[1], a[2], a[3]};
    uint64_t mask = mont_chain_sub(t, b);
    const uint64_t back[4] = {m[0] & mask, m[1] & mask, m[2] & mask, m[3] & mask};
    mont_chain_add(t, back);
    for (int i = 0; i < 4; i++)
        r[i] = t[i];
}

#else

#define mont_reduce mont_reduce_portable
#define mont_add    mont_add_portable
#define mont_sub    mont_sub_portable

#endif

/* One step of the interleaved product: t += a * b_i, then t = (t + k * modulus) / 2^64. The top
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

/* r = a * b / R mod m. */
MONT_INLINE void mont_mul(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                          const uint64_t m[4], uint64_t inv)
{
    uint64_t t[4] = {0, 0, 0, 0};
    mont_row(t, a, b[0], m, inv);
    mont_row(t, a, b[1], m, inv);
    mont_row(t, a, b[2], m, inv);
    mont_row(t, a, b[3], m, inv);
    mont_reduce(r, t, m);
}

#endif
