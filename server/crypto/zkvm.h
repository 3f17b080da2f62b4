/* SPDX-License-Identifier: Apache-2.0 */
/* Groth16 proofs of the two zkVMs, SP1 and RISC Zero, with pinned keys and a version policy. A
 * valid proof says that the named program ran and wrote these public bytes; that the program is
 * sound, and what the bytes mean, is for the job to judge: parse them whole and compare its binding
 * value. */
#ifndef CF_CRYPTO_ZKVM_H
#define CF_CRYPTO_ZKVM_H

#include "server/crypto/groth16.h"

#define ZKVM_SELECTOR_BYTES 4
#define ZKVM_DIGEST_BYTES   32
#define SP1_VERSION_COUNT   5
#define RISC0_VERSION_COUNT 9
#define SP1_V5_PROOF_BYTES  260
#define SP1_V6_PROOF_BYTES  356
#define RISC0_SEAL_BYTES    260

enum zkvm_policy {
    ZKVM_POLICY_ENFORCED, /* only versions believed sound */
    ZKVM_POLICY_IGNORED   /* every known version: for tests and for looking at old proofs, never for
                             payment */
};

/* A published version of a prover, as its four selector bytes name it. */
struct zkvm_version {
    uint8_t selector[ZKVM_SELECTOR_BYTES];
    bool allowed;
    const char *name;
    const char *why; /* why it is denied; "" when allowed */
};

struct sp1_version {
    struct zkvm_version v;
    bool extended; /* v6: exit code, vk root and nonce are public inputs */
    uint8_t verifier_hash[ZKVM_DIGEST_BYTES]; /* SHA-256 of gnark's groth16_vk.bin */
    uint8_t vk_root[ZKVM_DIGEST_BYTES];       /* pinned recursion root, v6 only */
};

struct risc0_version {
    struct zkvm_version v;
    uint8_t control_root[ZKVM_DIGEST_BYTES];
    uint8_t control_id[ZKVM_DIGEST_BYTES]; /* bn254 control id as a big-endian integer */
};

extern const struct sp1_version SP1_VERSIONS[SP1_VERSION_COUNT];
extern const struct risc0_version RISC0_VERSIONS[RISC0_VERSION_COUNT];

/* The published keys, before registration. index < SP1_VERSION_COUNT. */
void sp1_key_raw(struct groth16_raw_key *out, size_t index);
void risc0_key_raw(struct groth16_raw_key *out);

/* Registered keys of all SP1 versions; half a MiB, heap. */
struct sp1_keyring {
    struct groth16_key key[SP1_VERSION_COUNT];
};

/* Registers the pinned keys; anything but GROTH16_VALID means this program is corrupt. */
enum groth16_verdict sp1_keyring_fill(struct sp1_keyring *ring);
enum groth16_verdict risc0_keyring_fill(struct groth16_key *key);

/* What an SP1 proof must prove. */
struct sp1_statement {
    uint8_t program_vkey[ZKVM_DIGEST_BYTES]; /* of the job's program, big-endian */
    const uint8_t *public_values;            /* borrowed; may be NULL when the length is 0 */
    size_t public_values_bytes;
};

/* What a RISC Zero receipt must prove: the program halted with success, took no assumptions, and
 * wrote the journal. */
struct risc0_statement {
    uint8_t image_id[ZKVM_DIGEST_BYTES];
    const uint8_t *journal; /* borrowed; may be NULL when the length is 0 */
    size_t journal_bytes;
    const uint8_t
        *control_root; /* the root the receipt names, must be the pinned one; NULL: none named */
};

/* proof: selector || words, as SP1 publishes it for its contracts. */
enum groth16_verdict sp1_verify(const struct sp1_keyring *ring, const struct sp1_statement *s,
                                const uint8_t *proof, size_t proof_bytes, enum zkvm_policy policy);

/* seal: selector || words, as the RISC Zero contracts take it. */
enum groth16_verdict risc0_verify(const struct groth16_key *key, const struct risc0_statement *s,
                                  const uint8_t *seal, size_t seal_bytes, enum zkvm_policy policy);

/* The claim digest recomputed from the statement. */
void risc0_claim_digest(const struct risc0_statement *s, uint8_t out[ZKVM_DIGEST_BYTES]);

/* The verifier parameters digest, whose first bytes are the selector, of a key and version. */
void risc0_parameters_digest(const struct groth16_raw_key *key, const struct risc0_version *v,
                             uint8_t out[ZKVM_DIGEST_BYTES]);

#endif
