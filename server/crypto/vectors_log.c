/* SPDX-License-Identifier: Apache-2.0 */
/* Case runners for verifiable randomness and Merkle logs. */
#include "server/crypto/vectors_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/ecvrf.h"
#include "server/crypto/merkle.h"

#define ID_MAX_BYTES 48
#define LEAVES_MAX   64

/* The prover must reproduce the proof, where the case has the seed. */
static bool proves_the_same(const json_t *c, const uint8_t *alpha, size_t alpha_bytes)
{
    uint8_t seed[ECVRF_SEED_BYTES];
    uint8_t key[ECVRF_KEY_BYTES];
    uint8_t proof[ECVRF_PROOF_BYTES];
    uint8_t point[32];
    uint8_t counter;
    if (json_object_get(c, "sk") == NULL)
        return true;
    if (!vectors_hex_exact(c, "sk", seed, sizeof seed) ||
        !ecvrf_prove(seed, alpha, alpha_bytes, proof))
        return false;
    ecvrf_key_from_seed(seed, key);
    if (!vectors_hex_equal(c, "pk", key, sizeof key) ||
        !vectors_hex_equal(c, "pi", proof, sizeof proof) ||
        !ecvrf_hash_to_curve(key, alpha, alpha_bytes, point, &counter))
        return false;
    if (json_object_get(c, "h") != NULL && !vectors_hex_equal(c, "h", point, sizeof point))
        return false;
    return counter == json_integer_value(json_object_get(c, "ctr"));
}

static void run_vrf(struct vectors_run *run, const json_t *c, const char *expect)
{
    uint8_t key[ECVRF_KEY_BYTES];
    uint8_t alpha[VECTORS_BYTES_MAX];
    uint8_t proof[VECTORS_BYTES_MAX];
    uint8_t hash[ECVRF_HASH_BYTES];
    size_t alpha_bytes;
    size_t proof_bytes;
    const char *id = vectors_text(c, "id");
    if (!vectors_hex_exact(c, "pk", key, sizeof key) ||
        !vectors_hex(c, "alpha", alpha, sizeof alpha, &alpha_bytes) ||
        !vectors_hex(c, "pi", proof, sizeof proof, &proof_bytes)) {
        vectors_count(run, id, false, "a member is not hexadecimal");
        return;
    }
    bool accepted =
        proof_bytes == ECVRF_PROOF_BYTES && ecvrf_verify(key, alpha, alpha_bytes, proof, hash);
    bool agrees = strcmp(expect, accepted ? "accept" : "reject") == 0;
    if (accepted)
        agrees = agrees && vectors_hex_equal(c, "beta", hash, sizeof hash) &&
                 proves_the_same(c, alpha, alpha_bytes);
    vectors_count(run, id, agrees, accepted ? "accepted, or the output differs" : "refused");
}

void vectors_ecvrf(struct vectors_run *run, const json_t *doc)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
        run_vrf(run, c, vectors_text(c, "expect"));
    json_array_foreach(json_object_get(doc, "edge"), i, c)
        run_vrf(run, c, vectors_text(c, "strict"));
}

static bool read_u64(const json_t *c, const char *name, uint64_t *out)
{
    const char *text = vectors_text(c, name);
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] != '\0' && *end == '\0' && errno == 0;
}

static bool read_hash(const json_t *c, const char *name, struct merkle_hash *out)
{
    return vectors_hex_exact(c, name, out->b, sizeof out->b);
}

static bool read_hex_text(const json_t *text, uint8_t *out, size_t cap, size_t *len)
{
    json_t *holder = json_pack("{s:O}", "h", text);
    bool good = vectors_hex(holder, "h", out, cap, len);
    json_decref(holder);
    return good;
}

/* False also for more hashes than a proof may have, which must be refused unread. */
static bool read_path(const json_t *c, struct merkle_proof *path)
{
    const json_t *list = json_object_get(c, "proof");
    size_t i;
    json_t *text;
    path->count = json_array_size(list);
    if (path->count > MERKLE_PROOF_MAX)
        return false;
    json_array_foreach(list, i, text)
    {
        size_t len;
        if (!read_hex_text(text, path->hash[i].b, MERKLE_HASH_BYTES, &len) ||
            len != MERKLE_HASH_BYTES)
            return false;
    }
    return true;
}

void vectors_merkle_inclusion(struct vectors_run *run, const json_t *doc)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        struct merkle_head head;
        struct merkle_hash leaf;
        struct merkle_proof path;
        uint64_t index;
        bool accepted = read_u64(c, "tree_size", &head.size) && read_u64(c, "leaf_index", &index) &&
                        read_hash(c, "leaf_hash", &leaf) && read_hash(c, "root", &head.root) &&
                        read_path(c, &path) && merkle_inclusion_verify(&head, index, &leaf, &path);
        vectors_expect(run, c, accepted, accepted ? "accepted" : "refused");
    }
}

void vectors_merkle_consistency(struct vectors_run *run, const json_t *doc)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        struct merkle_head older;
        struct merkle_head newer;
        struct merkle_proof path;
        bool accepted = read_u64(c, "size1", &older.size) && read_u64(c, "size2", &newer.size) &&
                        read_hash(c, "root1", &older.root) && read_hash(c, "root2", &newer.root) &&
                        read_path(c, &path) && merkle_consistency_verify(&older, &newer, &path);
        vectors_expect(run, c, accepted, accepted ? "accepted" : "refused");
    }
}

