/* SPDX-License-Identifier: Apache-2.0 */
#include "server/crypto/merkle.h"

#include <string.h>

#include "server/crypto/sha256.h"

void merkle_leaf(const void *data, size_t len, struct merkle_hash *out)
{
    const uint8_t prefix = 0;
    struct sha256 h;
    sha256_start(&h);
    sha256_add(&h, &prefix, 1);
    sha256_add(&h, data, len);
    sha256_end(&h, out->b);
}

void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right,
                 struct merkle_hash *out)
{
    const uint8_t prefix = 1;
    struct sha256 h;
    sha256_start(&h);
    sha256_add(&h, &prefix, 1);
    sha256_add(&h, left->b, sizeof left->b);
    sha256_add(&h, right->b, sizeof right->b);
    sha256_end(&h, out->b);
}

bool merkle_hash_equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

void merkle_tree_start(struct merkle_tree *t)
{
    *t = (struct merkle_tree){0};
}

/* Folds hashes from the right: the right edge of a tree that is not complete. count is at least 1.
 */
static void fold_right(const struct merkle_hash *hashes, size_t count, struct merkle_hash *out)
{
    *out = hashes[count - 1];
    for (size_t i = count - 1; i-- > 0;)
        merkle_node(&hashes[i], out, out);
}

void merkle_tree_append(struct merkle_tree *t, const struct merkle_hash *leaf)
{
    size_t count = (size_t)__builtin_popcountll(t->size);
    struct merkle_hash h = *leaf;
    /* Each trailing one bit of the size is a complete subtree that the new leaf completes a pair
     * with. */
    for (uint64_t size = t->size; (size & 1) != 0; size >>= 1)
        merkle_node(&t->subtree[--count], &h, &h);
    t->subtree[count] = h;
    t->size++;
}

void merkle_tree_root(const struct merkle_tree *t, struct merkle_hash *root)
{
    if (t->size == 0)
        sha256_of(NULL, 0, root->b);
    else
        fold_right(t->subtree, (size_t)__builtin_popcountll(t->size), root);
}

bool merkle_inclusion_verify(const struct merkle_head *head, uint64_t leaf_index,
                             const struct merkle_hash *leaf, const struct merkle_proof *path)
{
    struct merkle_hash r = *leaf;
    if (head->size > MERKLE_SIZE_MAX || leaf_index >= head->size || path->count > MERKLE_PROOF_MAX)
        return false;
    uint64_t fn = leaf_index;
    uint64_t sn = head->size - 1;
    for (size_t i = 0; i < path->count; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) != 0 || fn == sn) {
            merkle_node(&path->hash[i], &r, &r);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(&r, &path->hash[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && merkle_hash_equal(&r, &head->root);
}

/* The loop of RFC 9162 2.1.4.2 over the path without its first hash; fr and sr start as that hash.
 */
static bool fold_consistency(uint64_t fn, uint64_t sn, const struct merkle_hash *path, size_t count,
                             struct merkle_hash roots[2])
{
    for (size_t i = 0; i < count; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) != 0 || fn == sn) {
            merkle_node(&path[i], &roots[0], &roots[0]);
            merkle_node(&path[i], &roots[1], &roots[1]);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(&roots[1], &path[i], &roots[1]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0;
}

bool merkle_consistency_verify(const struct merkle_head *older, const struct merkle_head *newer,
                               const struct merkle_proof *path)
{
    if (older->size == 0 || older->size > newer->size || newer->size > MERKLE_SIZE_MAX ||
        path->count > MERKLE_PROOF_MAX)
        return false;
    if (older->size == newer->size)
        return path->count == 0 && merkle_hash_equal(&older->root, &newer->root);
    uint64_t fn = older->size - 1;
    uint64_t sn = newer->size - 1;
    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    /* An older tree that is complete is itself the first node; otherwise the path starts with it.
     */
    size_t first = (older->size & (older->size - 1)) == 0 ? 0 : 1;
    if (path->count == 0)
        return false;
    struct merkle_hash start = first == 0 ? older->root : path->hash[0];
    struct merkle_hash roots[2] = {start, start};
    return fold_consistency(fn, sn, path->hash + first, path->count - first, roots) &&
           merkle_hash_equal(&roots[0], &older->root) && merkle_hash_equal(&roots[1], &newer->root);
}

/* Hash over leaves [from, from + count): from is a multiple of the largest power of two up to
 * count. */
static bool range_hash(const struct merkle_source *s, uint64_t from, uint64_t count,
                       struct merkle_hash *out)
{
    struct merkle_hash parts[MERKLE_PROOF_MAX];
    size_t n = 0;
    while (count != 0) {
        unsigned level = 63U - (unsigned)__builtin_clzll(count);
        if (!s->node(s->ctx, level, from >> level, &parts[n++]))
            return false;
        from += UINT64_C(1) << level;
        count -= UINT64_C(1) << level;
    }
    fold_right(parts, n, out);
    return true;
}

bool merkle_root_build(const struct merkle_source *s, uint64_t size, struct merkle_hash *root)
{
    return size != 0 && size <= MERKLE_SIZE_MAX && range_hash(s, 0, size, root);
}

/* The largest power of two below n; n is at least 2. */
static uint64_t split_point(uint64_t n)
{
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static void reverse(struct merkle_proof *path)
{
    for (size_t i = 0; i < path->count / 2; i++) {
        struct merkle_hash t = path->hash[i];
        path->hash[i] = path->hash[path->count - 1 - i];
        path->hash[path->count - 1 - i] = t;
    }
}

bool merkle_inclusion_build(const struct merkle_source *s, uint64_t leaf_index, uint64_t size,
                            struct merkle_proof *path)
{
    uint64_t from = 0;
    if (size > MERKLE_SIZE_MAX || leaf_index >= size)
        return false;
    path->count = 0;
    /* From the root down: the sibling of each step, so the path comes out root first. */
    while (size > 1) {
        uint64_t k = split_point(size);
        bool left = leaf_index < k;
        struct merkle_hash *sibling = &path->hash[path->count++];
        if (!range_hash(s, left ? from + k : from, left ? size - k : k, sibling))
            return false;
        from += left ? 0 : k;
        leaf_index -= left ? 0 : k;
        size = left ? k : size - k;
    }
    reverse(path);
    return true;
}

bool merkle_consistency_build(const struct merkle_source *s, uint64_t older, uint64_t newer,
                              struct merkle_proof *path)
{
    uint64_t from = 0;
    if (older == 0 || older > newer || newer > MERKLE_SIZE_MAX)
        return false;
    path->count = 0;
    while (older != newer) {
        uint64_t k = split_point(newer);
        bool left = older <= k;
        struct merkle_hash *sibling = &path->hash[path->count++];
        if (!range_hash(s, left ? from + k : from, left ? newer - k : k, sibling))
            return false;
        from += left ? 0 : k;
        older -= left ? 0 : k;
        newer = left ? k : newer - k;
    }
    /* The node both trees end in is known to the verifier only when it is the whole older tree. */
    if (from != 0 && !range_hash(s, from, newer, &path->hash[path->count++]))
        return false;
    reverse(path);
    return true;
}
