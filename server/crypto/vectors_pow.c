/* SPDX-License-Identifier: Apache-2.0 */
/* Case runners for block headers. */
#include "server/crypto/vectors_run.h"

#include <stdio.h>
#include <string.h>

#include "server/crypto/auxpow.h"
#include "server/crypto/pow_chain.h"

#define ID_MAX_BYTES        32
#define DOGECOIN_LIMIT_BITS 236 /* 2^236 - 1 */
#define BITCOIN_LIMIT_BITS  0x1d00ffffU
#define SCRYPT_LIMIT_BITS   0x1e0fffffU

static struct pow_rule chain_rule(const json_t *doc)
{
    struct pow_rule rule = {.kind = POW_SHA256D};
    uint32_t limit_bits = BITCOIN_LIMIT_BITS;
    bool scrypt = strcmp(vectors_text(doc, "algo"), "scrypt-1024-1-1") == 0 ||
                  strcmp(vectors_text(doc, "chain"), "dogecoin") == 0;
    if (scrypt) {
        rule.kind = POW_SCRYPT;
        limit_bits = SCRYPT_LIMIT_BITS;
    }
    if (pow_target_parse(limit_bits, &rule.limit) != POW_OK)
        rule.limit = u256_zero();
    return rule;
}

/* Explorers print hashes with the last byte first. */
static void reverse(const uint8_t in[POW_HASH_BYTES], uint8_t out[POW_HASH_BYTES])
{
    for (size_t i = 0; i < POW_HASH_BYTES; i++)
        out[i] = in[POW_HASH_BYTES - 1 - i];
}

/* Both hashes and the expanded target of a full-length header, where the case states them. */
static bool hashes_agree(const struct pow_rule *rule, const json_t *c, const uint8_t *header)
{
    uint8_t hash[POW_HASH_BYTES];
    uint8_t shown[POW_HASH_BYTES];
    pow_sha256d(header, hash);
    reverse(hash, shown);
    if (!vectors_hex_equal(c, "block_hash", shown, sizeof shown))
        return false;
    pow_hash(rule->kind, header, hash);
    reverse(hash, shown);
    if (!vectors_hex_equal(c, "pow_hash", shown, sizeof shown))
        return false;
    struct u256 target;
    bool parsed = pow_target_parse(pow_header_parse(header).bits, &target) == POW_OK;
    if (!parsed || json_is_null(json_object_get(c, "target")))
        return !parsed && json_is_null(json_object_get(c, "target"));
    u256_to_be(&target, shown);
    return vectors_hex_equal(c, "target", shown, sizeof shown);
}

void vectors_pow_headers(struct vectors_run *run, const json_t *doc)
{
    struct pow_rule rule = chain_rule(doc);
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        uint8_t header[VECTORS_BYTES_MAX];
        size_t len;
        if (!vectors_hex(c, "header", header, sizeof header, &len)) {
            vectors_count(run, vectors_text(c, "id"), false, "the header is not hexadecimal");
            continue;
        }
        if (len == POW_HEADER_BYTES && !hashes_agree(&rule, c, header)) {
            vectors_count(run, vectors_text(c, "id"), false, "a hash or the target differs");
            continue;
        }
        enum pow_verdict v = pow_header_check(&rule, header, len);
        vectors_expect(run, c, v == POW_OK, pow_verdict_text(v));
    }
}

void vectors_pow_chain(struct vectors_run *run, const json_t *doc)
{
    struct pow_rule rule = chain_rule(doc);
    struct pow_chain chain;
    bool bitcoin = rule.kind == POW_SHA256D;
    size_t i;
    json_t *text;
    pow_chain_start(&chain, &rule, bitcoin, bitcoin ? 0 : 1);
    json_array_foreach(json_object_get(doc, "headers"), i, text)
    {
        uint8_t header[POW_HEADER_BYTES];
        char id[ID_MAX_BYTES];
        snprintf(id, sizeof id, "header %zu", i);
        json_t *holder = json_pack("{s:O}", "header", text);
        bool read = vectors_hex_exact(holder, "header", header, sizeof header);
        json_decref(holder);
        enum pow_verdict v = read ? pow_chain_append(&chain, header) : POW_BAD_LENGTH;
        vectors_count(run, id, v == POW_OK, pow_verdict_text(v));
    }
}

