/* SPDX-License-Identifier: Apache-2.0 */
/* 256-bit unsigned integers as four 64-bit limbs, least significant limb first. Plain values, no
 * secrets: nothing here is constant time. */
#ifndef CF_CRYPTO_U256_H
#define CF_CRYPTO_U256_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

/* A limb product. The type is a compiler extension, named once here. */
__extension__ typedef unsigned __int128 u128;

#define U256_BYTES 32
#define U256_LIMBS 4

struct u256 {
    uint64_t w[U256_LIMBS];
};

static inline struct u256 u256_zero(void)
{
    return (struct u256){{0, 0, 0, 0}};
}

static inline struct u256 u256_from_u64(uint64_t v)
{
    return (struct u256){{v, 0, 0, 0}};
}

static inline bool u256_is_zero(const struct u256 *a)
{
    return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

/* -1, 0 or 1 as a is less than, equal to or greater than b. */
static inline int u256_cmp(const struct u256 *a, const struct u256 *b)
{
    for (size_t i = U256_LIMBS; i-- > 0;) {
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i] ? -1 : 1;
    }
    return 0;
}

/* Reads 32 bytes, most significant first. */
static inline struct u256 u256_from_be(const uint8_t in[U256_BYTES])
{
    struct u256 r = u256_zero();
    for (size_t i = 0; i < U256_BYTES; i++)
        r.w[3 - i / 8] = r.w[3 - i / 8] << 8 | in[i];
    return r;
}

/* Reads 32 bytes, least significant first: the order in which a block hash is compared with its
 * target. */
static inline struct u256 u256_from_le(const uint8_t in[U256_BYTES])
{
    struct u256 r = u256_zero();
    for (size_t i = U256_BYTES; i-- > 0;)
        r.w[i / 8] = r.w[i / 8] << 8 | in[i];
    return r;
}

static inline void u256_to_be(const struct u256 *a, uint8_t out[U256_BYTES])
{
    for (size_t i = 0; i < U256_BYTES; i++)
        out[i] = (uint8_t)(a->w[3 - i / 8] >> (56 - 8 * (i % 8)));
}

static inline void u256_to_le(const struct u256 *a, uint8_t out[U256_BYTES])
{
    for (size_t i = 0; i < U256_BYTES; i++)
        out[i] = (uint8_t)(a->w[i / 8] >> (8 * (i % 8)));
}

/* *r = a + b mod 2^256; returns the carry. */
static inline bool u256_add(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    u128 c = 0;
    for (size_t i = 0; i < U256_LIMBS; i++) {
        c += (u128)a->w[i] + b->w[i];
        r->w[i] = (uint64_t)c;
        c >>= 64;
    }
    return c != 0;
}

/* *r = a - b mod 2^256; returns the borrow. */
static inline bool u256_sub(struct u256 *r, const struct u256 *a, const struct u256 *b)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < U256_LIMBS; i++) {
        u128 d = (u128)a->w[i] - b->w[i] - borrow;
        r->w[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return borrow != 0;
}

/* *r = a * m mod 2^256; returns the part above 2^256. */
static inline uint64_t u256_mul_u64(struct u256 *r, const struct u256 *a, uint64_t m)
{
    u128 c = 0;
    for (size_t i = 0; i < U256_LIMBS; i++) {
        c += (u128)a->w[i] * m;
        r->w[i] = (uint64_t)c;
        c >>= 64;
    }
    return (uint64_t)c;
}

/* *r = a / d, rounded down; d is not 0. Returns the remainder. */
static inline uint64_t u256_div_u64(struct u256 *r, const struct u256 *a, uint64_t d)
{
    u128 rem = 0;
    for (size_t i = U256_LIMBS; i-- > 0;) {
        rem = rem << 64 | a->w[i];
        r->w[i] = (uint64_t)(rem / d);
        rem %= d;
    }
    return (uint64_t)rem;
}

static inline bool u256_bit(const struct u256 *a, unsigned bit)
{
    return (a->w[bit / 64] >> (bit % 64) & 1) != 0;
}

/* Number of significant bits, 0 for zero. */
static inline unsigned u256_bit_count(const struct u256 *a)
{
    for (unsigned i = U256_LIMBS; i-- > 0;) {
        if (a->w[i] != 0)
            return 64 * i + 64 - (unsigned)__builtin_clzll(a->w[i]);
    }
    return 0;
}

/* *r = a << n (n < 256) mod 2^256. */
static inline void u256_shl(struct u256 *r, const struct u256 *a, unsigned n)
{
    struct u256 t = u256_zero();
    unsigned limbs = n / 64;
    unsigned bits = n % 64;
    for (unsigned i = limbs; i < U256_LIMBS; i++) {
        t.w[i] = a->w[i - limbs] << bits;
        if (bits != 0 && i > limbs)
            t.w[i] |= a->w[i - limbs - 1] >> (64 - bits);
    }
    *r = t;
}

#endif