/* "accept-shape": the arithmetic accepts, which is why sizes come from checkpoints only. */
void vectors_merkle_ambiguity(struct vectors_run *run, const json_t *doc)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        struct merkle_head head;
        struct merkle_hash leaf;
        struct merkle_proof path;
        uint8_t data[VECTORS_BYTES_MAX];
        size_t len = 0;
        uint64_t index;
        bool accepted = read_u64(c, "tree_size", &head.size) && read_u64(c, "leaf_index", &index) &&
                        vectors_hex(c, "leaf_data", data, sizeof data, &len) &&
                        read_hash(c, "root", &head.root) && read_path(c, &path);
        merkle_leaf(data, len, &leaf);
        accepted = accepted && merkle_inclusion_verify(&head, index, &leaf, &path);
        bool agrees = strcmp(vectors_text(c, "expect"), accepted ? "accept-shape" : "reject") == 0;
        vectors_count(run, vectors_text(c, "id"), agrees, accepted ? "accepted" : "refused");
    }
}

/* The leaves and prefix roots of a tree document. */
struct small_tree {
    size_t count;
    struct merkle_hash leaf[LEAVES_MAX];
    struct merkle_hash root[LEAVES_MAX + 1];
};

static bool small_node(void *ctx, unsigned level, uint64_t index, struct merkle_hash *out)
{
    const struct small_tree *t = ctx;
    struct merkle_tree part;
    merkle_tree_start(&part);
    for (uint64_t i = index << level; i < (index + 1) << level; i++) {
        if (i >= t->count)
            return false;
        merkle_tree_append(&part, &t->leaf[i]);
    }
    merkle_tree_root(&part, out);
    return true;
}

static bool read_tree(const json_t *doc, struct small_tree *t)
{
    const json_t *leaves = json_object_get(doc, "leaves");
    const json_t *roots = json_object_get(doc, "roots");
    size_t i;
    json_t *text;
    t->count = json_array_size(leaves);
    if (t->count > LEAVES_MAX || json_array_size(roots) != t->count + 1)
        return false;
    json_array_foreach(leaves, i, text)
    {
        uint8_t data[VECTORS_BYTES_MAX];
        size_t len;
        if (!read_hex_text(text, data, sizeof data, &len))
            return false;
        merkle_leaf(data, len, &t->leaf[i]);
    }
    json_array_foreach(roots, i, text)
    {
        size_t len;
        if (!read_hex_text(text, t->root[i].b, MERKLE_HASH_BYTES, &len) || len != MERKLE_HASH_BYTES)
            return false;
    }
    return true;
}

static bool same_path(const struct merkle_proof *a, const struct merkle_proof *b)
{
    return a->count == b->count && memcmp(a->hash, b->hash, a->count * sizeof a->hash[0]) == 0;
}

static bool check_tree_inclusion(const struct small_tree *t, const struct merkle_source *s,
                                 const json_t *c)
{
    struct merkle_proof path;
    struct merkle_proof built;
    uint64_t index;
    uint64_t size;
    if (!read_u64(c, "leaf_index", &index) || !read_u64(c, "tree_size", &size) || size > t->count ||
        index >= size || !read_path(c, &path))
        return false;
    const struct merkle_head head = {size, t->root[size]};
    return merkle_inclusion_verify(&head, index, &t->leaf[index], &path) &&
           merkle_inclusion_build(s, index, size, &built) && same_path(&path, &built);
}

static bool check_tree_consistency(const struct small_tree *t, const struct merkle_source *s,
                                   const json_t *c)
{
    struct merkle_proof path;
    struct merkle_proof built;
    uint64_t older;
    uint64_t newer;
    if (!read_u64(c, "size1", &older) || !read_u64(c, "size2", &newer) || older > newer ||
        newer > t->count || !read_path(c, &path))
        return false;
    const struct merkle_head a = {older, t->root[older]};
    const struct merkle_head b = {newer, t->root[newer]};
    return merkle_consistency_verify(&a, &b, &path) &&
           merkle_consistency_build(s, older, newer, &built) && same_path(&path, &built);
}

void vectors_merkle_tree(struct vectors_run *run, const json_t *doc)
{
    struct small_tree t;
    struct merkle_tree growing;
    struct merkle_hash root;
    const struct merkle_source s = {small_node, &t};
    char id[ID_MAX_BYTES];
    size_t i;
    json_t *c;
    if (!read_tree(doc, &t)) {
        vectors_count(run, "tree", false, "the leaves or roots are malformed");
        return;
    }
    merkle_tree_start(&growing);
    for (i = 0; i <= t.count; i++) {
        snprintf(id, sizeof id, "root %zu", i);
        merkle_tree_root(&growing, &root);
        bool agrees = merkle_hash_equal(&root, &t.root[i]);
        if (i != 0)
            agrees =
                agrees && merkle_root_build(&s, i, &root) && merkle_hash_equal(&root, &t.root[i]);
        vectors_count(run, id, agrees, "the root differs");
        if (i < t.count)
            merkle_tree_append(&growing, &t.leaf[i]);
    }
    json_array_foreach(json_object_get(doc, "inclusion"), i, c)
    {
        snprintf(id, sizeof id, "inclusion %zu", i);
        vectors_count(run, id, check_tree_inclusion(&t, &s, c), "the path differs");
    }
    json_array_foreach(json_object_get(doc, "consistency"), i, c)
    {
        snprintf(id, sizeof id, "consistency %zu", i);
        vectors_count(run, id, check_tree_consistency(&t, &s, c), "the path differs");
    }
}
