/* SPDX-License-Identifier: Apache-2.0 */
#include "server/crypto/auxpow.h"

#include <string.h>

#include "server/crypto/coinbase.h"
#include "server/crypto/sha256.h"

#define VERSION_AUXPOW    0x100U
#define ROOT_OFFSET_MAX   20 /* of a root without marker */
#define MAGIC_BYTES       4
#define PARENT_HASH_BYTES 32

static const uint8_t MAGIC[MAGIC_BYTES] = {0xfa, 0xbe, 0x6d, 0x6d};

/* The parts of a serialized CAuxPow. */
struct auxpow {
    struct coinbase coinbase;
    struct merkle_branch coinbase_branch;
    struct merkle_branch chain_branch;
    const uint8_t *parent;
};

const char *auxpow_verdict_text(enum auxpow_verdict v)
{
    static const char *const text[] = {
        [AUXPOW_OK] = "ok",
        [AUXPOW_BAD_LENGTH] = "wrong length of the header or bytes after the proof",
        [AUXPOW_BAD_CHILD] = "the child version does not announce merged mining for this chain",
        [AUXPOW_BAD_PARENT] = "the parent has the chain id of the child",
        [AUXPOW_MALFORMED] = "the proof cannot be read",
        [AUXPOW_BAD_COINBASE_INDEX] = "the coinbase is not the first transaction",
        [AUXPOW_BAD_PARENT_ROOT] = "the coinbase is not in the parent block",
        [AUXPOW_ROOT_MISSING] = "the coinbase does not commit to the child",
        [AUXPOW_BAD_MAGIC] = "the commitment is not where it must be, or there are two",
        [AUXPOW_BAD_SIZE] = "the size of the chain tree is missing or wrong",
        [AUXPOW_BAD_SLOT] = "the child is not in its slot of the chain tree",
        [AUXPOW_BAD_BITS] = "the child bits are not acceptable",
        [AUXPOW_HASH_ABOVE_TARGET] = "the parent hash is above the child target",
    };
    if ((size_t)v >= sizeof text / sizeof text[0])
        return "unknown verdict";
    return text[v];
}

static bool read_auxpow(const struct auxpow_proof *proof, struct auxpow *a)
{
    struct wire w = {proof->auxpow, proof->auxpow_bytes, true};
    if (!coinbase_read(&w, &a->coinbase))
        return false;
    wire_bytes(&w, PARENT_HASH_BYTES); /* carries nothing: the parent header follows */
    if (!merkle_branch_read(&w, COINBASE_BRANCH_MAX, &a->coinbase_branch) ||
        !merkle_branch_read(&w, AUXPOW_CHAIN_BRANCH_MAX, &a->chain_branch))
        return false;
    a->parent = wire_bytes(&w, POW_HEADER_BYTES);
    return w.ok && w.left == 0;
}

/* The offset of part in the script at or after from; the script's length when absent. */
static size_t find(const struct coinbase *c, size_t from, const uint8_t *part, size_t part_bytes)
{
    for (size_t i = from; i + part_bytes <= c->script_bytes; i++) {
        if (memcmp(c->script + i, part, part_bytes) == 0)
            return i;
    }
    return c->script_bytes;
}

/* The slot of a chain in a tree of 2^height leaves: fixed by the nonce, so that a miner cannot
 * commit to two children of one chain. */
static uint32_t expected_slot(uint32_t nonce, uint32_t chain_id, size_t height)
{
    uint32_t x = nonce * 1103515245U + 12345U;
    x += chain_id;
    x = x * 1103515245U + 12345U;
    return x % (UINT32_C(1) << height);
}

static enum auxpow_verdict check_commitment(const struct auxpow *a, uint32_t chain_id,
                                            const uint8_t root[SHA256_BYTES])
{
    const struct coinbase *c = &a->coinbase;
    size_t at = find(c, 0, root, SHA256_BYTES);
    size_t magic = find(c, 0, MAGIC, MAGIC_BYTES);
    if (at == c->script_bytes)
        return AUXPOW_ROOT_MISSING;
    if (magic == c->script_bytes) {
        if (at > ROOT_OFFSET_MAX)
            return AUXPOW_BAD_MAGIC;
    } else if (find(c, magic + 1, MAGIC, MAGIC_BYTES) != c->script_bytes ||
               magic + MAGIC_BYTES != at) {
        return AUXPOW_BAD_MAGIC;
    }
    struct wire w = {c->script + at + SHA256_BYTES, c->script_bytes - at - SHA256_BYTES, true};
    uint32_t size = wire_u32(&w);
    uint32_t nonce = wire_u32(&w);
    if (!w.ok || size != UINT32_C(1) << a->chain_branch.count)
        return AUXPOW_BAD_SIZE;
    if (a->chain_branch.index != expected_slot(nonce, chain_id, a->chain_branch.count))
        return AUXPOW_BAD_SLOT;
    return AUXPOW_OK;
}

/* Parent merkle root, then the root of the chain tree in the coinbase. */
static enum auxpow_verdict check_parts(const struct auxpow *a, const struct auxpow_rule *rule,
                                       const uint8_t *child)
{
    uint8_t hash[SHA256_BYTES];
    uint8_t root[SHA256_BYTES];
    struct pow_header parent = pow_header_parse(a->parent);
    if (parent.version >> 16 == rule->chain_id)
        return AUXPOW_BAD_PARENT;
    if (a->coinbase_branch.index != 0)
        return AUXPOW_BAD_COINBASE_INDEX;
    sha256d_of(a->coinbase.tx, a->coinbase.tx_bytes, hash);
    merkle_branch_fold(hash, &a->coinbase_branch, hash);
    if (memcmp(hash, parent.merkle_root, sizeof hash) != 0)
        return AUXPOW_BAD_PARENT_ROOT;
    sha256d_of(child, POW_HEADER_BYTES, hash);
    merkle_branch_fold(hash, &a->chain_branch, hash);
    for (size_t i = 0; i < sizeof root; i++)
        root[i] = hash[sizeof hash - 1 - i];
    return check_commitment(a, rule->chain_id, root);
}

enum auxpow_verdict auxpow_check(const struct auxpow_rule *rule, const struct auxpow_proof *proof,
                                 uint8_t parent_hash[POW_HASH_BYTES])
{
    struct auxpow a;
    struct u256 target;
    uint8_t hash[POW_HASH_BYTES];
    if (proof->header_bytes != POW_HEADER_BYTES || proof->auxpow_bytes > AUXPOW_BYTES_MAX)
        return AUXPOW_BAD_LENGTH;
    struct pow_header child = pow_header_parse(proof->header);
    if ((child.version & VERSION_AUXPOW) == 0 || child.version >> 16 != rule->chain_id)
        return AUXPOW_BAD_CHILD;
    if (!read_auxpow(proof, &a))
        return AUXPOW_MALFORMED;
    enum auxpow_verdict v = check_parts(&a, rule, proof->header);
    if (v != AUXPOW_OK)
        return v;
    if (pow_target_parse(child.bits, &target) != POW_OK || u256_cmp(&target, &rule->limit) > 0)
        return AUXPOW_BAD_BITS;
    pow_scrypt(a.parent, hash);
    if (!pow_hash_meets(hash, &target))
        return AUXPOW_HASH_ABOVE_TARGET;
    pow_sha256d(a.parent, parent_hash);
    return AUXPOW_OK;
}
