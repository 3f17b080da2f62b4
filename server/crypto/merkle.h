/* SPDX-License-Identifier: Apache-2.0 */
/* Merkle trees of RFC 6962 / RFC 9162 with SHA-256: leaf = H(0 || data), node = H(1 || left ||
 * right), the empty tree = H(""). An inclusion path does not fix the size of the tree: take size
 * and root from a verified checkpoint. */
#ifndef CF_CRYPTO_MERKLE_H
#define CF_CRYPTO_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH_BYTES 32
#define MERKLE_PROOF_MAX  64
#define MERKLE_SIZE_MAX   (UINT64_C(1) << 63)

struct merkle_hash {
    uint8_t b[MERKLE_HASH_BYTES];
};

struct merkle_proof {
    size_t count;
    struct merkle_hash hash[MERKLE_PROOF_MAX];
};

/* data may be NULL when len is 0. */
void merkle_leaf(const void *data, size_t len, struct merkle_hash *out);
/* out may be left or right. */
void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right,
                 struct merkle_hash *out);
bool merkle_hash_equal(const struct merkle_hash *a, const struct merkle_hash *b);

/* A tree that only grows, as its complete subtrees from left to right. */
struct merkle_tree {
    uint64_t size;
    struct merkle_hash subtree[MERKLE_PROOF_MAX]; /* one for each set bit of size, largest first */
};

void merkle_tree_start(struct merkle_tree *t);
/* Appends a leaf hash; the tree must be smaller than MERKLE_SIZE_MAX. */
void merkle_tree_append(struct merkle_tree *t, const struct merkle_hash *leaf);
void merkle_tree_root(const struct merkle_tree *t, struct merkle_hash *root);

struct merkle_head {
    uint64_t size;
    struct merkle_hash root;
};

/* RFC 9162 2.1.3.2; the whole path must be consumed. */
bool merkle_inclusion_verify(const struct merkle_head *head, uint64_t leaf_index,
                             const struct merkle_hash *leaf, const struct merkle_proof *path);
/* RFC 9162 2.1.4.2. An older size of 0 proves nothing and is refused; equal sizes need equal roots
 * and no path. */
bool merkle_consistency_verify(const struct merkle_head *older, const struct merkle_head *newer,
                               const struct merkle_proof *path);

/* Gives the hash of the complete subtree of 2^level leaves number index (from 0); false when it is
 * missing. */
typedef bool merkle_node_source(void *ctx, unsigned level, uint64_t index, struct merkle_hash *out);

struct merkle_source {
    merkle_node_source *node;
    void *ctx;
};

/* Root of the first `size` leaves (at least 1). False when a node is missing. */
bool merkle_root_build(const struct merkle_source *s, uint64_t size, struct merkle_hash *root);
/* Path of a leaf in the tree of size leaves. False when out of range or a node is missing. */
bool merkle_inclusion_build(const struct merkle_source *s, uint64_t leaf_index, uint64_t size,
                            struct merkle_proof *path);
/* Path from the tree of older leaves (at least 1) to that of newer. */
bool merkle_consistency_build(const struct merkle_source *s, uint64_t older, uint64_t newer,
                              struct merkle_proof *path);

#endif
