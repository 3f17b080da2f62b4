/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cu.h"

#include <nettle/sha3.h>
#include <string.h>

#include "server/crypto/keccak.h"
#include "tests/unit/crypto/vectors.h"

static void test_vectors(void)
{
    vectors_check("keccak", "vectors.json", 14);
}

/* Nettle's permutation with our padding, for every length around three blocks. */
static void nettle_keccak(const uint8_t *data, size_t len, uint8_t out[KECCAK256_BYTES])
{
    struct sha3_state s;
    uint8_t block[KECCAK256_RATE_BYTES];
    memset(&s, 0, sizeof s);
    for (bool last = false; !last;) {
        size_t n = len < sizeof block ? len : sizeof block;
        last = n < sizeof block;
        memset(block, 0, sizeof block);
        memcpy(block, data, n);
        if (last) {
            block[n] ^= 0x01;
            block[sizeof block - 1] ^= 0x80;
        }
        for (size_t i = 0; i < sizeof block; i++)
            s.a[i / 8] ^= (uint64_t)block[i] << 8 * (i % 8);
        sha3_permute(&s);
        data += n;
        len -= n;
    }
    for (size_t i = 0; i < KECCAK256_BYTES; i++)
        out[i] = (uint8_t)(s.a[i / 8] >> 8 * (i % 8));
}

static void test_equals_nettle(void)
{
    uint8_t data[3 * KECCAK256_RATE_BYTES + 2];
    uint8_t want[KECCAK256_BYTES];
    uint8_t got[KECCAK256_BYTES];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 167 + 3);
    for (size_t len = 0; len <= sizeof data; len++) {
        nettle_keccak(data, len, want);
        keccak256_of(data, len, got);
        CU_ASSERT_EQUAL(memcmp(want, got, sizeof got), 0);
    }
}

static void test_pieces_equal_the_whole(void)
{
    uint8_t data[300] = {9, 8, 7};
    uint8_t want[KECCAK256_BYTES];
    uint8_t got[KECCAK256_BYTES];
    struct keccak256 k;
    keccak256_of(data, sizeof data, want);
    keccak256_start(&k);
    for (size_t at = 0; at < sizeof data; at += 75)
        keccak256_add(&k, data + at, 75);
    keccak256_add(&k, NULL, 0);
    keccak256_end(&k, got);
    CU_ASSERT_EQUAL(memcmp(want, got, sizeof got), 0);
}

CU_MAIN("crypto/keccak", {"vectors", test_vectors}, {"equals nettle", test_equals_nettle},
        {"pieces equal the whole", test_pieces_equal_the_whole})
