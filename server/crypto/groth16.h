/* SPDX-License-Identifier: Apache-2.0 */
/* Groth16 over BN254: a key is validated once, then proofs are checked against it.
 * A proof is malleable: (-A,-B,C), (kA,B/k,C) and re-randomised proofs verify too. Identify what
 * was proved by its key and inputs, never by proof bytes. */
#ifndef CF_CRYPTO_GROTH16_H
#define CF_CRYPTO_GROTH16_H

#include "server/crypto/bn254_pairing.h"

#define GROTH16_INPUTS_MAX   64
#define GROTH16_KEY_ID_BYTES 32
#define GROTH16_BATCH_MAX    256
#define GROTH16_SEED_BYTES   32

enum groth16_verdict {
    GROTH16_VALID,
    /* the proof */
    GROTH16_EQUATION_FAILS,
    GROTH16_MALFORMED,           /* not the dialect's text or length */
    GROTH16_WRONG_PROTOCOL,      /* another protocol or curve is named */
    GROTH16_NUMBER_MALFORMED,    /* a number is not a plain decimal, or a point is not affine */
    GROTH16_INPUT_COUNT,         /* not the number of inputs of the key */
    GROTH16_INPUT_TOO_LARGE,     /* an input is r or more */
    GROTH16_POINT_NOT_CANONICAL, /* a coordinate is p or more */
    GROTH16_POINT_OFF_CURVE,
    GROTH16_POINT_NOT_IN_SUBGROUP,
    GROTH16_POINT_INFINITY,
    /* the key */
    GROTH16_KEY_INPUT_COUNT, /* none, or more than GROTH16_INPUTS_MAX, or not the length of IC */
    GROTH16_KEY_INPUT_UNBOUND,
    GROTH16_KEY_INPUTS_EQUAL,
    GROTH16_KEY_DELTA_KNOWN,
    /* dialects with a version policy */
    GROTH16_VERSION_UNKNOWN,
    GROTH16_VERSION_DENIED,
    GROTH16_EXIT_CODE,
    GROTH16_ROOT_MISMATCH
};

/* The reason in words; never NULL. */
const char *groth16_verdict_text(enum groth16_verdict v);

/* Coordinates as plain integers, before any check. G2: x.c0, x.c1, y.c0, y.c1. */
struct groth16_raw_g1 {
    struct u256 x, y;
};

struct groth16_raw_g2 {
    struct u256 c[4];
};

struct groth16_raw_key {
    struct groth16_raw_g1 alpha;
    struct groth16_raw_g2 beta, gamma, delta;
    size_t input_count;
    struct groth16_raw_g1 ic[GROTH16_INPUTS_MAX + 1]; /* input_count + 1 are used */
};

struct groth16_raw_proof {
    struct groth16_raw_g1 a, c;
    struct groth16_raw_g2 b;
};

/* Inputs as plain integers. */
struct groth16_inputs {
    size_t count;
    struct u256 value[GROTH16_INPUTS_MAX];
};

/* A validated key with everything that does not depend on the proof. 120 KiB: keep it on the heap,
 * share it between threads; it never changes. */
struct groth16_key {
    size_t input_count;
    uint8_t id[GROTH16_KEY_ID_BYTES]; /* SHA-256 of a tag and all points: pin it in a job */
    struct g1 ic0;
    struct g1_table ic[GROTH16_INPUTS_MAX];
    struct bn254_lines minus_gamma, minus_delta;
    struct fp12 alpha_beta; /* e(alpha, beta) as bn254_final_exp gives it */
};

/* Validates a key and fills *key, which holds nothing usable unless the verdict is GROTH16_VALID.
 * Refuses keys under which anybody can prove anything (delta equal to gamma or the generator up to
 * sign: no phase 2) and keys that leave an input unbound. Takes a few milliseconds. */
enum groth16_verdict groth16_key_register(struct groth16_key *key,
                                          const struct groth16_raw_key *raw);

/* Verifies one proof; inputs are never reduced. */
enum groth16_verdict groth16_verify(const struct groth16_key *key,
                                    const struct groth16_raw_proof *proof,
                                    const struct groth16_inputs *inputs);

/* One proof of a batch; pointers are borrowed. The verdict is the answer. */
struct groth16_item {
    const struct groth16_raw_proof *proof;
    const struct groth16_inputs *inputs;
    enum groth16_verdict verdict;
};

/* Verifies proofs of one key together by a random linear combination (128-bit coefficients). When
 * the combination fails, each proof is verified alone, so every verdict equals groth16_verify's.
 * count is at most GROTH16_BATCH_MAX (more are left GROTH16_MALFORMED). seed must be fresh
 * randomness that no prover could know. Returns how many are valid. */
size_t groth16_verify_batch(const struct groth16_key *key, struct groth16_item *items, size_t count,
                            const uint8_t seed[GROTH16_SEED_BYTES]);

/* -- shared by groth16.c and groth16_batch.c -- */

struct groth16_proof {
    struct g1 a, c;
    struct g2 b;
};

/* Checks and decodes the points. */
enum groth16_verdict groth16_proof_decode(struct groth16_proof *proof,
                                          const struct groth16_raw_proof *raw);
/* Checks the number and range of the inputs. */
enum groth16_verdict groth16_inputs_check(const struct groth16_key *key,
                                          const struct groth16_inputs *inputs);
/* *sum = IC_0 + sum of inputs[i] * IC_(i+1). */
void groth16_inputs_sum(struct g1_jac *sum, const struct groth16_key *key,
                        const struct groth16_inputs *inputs);

#endif
