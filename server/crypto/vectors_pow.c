/* SPDX-License-Identifier: Apache-2.0 */
/* Case runners for block headers. */
#include "server/crypto/vectors_run.h"

#include <string.h>

#include "server/crypto/pow.h"

#define BITCOIN_LIMIT_BITS 0x1d00ffffU
#define SCRYPT_LIMIT_BITS  0x1e0fffffU

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
