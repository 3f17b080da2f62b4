/* SPDX-License-Identifier: Apache-2.0 */
/* Section numbers are those of RFC 9381. */
#include "server/crypto/ecvrf.h"

#include <sodium.h>
#include <string.h>

#define SUITE             0x03
#define CHALLENGE_BYTES   16
#define DOMAIN_HASH_POINT 0x01
#define DOMAIN_CHALLENGE  0x02
#define DOMAIN_OUTPUT     0x03
#define DOMAIN_END        0x00

static const uint8_t IDENTITY[32] = {1};

bool ecvrf_key_valid(const uint8_t key[ECVRF_KEY_BYTES])
{
    return crypto_core_ed25519_is_valid_point(key) == 1;
}

void ecvrf_key_from_seed(const uint8_t seed[ECVRF_SEED_BYTES], uint8_t key[ECVRF_KEY_BYTES])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(key, secret, seed);
    sodium_memzero(secret, sizeof secret);
}

/* True when 32 bytes are a canonical encoding (RFC 8032 5.1.3): y < 2^255 - 19, and no sign bit
 * where x is 0. libsodium decodes more leniently. */
static bool is_canonical(const uint8_t in[32])
{
    bool all_ones = (in[31] & 0x7f) == 0x7f;
    for (size_t i = 1; i < 31; i++)
        all_ones = all_ones && in[i] == 0xff;
    if (all_ones && in[0] >= 0xed)
        return false;
    if ((in[31] & 0x80) == 0)
        return true;
    bool y_is_minus_one = all_ones && in[0] == 0xec;
    bool y_is_one = in[0] == 1 && in[31] == 0x80;
    for (size_t i = 1; i < 31; i++)
        y_is_one = y_is_one && in[i] == 0;
    return !y_is_one && !y_is_minus_one;
}

/* r = 8 p; false when p is not on the curve. */
static bool times_cofactor(uint8_t r[32], const uint8_t p[32])
{
    return crypto_core_ed25519_add(r, p, p) == 0 && crypto_core_ed25519_add(r, r, r) == 0 &&
           crypto_core_ed25519_add(r, r, r) == 0;
}

bool ecvrf_hash_to_curve(const uint8_t key[ECVRF_KEY_BYTES], const uint8_t *alpha,
                         size_t alpha_bytes, uint8_t point[32], uint8_t *counter)
{
    const uint8_t head[2] = {SUITE, DOMAIN_HASH_POINT};
    for (unsigned ctr = 0; ctr < 256; ctr++) {
        const uint8_t tail[2] = {(uint8_t)ctr, DOMAIN_END};
        uint8_t hash[crypto_hash_sha512_BYTES];
        crypto_hash_sha512_state h;
        crypto_hash_sha512_init(&h);
        crypto_hash_sha512_update(&h, head, sizeof head);
        crypto_hash_sha512_update(&h, key, ECVRF_KEY_BYTES);
        if (alpha_bytes != 0)
            crypto_hash_sha512_update(&h, alpha, alpha_bytes);
        crypto_hash_sha512_update(&h, tail, sizeof tail);
        crypto_hash_sha512_final(&h, hash);
        if (is_canonical(hash) && times_cofactor(point, hash) &&
            memcmp(point, IDENTITY, sizeof IDENTITY) != 0) {
            *counter = (uint8_t)ctr;
            return true;
        }
    }
    return false;
}

/* Section 5.4.3: 16 bytes over the key, H, Gamma, U and V. */
static void challenge(const uint8_t *const points[5], uint8_t c[CHALLENGE_BYTES])
{
    const uint8_t head[2] = {SUITE, DOMAIN_CHALLENGE};
    const uint8_t end = DOMAIN_END;
    uint8_t hash[crypto_hash_sha512_BYTES];
    crypto_hash_sha512_state h;
    crypto_hash_sha512_init(&h);
    crypto_hash_sha512_update(&h, head, sizeof head);
    for (size_t i = 0; i < 5; i++)
        crypto_hash_sha512_update(&h, points[i], 32);
    crypto_hash_sha512_update(&h, &end, 1);
    crypto_hash_sha512_final(&h, hash);
    memcpy(c, hash, CHALLENGE_BYTES);
}

/* Section 5.2. */
static bool output(const uint8_t gamma[32], uint8_t hash[ECVRF_HASH_BYTES])
{
    uint8_t in[2 + 32 + 1] = {SUITE, DOMAIN_OUTPUT};
    if (!times_cofactor(in + 2, gamma))
        return false;
    in[sizeof in - 1] = DOMAIN_END;
    crypto_hash_sha512(hash, in, sizeof in);
    return true;
}

/* True for a scalar below the group order, and not 0 (libsodium multiplies by no such scalar, and
 * an honest proof never has one). */
