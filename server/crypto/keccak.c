/* SPDX-License-Identifier: Apache-2.0 */
/* The permutation Keccak-f[1600] (FIPS 202 section 3) in a sponge of capacity 512. */
#include "server/crypto/keccak.h"

#include <string.h>

#define ROUND_COUNT 24

static const uint64_t IOTA[ROUND_COUNT] = {
    UINT64_C(0x0000000000000001), UINT64_C(0x0000000000008082), UINT64_C(0x800000000000808a),
    UINT64_C(0x8000000080008000), UINT64_C(0x000000000000808b), UINT64_C(0x0000000080000001),
    UINT64_C(0x8000000080008081), UINT64_C(0x8000000000008009), UINT64_C(0x000000000000008a),
    UINT64_C(0x0000000000000088), UINT64_C(0x0000000080008009), UINT64_C(0x000000008000000a),
    UINT64_C(0x000000008000808b), UINT64_C(0x800000000000008b), UINT64_C(0x8000000000008089),
    UINT64_C(0x8000000000008003), UINT64_C(0x8000000000008002), UINT64_C(0x8000000000000080),
    UINT64_C(0x000000000000800a), UINT64_C(0x800000008000000a), UINT64_C(0x8000000080008081),
    UINT64_C(0x8000000000008080), UINT64_C(0x0000000080000001), UINT64_C(0x8000000080008008)};

/* Rho and pi together: the lane order of the walk that pi makes, and the rotation of each step. */
static const uint8_t PI_LANE[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                    15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
static const uint8_t RHO[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};

static inline uint64_t rotl(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

static void theta(uint64_t a[25])
{
    uint64_t c[5];
    for (size_t x = 0; x < 5; x++)
        c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (size_t x = 0; x < 5; x++) {
        uint64_t d = c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1);
        for (size_t y = 0; y < 25; y += 5)
            a[y + x] ^= d;
    }
}

static void rho_pi(uint64_t a[25])
{
    uint64_t moving = a[1];
    for (size_t i = 0; i < 24; i++) {
        uint64_t next = a[PI_LANE[i]];
        a[PI_LANE[i]] = rotl(moving, RHO[i]);
        moving = next;
    }
}

static void chi(uint64_t a[25])
{
    for (size_t y = 0; y < 25; y += 5) {
        uint64_t row[5];
        memcpy(row, a + y, sizeof row);
        for (size_t x = 0; x < 5; x++)
            a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
}

static void permute(uint64_t a[25])
{
    for (size_t round = 0; round < ROUND_COUNT; round++) {
        theta(a);
        rho_pi(a);
        chi(a);
        a[0] ^= IOTA[round];
    }
}

static void xor_byte(struct keccak256 *k, size_t at, uint8_t byte)
{
    k->lane[at / 8] ^= (uint64_t)byte << (8 * (at % 8));
}

void keccak256_start(struct keccak256 *k)
{
    memset(k, 0, sizeof *k);
}

void keccak256_add(struct keccak256 *k, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        xor_byte(k, k->filled_bytes++, p[i]);
        if (k->filled_bytes == KECCAK256_RATE_BYTES) {
            permute(k->lane);
            k->filled_bytes = 0;
        }
    }
}

void keccak256_end(struct keccak256 *k, uint8_t out[KECCAK256_BYTES])
{
    xor_byte(k, k->filled_bytes, 0x01);
    xor_byte(k, KECCAK256_RATE_BYTES - 1, 0x80);
    permute(k->lane);
    for (size_t i = 0; i < KECCAK256_BYTES; i++)
        out[i] = (uint8_t)(k->lane[i / 8] >> (8 * (i % 8)));
}

void keccak256_of(const void *data, size_t len, uint8_t out[KECCAK256_BYTES])
{
    struct keccak256 k;
    keccak256_start(&k);
    keccak256_add(&k, data, len);
    keccak256_end(&k, out);
}
