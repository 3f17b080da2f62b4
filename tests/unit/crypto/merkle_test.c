/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6962 trees: vectors, and every proof of every tree up to a size, built, verified and damaged.
 */
#include "tests/support/cu.h"

#include <string.h>

#include "server/crypto/merkle.h"
#include "tests/unit/crypto/vectors.h"

#define TREE_MAX 40

static struct merkle_hash leaves[TREE_MAX];
static struct merkle_hash roots[TREE_MAX + 1];

static void test_inclusion_vectors(void)
{
    vectors_check("merkle-rfc6962", "inclusion.json", 49);
}

static void test_consistency_vectors(void)
{
    vectors_check("merkle-rfc6962", "consistency.json", 49);
}

static void test_ambiguity_vectors(void)
{
    vectors_check("merkle-rfc6962", "ambiguity.json", 6);
}

static void test_trees(void)
{
    vectors_check("merkle-rfc6962", "own-tree.json", 14 + 20 + 21);
    vectors_check("merkle-rfc6962", "reference-tree.json", 9);
}

/* The definition of RFC 6962 2.1, recursively. */
static void plain_root(size_t from, size_t count, struct merkle_hash *out)
{
    struct merkle_hash left, right;
    size_t k = 1;
    if (count == 1) {
        *out = leaves[from];
        return;
    }
    while (2 * k < count)
        k *= 2;
    plain_root(from, k, &left);
    plain_root(from + k, count - k, &right);
    merkle_node(&left, &right, out);
}

static bool node(void *ctx, unsigned level, uint64_t index, struct merkle_hash *out)
{
    size_t limit = *(const size_t *)ctx;
    if ((index + 1) << level > limit)
        return false; /* the builder may only ask for complete subtrees */
    plain_root((size_t)index << level, (size_t)1 << level, out);
    return true;
}

static void set_up(void)
{
    struct merkle_tree t;
    merkle_tree_start(&t);
    merkle_tree_root(&t, &roots[0]);
    for (size_t i = 0; i < TREE_MAX; i++) {
        merkle_leaf(&i, sizeof i, &leaves[i]);
        merkle_tree_append(&t, &leaves[i]);
        merkle_tree_root(&t, &roots[i + 1]);
    }
}

static void test_growing_tree_equals_the_definition(void)
{
    struct merkle_hash want;
    set_up();
    for (size_t size = 1; size <= TREE_MAX; size++) {
        struct merkle_source s = {node, &size};
        struct merkle_hash built;
        plain_root(0, size, &want);
        CU_ASSERT(merkle_hash_equal(&want, &roots[size]));
        CU_ASSERT(merkle_root_build(&s, size, &built));
        CU_ASSERT(merkle_hash_equal(&want, &built));
    }
}

static void test_every_inclusion_path(void)
{
    set_up();
    for (size_t size = 1; size <= TREE_MAX; size++) {
        struct merkle_source s = {node, &size};
        const struct merkle_head head = {size, roots[size]};
        for (uint64_t i = 0; i < size; i++) {
            struct merkle_proof p;
            CU_ASSERT_FATAL(merkle_inclusion_build(&s, i, size, &p));
            CU_ASSERT(merkle_inclusion_verify(&head, i, &leaves[i], &p));
            CU_ASSERT_FALSE(merkle_inclusion_verify(&head, (i + 1) % size, &leaves[i], &p) &&
                            size > 1);
            for (size_t j = 0; j < p.count; j++) {
                p.hash[j].b[j] ^= 1;
                CU_ASSERT_FALSE(merkle_inclusion_verify(&head, i, &leaves[i], &p));
                p.hash[j].b[j] ^= 1;
            }
            p.hash[p.count] = roots[size];
            p.count++;
            CU_ASSERT_FALSE(merkle_inclusion_verify(&head, i, &leaves[i], &p));
        }
    }
}

static void test_every_consistency_path(void)
{
    set_up();
    for (size_t newer = 1; newer <= TREE_MAX; newer++) {
        struct merkle_source s = {node, &newer};
        const struct merkle_head b = {newer, roots[newer]};
        for (size_t older = 1; older <= newer; older++) {
            struct merkle_proof p;
            const struct merkle_head a = {older, roots[older]};
            CU_ASSERT_FATAL(merkle_consistency_build(&s, older, newer, &p));
            CU_ASSERT(merkle_consistency_verify(&a, &b, &p));
            const struct merkle_head wrong = {older, roots[older - 1]};
            CU_ASSERT_FALSE(merkle_consistency_verify(&wrong, &b, &p));
            for (size_t j = 0; j < p.count; j++) {
                p.hash[j].b[0] ^= 0x80;
                CU_ASSERT_FALSE(merkle_consistency_verify(&a, &b, &p));
                p.hash[j].b[0] ^= 0x80;
            }
        }
    }
}

static void test_bounds_of_the_builders(void)
{
    struct merkle_proof p;
    size_t limit = 4;
    struct merkle_source s = {node, &limit};
    set_up();
    CU_ASSERT_FALSE(merkle_inclusion_build(&s, 4, 4, &p));
    CU_ASSERT_FALSE(merkle_inclusion_build(&s, 0, MERKLE_SIZE_MAX + 1, &p));
    CU_ASSERT_FALSE(merkle_consistency_build(&s, 0, 4, &p));
    CU_ASSERT_FALSE(merkle_consistency_build(&s, 5, 4, &p));
    CU_ASSERT_FALSE(merkle_inclusion_build(&s, 0, 8, &p)); /* a node is missing */
    CU_ASSERT(merkle_inclusion_build(&s, 3, 4, &p));
    CU_ASSERT_EQUAL(p.count, 2);
}

CU_MAIN("crypto/merkle", {"inclusion vectors", test_inclusion_vectors},
        {"consistency vectors", test_consistency_vectors},
        {"ambiguity vectors", test_ambiguity_vectors}, {"trees", test_trees},
        {"growing tree equals the definition", test_growing_tree_equals_the_definition},
        {"every inclusion path", test_every_inclusion_path},
        {"every consistency path", test_every_consistency_path},
        {"bounds of the builders", test_bounds_of_the_builders})
