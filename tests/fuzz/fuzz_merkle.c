/* SPDX-License-Identifier: Apache-2.0 */
/* Inclusion and consistency of arbitrary sizes and paths. An accepted path must fail for another
 * root, and paths built for the sizes in the input must verify. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/merkle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A tree in which every leaf is the same: a complete subtree depends on its level only. */
static bool uniform_node(void *ctx, unsigned level, uint64_t index, struct merkle_hash *out)
{
    (void)ctx;
    (void)index;
    merkle_leaf("x", 1, out);
    for (unsigned i = 0; i < level; i++)
        merkle_node(out, out, out);
    return true;
}

static void check_built(uint64_t a, uint64_t b)
{
    const struct merkle_source s = {uniform_node, NULL};
    struct merkle_head older = {a, {{0}}};
    struct merkle_head newer = {b, {{0}}};
    struct merkle_proof path;
    struct merkle_hash leaf;
    if (!merkle_root_build(&s, a, &older.root) || !merkle_root_build(&s, b, &newer.root))
        return;
    merkle_leaf("x", 1, &leaf);
    if (a < b && (!merkle_inclusion_build(&s, a, b, &path) ||
                  !merkle_inclusion_verify(&newer, a, &leaf, &path)))
        abort();
    if (a <= b && (!merkle_consistency_build(&s, a, b, &path) ||
                   !merkle_consistency_verify(&older, &newer, &path)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct merkle_head older, newer;
    struct merkle_proof path = {0};
    if (size < 16 + 3 * MERKLE_HASH_BYTES)
        return 0;
    memcpy(&older.size, data, 8);
    memcpy(&newer.size, data + 8, 8);
    memcpy(older.root.b, data + 16, MERKLE_HASH_BYTES);
    memcpy(newer.root.b, data + 48, MERKLE_HASH_BYTES);
    const uint8_t *rest = data + 80;
    size_t left = size - 80;
    path.count = left / MERKLE_HASH_BYTES;
    if (path.count > MERKLE_PROOF_MAX)
        path.count = MERKLE_PROOF_MAX;
    memcpy(path.hash, rest, path.count * MERKLE_HASH_BYTES);
    if (merkle_inclusion_verify(&newer, older.size, &older.root, &path)) {
        newer.root.b[0] ^= 1;
        if (merkle_inclusion_verify(&newer, older.size, &older.root, &path))
            abort();
        newer.root.b[0] ^= 1;
    }
    if (merkle_consistency_verify(&older, &newer, &path)) {
        older.root.b[0] ^= 1;
        if (merkle_consistency_verify(&older, &newer, &path))
            abort();
    }
    check_built(older.size, newer.size);
    return 0;
}