static bool is_scalar(const uint8_t s[32])
{
    uint8_t reduced[32];
    uint8_t wide[64] = {0};
    memcpy(wide, s, 32);
    crypto_core_ed25519_scalar_reduce(reduced, wide);
    return memcmp(reduced, s, 32) == 0 && !sodium_is_zero(s, 32);
}

/* r = a - b for points, where b is a multiple of a point of prime order. */
static bool subtract_multiple(uint8_t r[32], const uint8_t a[32], const uint8_t c[32],
                              const uint8_t p[32])
{
    uint8_t t[32];
    if (sodium_is_zero(c, 32)) {
        memcpy(r, a, 32);
        return true;
    }
    return crypto_scalarmult_ed25519_noclamp(t, c, p) == 0 && crypto_core_ed25519_sub(r, a, t) == 0;
}

bool ecvrf_verify(const uint8_t key[ECVRF_KEY_BYTES], const uint8_t *alpha, size_t alpha_bytes,
                  const uint8_t proof[ECVRF_PROOF_BYTES], uint8_t hash[ECVRF_HASH_BYTES])
{
    const uint8_t *gamma = proof;
    const uint8_t *s = proof + 48;
    uint8_t c[32] = {0};
    uint8_t h[32];
    uint8_t u[32];
    uint8_t v[32];
    uint8_t t[32];
    uint8_t want[CHALLENGE_BYTES];
    uint8_t counter;
    memcpy(c, proof + 32, CHALLENGE_BYTES);
    if (!ecvrf_key_valid(key) || crypto_core_ed25519_is_valid_point(gamma) != 1 || !is_scalar(s))
        return false;
    if (!ecvrf_hash_to_curve(key, alpha, alpha_bytes, h, &counter))
        return false;
    if (crypto_scalarmult_ed25519_base_noclamp(t, s) != 0 || !subtract_multiple(u, t, c, key))
        return false;
    if (crypto_scalarmult_ed25519_noclamp(t, s, h) != 0 || !subtract_multiple(v, t, c, gamma))
        return false;
    challenge((const uint8_t *const[5]){key, h, gamma, u, v}, want);
    return sodium_memcmp(want, c, CHALLENGE_BYTES) == 0 && output(gamma, hash);
}

/* What proving must not leave behind. */
struct prover_secrets {
    uint8_t expanded[64]; /* SHA-512 of the seed: scalar, then nonce prefix */
    uint8_t wide[64];
    uint8_t x[32];
    uint8_t k[32];
    uint8_t product[32];
};

/* Section 5.4.2.2: the nonce of RFC 8032 over the point. */
static void derive_nonce(struct prover_secrets *p, const uint8_t h[32])
{
    crypto_hash_sha512_state s;
    crypto_hash_sha512_init(&s);
    crypto_hash_sha512_update(&s, p->expanded + 32, 32);
    crypto_hash_sha512_update(&s, h, 32);
    crypto_hash_sha512_final(&s, p->wide);
    crypto_core_ed25519_scalar_reduce(p->k, p->wide);
    sodium_memzero(&s, sizeof s);
}

static void derive_scalar(struct prover_secrets *p, const uint8_t seed[ECVRF_SEED_BYTES])
{
    crypto_hash_sha512(p->expanded, seed, ECVRF_SEED_BYTES);
    p->expanded[0] &= 248;
    p->expanded[31] &= 127;
    p->expanded[31] |= 64;
    memset(p->wide, 0, sizeof p->wide);
    memcpy(p->wide, p->expanded, 32);
    crypto_core_ed25519_scalar_reduce(p->x, p->wide);
}

bool ecvrf_prove(const uint8_t seed[ECVRF_SEED_BYTES], const uint8_t *alpha, size_t alpha_bytes,
                 uint8_t proof[ECVRF_PROOF_BYTES])
{
    struct prover_secrets p;
    uint8_t key[ECVRF_KEY_BYTES];
    uint8_t h[32];
    uint8_t u[32];
    uint8_t v[32];
    uint8_t c[32] = {0};
    uint8_t counter;
    ecvrf_key_from_seed(seed, key);
    if (!ecvrf_hash_to_curve(key, alpha, alpha_bytes, h, &counter))
        return false;
    derive_scalar(&p, seed);
    derive_nonce(&p, h);
    bool good = crypto_scalarmult_ed25519_noclamp(proof, p.x, h) == 0 &&
                crypto_scalarmult_ed25519_base_noclamp(u, p.k) == 0 &&
                crypto_scalarmult_ed25519_noclamp(v, p.k, h) == 0;
    if (good) {
        challenge((const uint8_t *const[5]){key, h, proof, u, v}, c);
        memcpy(proof + 32, c, CHALLENGE_BYTES);
        crypto_core_ed25519_scalar_mul(p.product, c, p.x);
        crypto_core_ed25519_scalar_add(proof + 48, p.k, p.product);
    }
    sodium_memzero(&p, sizeof p);
    return good;
}
