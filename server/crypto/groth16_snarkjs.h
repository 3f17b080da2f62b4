/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of snarkjs and circom for Groth16, read strictly: exact shapes, plain decimals, affine
 * points, no duplicate members. Members that carry nothing (vk_alphabeta_12) are ignored, never
 * used. */
#ifndef CF_CRYPTO_GROTH16_SNARKJS_H
#define CF_CRYPTO_GROTH16_SNARKJS_H

#include <jansson.h>

#include "server/crypto/groth16.h"

/* Each reads text of len bytes into *out; GROTH16_VALID when it is well-formed, which says nothing
 * yet about the points. Text beyond JSON_BODY_MAX_BYTES is refused unread. */
enum groth16_verdict groth16_snarkjs_key(struct groth16_raw_key *out, const char *text, size_t len);
enum groth16_verdict groth16_snarkjs_proof(struct groth16_raw_proof *out, const char *text,
                                           size_t len);
enum groth16_verdict groth16_snarkjs_inputs(struct groth16_inputs *out, const char *text,
                                            size_t len);

/* The same from values that are parsed already (duplicates must have been refused). */
enum groth16_verdict groth16_snarkjs_key_json(struct groth16_raw_key *out, const json_t *root);
enum groth16_verdict groth16_snarkjs_proof_json(struct groth16_raw_proof *out, const json_t *root);
enum groth16_verdict groth16_snarkjs_inputs_json(struct groth16_inputs *out, const json_t *root);

/* A JSON string holding a canonical decimal below 2^256: digits only, no leading zero, at most 78
 * of them. */
bool snarkjs_number(struct u256 *out, const json_t *value);
/* ["x", "y", "1"]. */
bool snarkjs_g1(struct groth16_raw_g1 *out, const json_t *value);
/* [["x0", "x1"], ["y0", "y1"], ["1", "0"]]. */
bool snarkjs_g2(struct groth16_raw_g2 *out, const json_t *value);

/* Reads the proof and the inputs and verifies them with a registered key. */
enum groth16_verdict groth16_snarkjs_verify(const struct groth16_key *key, const json_t *proof,
                                            const json_t *inputs);

#endif
