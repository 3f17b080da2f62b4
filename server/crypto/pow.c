/* SPDX-License-Identifier: Apache-2.0 */
/* Compact bits, header rules and the two proof-of-work hashes. */
#include "server/crypto/pow.h"

#include <string.h>

#include "server/crypto/scrypt.h"
#include "server/crypto/sha256.h"

static uint32_t read_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

const char *pow_verdict_text(enum pow_verdict v)
{
    switch (v) {
    case POW_OK:
        return "ok";
    case POW_BAD_LENGTH:
        return "a header is exactly 80 bytes";
    case POW_BITS_NEGATIVE:
        return "compact bits carry the sign bit";
    case POW_BITS_ZERO:
        return "compact bits give a target of zero";
    case POW_BITS_OVERFLOW:
        return "compact bits give a target of 2^256 or more";
    case POW_TARGET_ABOVE_LIMIT:
        return "the target is easier than the limit of the chain";
    case POW_BITS_UNEXPECTED:
        return "the bits differ from the expected bits";
    case POW_HASH_ABOVE_TARGET:
        return "the hash is above the target";
    case POW_BAD_PREVIOUS:
        return "the previous hash does not match";
    case POW_BAD_TIME:
        return "the time is outside the window";
    case POW_BAD_MERKLE_ROOT:
        return "the merkle root does not match the coinbase and branch";
    case POW_BAD_COINBASE:
        return "the coinbase transaction or its position is not acceptable";
    case POW_NO_MEMORY:
        return "out of memory";
    }
    return "unknown verdict";
}

struct pow_header pow_header_parse(const uint8_t header[POW_HEADER_BYTES])
{
    struct pow_header h;
    h.version = read_le32(header);
    memcpy(h.previous, header + 4, sizeof h.previous);
    memcpy(h.merkle_root, header + 36, sizeof h.merkle_root);
    h.time = read_le32(header + 68);
    h.bits = read_le32(header + 72);
    h.nonce = read_le32(header + 76);
    return h;
}

enum pow_verdict pow_target_parse(uint32_t bits, struct u256 *target)
{
    uint32_t size = bits >> 24;
    uint32_t mantissa = bits & 0x007fffff;
    if ((bits & 0x00800000) != 0)
        return POW_BITS_NEGATIVE;
    if (size < 3)
        mantissa >>= 8 * (3 - size);
    if (mantissa == 0)
        return POW_BITS_ZERO;
    struct u256 t = u256_from_u64(mantissa);
    if (size > 3) {
        unsigned shift = 8 * (size - 3);
        if (u256_bit_count(&t) + shift > 256)
            return POW_BITS_OVERFLOW;
        u256_shl(&t, &t, shift);
    }
    *target = t;
    return POW_OK;
}

uint32_t pow_target_compact(const struct u256 *target)
{
    uint8_t be[U256_BYTES];
    u256_to_be(target, be);
    uint32_t size = (u256_bit_count(target) + 7) / 8;
    uint32_t mantissa = 0;
    for (uint32_t i = 0; i < 3; i++)
        mantissa = mantissa << 8 | (i < size ? be[U256_BYTES - size + i] : 0U);
    if ((mantissa & 0x00800000) != 0) {
        /* The top mantissa bit is the sign, so such a number moves up one byte. */
        mantissa >>= 8;
        size++;
    }
    return size << 24 | mantissa;
}

void pow_sha256d(const uint8_t header[POW_HEADER_BYTES], uint8_t hash[POW_HASH_BYTES])
{
    sha256d_of(header, POW_HEADER_BYTES, hash);
}

void pow_scrypt(const uint8_t header[POW_HEADER_BYTES], uint8_t hash[POW_HASH_BYTES])
{
    struct scrypt_scratch scratch;
    scrypt_1024_1_1(header, &scratch, hash);
}

void pow_hash(enum pow_kind kind, const uint8_t header[POW_HEADER_BYTES],
              uint8_t hash[POW_HASH_BYTES])
{
    if (kind == POW_SCRYPT)
        pow_scrypt(header, hash);
    else
        pow_sha256d(header, hash);
}

bool pow_hash_meets(const uint8_t hash[POW_HASH_BYTES], const struct u256 *target)
{
    struct u256 n = u256_from_le(hash);
    return u256_cmp(&n, target) <= 0;
}

enum pow_verdict pow_header_check(const struct pow_rule *rule, const uint8_t *header, size_t len)
{
    if (len != POW_HEADER_BYTES)
        return POW_BAD_LENGTH;
    struct pow_header h = pow_header_parse(header);
    struct u256 target;
    enum pow_verdict v = pow_target_parse(h.bits, &target);
    if (v != POW_OK)
        return v;
    if (u256_cmp(&target, &rule->limit) > 0)
        return POW_TARGET_ABOVE_LIMIT;
    if (rule->bits_pinned && h.bits != rule->expected_bits)
        return POW_BITS_UNEXPECTED;
    uint8_t hash[POW_HASH_BYTES];
    pow_hash(rule->kind, header, hash);
    return pow_hash_meets(hash, &target) ? POW_OK : POW_HASH_ABOVE_TARGET;
}
