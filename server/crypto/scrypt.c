/* SPDX-License-Identifier: Apache-2.0 */
/* Section numbers are those of RFC 7914. The Salsa20 state is kept as its four diagonals, so that
 * one round is four vector operations and the quarter rounds need only rotations of lanes. */
#include "server/crypto/scrypt.h"

#include <string.h>

#include "server/crypto/sha256.h"

#define HMAC_BLOCK_BYTES 64
#define B_BYTES          (SCRYPT_BLOCK_WORDS * 4)

typedef uint32_t lanes __attribute__((vector_size(16)));

struct hmac_key {
    struct sha256 inner;
    struct sha256 outer;
};

/* Position in the diagonal layout of word i of a Salsa20 block: diagonal d, lane l holds word 5l +
 * 4d mod 16. */
static const uint8_t DIAGONAL[16] = {0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11};

static uint32_t read_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void write_le32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

static void hmac_key_set(struct hmac_key *k, const uint8_t *key, size_t key_bytes)
{
    uint8_t pad[HMAC_BLOCK_BYTES] = {0};
    sha256_of(key, key_bytes, pad); /* the 80-byte password is always longer than a block */
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36;
    sha256_start(&k->inner);
    sha256_add(&k->inner, pad, sizeof pad);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    sha256_start(&k->outer);
    sha256_add(&k->outer, pad, sizeof pad);
}

/* One block of PBKDF2-HMAC-SHA256 with a single iteration (section 6): HMAC(password, salt ||
 * index). */
static void pbkdf2_block(const struct hmac_key *k, const struct sha256 *salted, uint8_t index,
                         uint8_t out[SHA256_BYTES])
{
    const uint8_t be[4] = {0, 0, 0, index};
    struct sha256 h = *salted;
    sha256_add(&h, be, sizeof be);
    sha256_end(&h, out);
    h = k->outer;
    sha256_add(&h, out, SHA256_BYTES);
    sha256_end(&h, out);
}

static inline lanes rotl(lanes v, int n)
{
    return v << n | v >> (32 - n);
}

/* Salsa20/8 (section 3) of x ^ y, added to x ^ y; the result replaces x. */
static inline void salsa20_8_xor(lanes x[4], const lanes y[4])
{
    lanes a = x[0] ^= y[0];
    lanes b = x[1] ^= y[1];
    lanes c = x[2] ^= y[2];
    lanes d = x[3] ^= y[3];
    for (int i = 0; i < 8; i++) {
        b ^= rotl(a + d, 7);
        c ^= rotl(b + a, 9);
        d ^= rotl(c + b, 13);
        a ^= rotl(d + c, 18);
        /* Turn columns into rows and back: the lanes move and the diagonals b and d change places.
         */
        lanes t = __builtin_shufflevector(b, b, 3, 0, 1, 2);
        c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
        b = __builtin_shufflevector(d, d, 1, 2, 3, 0);
        d = t;
    }
    x[0] += a;
    x[1] += b;
    x[2] += c;
    x[3] += d;
}

/* scryptBlockMix for r = 1 (section 4). */
static inline void block_mix(lanes x[8])
{
    salsa20_8_xor(x, x + 4);
    salsa20_8_xor(x + 4, x);
}

/* scryptROMix (section 5). */
static void ro_mix(lanes x[8], struct scrypt_scratch *scratch)
{
    for (size_t i = 0; i < SCRYPT_N; i++) {
        memcpy(scratch->table[i], x, B_BYTES);
        block_mix(x);
    }
    for (size_t i = 0; i < SCRYPT_N; i++) {
        const uint32_t *row = scratch->table[x[4][0] & (SCRYPT_N - 1)];
        for (size_t j = 0; j < 8; j++) {
            lanes v;
            memcpy(&v, row + 4 * j, sizeof v);
            x[j] ^= v;
        }
        block_mix(x);
    }
}

void scrypt_1024_1_1(const uint8_t input[SCRYPT_INPUT_BYTES], struct scrypt_scratch *scratch,
                     uint8_t hash[SCRYPT_HASH_BYTES])
{
    struct hmac_key key;
    struct sha256 salted;
    uint8_t b[B_BYTES];
    lanes x[8];
    hmac_key_set(&key, input, SCRYPT_INPUT_BYTES);
    salted = key.inner;
    sha256_add(&salted, input, SCRYPT_INPUT_BYTES);
    for (size_t i = 0; i < B_BYTES / SHA256_BYTES; i++)
        pbkdf2_block(&key, &salted, (uint8_t)(i + 1), b + i * SHA256_BYTES);
    for (size_t i = 0; i < SCRYPT_BLOCK_WORDS; i++)
        x[i / 4][i % 4] = read_le32(b + 4 * (i / 16 * 16 + DIAGONAL[i % 16]));
    ro_mix(x, scratch);
    for (size_t i = 0; i < SCRYPT_BLOCK_WORDS; i++)
        write_le32(b + 4 * (i / 16 * 16 + DIAGONAL[i % 16]), x[i / 4][i % 4]);
    salted = key.inner;
    sha256_add(&salted, b, sizeof b);
    pbkdf2_block(&key, &salted, 1, hash);
}
