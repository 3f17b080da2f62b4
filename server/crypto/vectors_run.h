/* SPDX-License-Identifier: Apache-2.0 */
/* Runs parsed vector files (tests/vectors) through the verifiers and counts agreement. No file is
 * opened here: the caller parses documents and hands over siblings on request. */
#ifndef CF_CRYPTO_VECTORS_RUN_H
#define CF_CRYPTO_VECTORS_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest byte string of a case; a longer one fails the case. */
#define VECTORS_BYTES_MAX 4096

struct vectors_run {
    /* Text of a file beside the document, NUL-terminated, valid until the run ends; NULL when
     * absent. */
    const char *(*sibling)(void *ctx, const char *name);
    /* Called for each case that disagrees. */
    void (*disagree)(void *ctx, const char *id, const char *detail);
    void *ctx;
    size_t passed;
    size_t failed;
};

/* The families in the order of their names in tests/vectors, NULL-terminated. */
const char *const *vectors_family_names(void);
/* True when the family is one this program verifies. */
bool vectors_family_known(const char *family);

/* Runs each case of the document. False when the family is unknown, or the document's `format` is
 * not one of that family; then nothing was counted. */
bool vectors_run_document(struct vectors_run *run, const char *family, const json_t *doc);

/* -- for the case runners, one for each format -- */

/* Counts one case; detail says what was found when it disagrees. */
void vectors_count(struct vectors_run *run, const char *id, bool agrees, const char *detail);
/* The same, comparing a verdict with the case's `expect` member. */
void vectors_expect(struct vectors_run *run, const json_t *c, bool accepted, const char *detail);
/* The string member, or "" when it is missing or no string. */
const char *vectors_text(const json_t *c, const char *name);
/* Decodes the hexadecimal string member; false on anything but hexadecimal of at most cap bytes. */
bool vectors_hex(const json_t *c, const char *name, uint8_t *out, size_t cap, size_t *len);
/* True when the hexadecimal member equals the bytes. */
bool vectors_hex_equal(const json_t *c, const char *name, const uint8_t *data, size_t len);
/* Decodes exactly len bytes. */
bool vectors_hex_exact(const json_t *c, const char *name, uint8_t *out, size_t len);

typedef void vectors_runner(struct vectors_run *run, const json_t *doc);

vectors_runner vectors_bn254, vectors_groth16, vectors_groth16_text, vectors_sp1, vectors_risc0,
    vectors_pow_headers, vectors_pow_chain, vectors_pow_retarget, vectors_auxpow, vectors_keccak,
    vectors_plonk, vectors_sp1_keys, vectors_risc0_key, vectors_ecvrf, vectors_merkle_ambiguity,
    vectors_merkle_consistency, vectors_merkle_inclusion, vectors_merkle_tree;

#endif
