/* SPDX-License-Identifier: Apache-2.0 */
/* PLONK over BN254 (Gabizon, Williamson, Ciobotaru 2019/953) with the transcript of snarkjs 0.7:
 * Keccak-256 over commitments and scalars, reduced modulo r. */
#ifndef CF_CRYPTO_PLONK_H
#define CF_CRYPTO_PLONK_H

#include <jansson.h>

#include "server/crypto/bn254_pairing.h"
#include "server/crypto/groth16.h"

#define PLONK_INPUTS_MAX 64
#define PLONK_POWER_MAX  28 /* r - 1 is divisible by 2^28 */

enum plonk_verdict {
    PLONK_VALID,
    PLONK_EQUATION_FAILS,
    PLONK_MALFORMED,
    PLONK_WRONG_PROTOCOL,
    PLONK_NUMBER_MALFORMED,
    PLONK_INPUT_COUNT,
    PLONK_INPUT_TOO_LARGE,
    PLONK_SCALAR_TOO_LARGE,
    PLONK_POINT, /* not canonical, off the curve, outside the subgroup, or infinity */
    PLONK_CHALLENGE_IN_DOMAIN,
    PLONK_KEY_DOMAIN,    /* power, root of unity or number of inputs */
    PLONK_KEY_COSETS,    /* k1, k2 do not give three disjoint cosets */
    PLONK_KEY_TAU_KNOWN, /* the setup's secret is plus or minus one */
};

/* The reason in words; never NULL. */
const char *plonk_verdict_text(enum plonk_verdict v);

/* Commitments of the circuit: selectors qm, ql, qr, qo, qc (may be infinity), then permutations s1,
 * s2, s3. */
enum plonk_commitment {
    PLONK_QM,
    PLONK_QL,
    PLONK_QR,
    PLONK_QO,
    PLONK_QC,
    PLONK_S1,
    PLONK_S2,
    PLONK_S3
};
#define PLONK_COMMITMENT_COUNT 8

/* A validated key. About 45 KiB; never changes. */
struct plonk_key {
    size_t input_count;
    unsigned power; /* the domain has 2^power elements */
    struct fr k1, k2;
    struct fr root; /* of unity, of order 2^power */
    struct g1 commitment[PLONK_COMMITMENT_COUNT];
    struct bn254_lines x2; /* [tau] G2 */
    struct bn254_lines g2;
};

enum plonk_point {
    PLONK_A,
    PLONK_B,
    PLONK_C,
    PLONK_Z,
    PLONK_T1,
    PLONK_T2,
    PLONK_T3,
    PLONK_WXI,
    PLONK_WXIW
};
#define PLONK_POINT_COUNT 9
enum plonk_eval {
    PLONK_EVAL_A,
    PLONK_EVAL_B,
    PLONK_EVAL_C,
    PLONK_EVAL_S1,
    PLONK_EVAL_S2,
    PLONK_EVAL_ZW
};
#define PLONK_EVAL_COUNT 6

/* A decoded proof: every point on the curve and not infinity, every evaluation below r. */
struct plonk_proof {
    struct g1 point[PLONK_POINT_COUNT];
    struct fr eval[PLONK_EVAL_COUNT];
};

/* snarkjs's verification_key.json and proof.json, parsed (duplicates refused before). */
enum plonk_verdict plonk_key_from_json(struct plonk_key *key, const json_t *root);
enum plonk_verdict plonk_proof_from_json(struct plonk_proof *proof, const json_t *root);

enum plonk_verdict plonk_verify(const struct plonk_key *key, const struct plonk_proof *proof,
                                const struct groth16_inputs *inputs);

#endif