static bool bits_member(const json_t *c, const char *name, uint32_t *bits)
{
    uint8_t b[4];
    if (!vectors_hex_exact(c, name, b, sizeof b))
        return false;
    *bits = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return true;
}

/* A period given by its first and last header; the header after it must carry the computed bits. */
static bool real_period(const struct pow_rule *rule, const json_t *c, struct pow_period *period)
{
    uint8_t first[POW_HEADER_BYTES];
    uint8_t last[POW_HEADER_BYTES];
    uint8_t next[POW_HEADER_BYTES];
    uint32_t bits;
    if (!vectors_hex_exact(c, "first_header", first, sizeof first) ||
        !vectors_hex_exact(c, "last_header", last, sizeof last) ||
        !vectors_hex_exact(c, "next_header", next, sizeof next) ||
        !bits_member(c, "next_bits", &bits))
        return false;
    struct pow_header end = pow_header_parse(last);
    *period = (struct pow_period){pow_header_parse(first).time, end.time, end.bits};
    return pow_header_parse(next).bits == bits &&
           pow_header_check(rule, first, sizeof first) == POW_OK &&
           pow_header_check(rule, last, sizeof last) == POW_OK &&
           pow_header_check(rule, next, sizeof next) == POW_OK;
}

static void count_retarget(struct vectors_run *run, const struct pow_rule *rule, const json_t *c,
                           const struct pow_period *period)
{
    uint32_t want;
    uint32_t got = 0;
    bool agrees = bits_member(c, "next_bits", &want) &&
                  pow_retarget(period, &rule->limit, &got) == POW_OK && got == want;
    vectors_count(run, vectors_text(c, "id"), agrees, "the next bits differ");
}

void vectors_pow_retarget(struct vectors_run *run, const json_t *doc)
{
    struct pow_rule rule = chain_rule(doc);
    struct pow_period period;
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(doc, "real"), i, c)
    {
        if (real_period(&rule, c, &period))
            count_retarget(run, &rule, c, &period);
        else
            vectors_count(run, vectors_text(c, "id"), false, "a header of the period is wrong");
    }
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        period.first_time = (uint32_t)json_integer_value(json_object_get(c, "first_time"));
        period.last_time = (uint32_t)json_integer_value(json_object_get(c, "last_time"));
        if (bits_member(c, "bits", &period.bits))
            count_retarget(run, &rule, c, &period);
        else
            vectors_count(run, vectors_text(c, "id"), false, "the bits are not hexadecimal");
    }
}

void vectors_auxpow(struct vectors_run *run, const json_t *doc)
{
    const json_t *bits = json_object_get(doc, "limit_bits");
    unsigned limit_bits = bits != NULL ? (unsigned)json_integer_value(bits) : DOGECOIN_LIMIT_BITS;
    struct auxpow_rule rule = {.chain_id = AUXPOW_DOGECOIN_ID};
    const struct u256 one = u256_from_u64(1);
    size_t i;
    json_t *c;
    u256_shl(&rule.limit, &one, limit_bits % 256);
    u256_sub(&rule.limit, &rule.limit, &one);
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        uint8_t header[VECTORS_BYTES_MAX];
        uint8_t body[VECTORS_BYTES_MAX];
        uint8_t parent[POW_HASH_BYTES];
        struct auxpow_proof proof = {.header = header, .auxpow = body};
        if (!vectors_hex(c, "header", header, sizeof header, &proof.header_bytes) ||
            !vectors_hex(c, "auxpow", body, sizeof body, &proof.auxpow_bytes)) {
            vectors_count(run, vectors_text(c, "id"), false, "a member is not hexadecimal");
            continue;
        }
        enum auxpow_verdict v = auxpow_check(&rule, &proof, parent);
        vectors_expect(run, c, v == AUXPOW_OK, auxpow_verdict_text(v));
    }
}
