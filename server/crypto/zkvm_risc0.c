/* SPDX-License-Identifier: Apache-2.0 */
/* RISC Zero receipts: one universal key; the public inputs are the control root, the claim digest
 * (each as two 128-bit halves of its byte-reversed value) and the control id. */
#include "server/crypto/zkvm.h"

#include <string.h>

#include "server/crypto/sha256.h"
#include "server/crypto/zkvm_words.h"

/* SystemState{pc 0, empty memory}: the state after a program has halted. */
static const uint8_t HALTED_STATE[ZKVM_DIGEST_BYTES] = {
    0xa3, 0xac, 0xc2, 0x71, 0x17, 0x41, 0x89, 0x96, 0x34, 0x0b, 0x84, 0xe5, 0xa9, 0x0f, 0x3e, 0xf4,
    0xc4, 0x9d, 0x22, 0xc7, 0x9e, 0x44, 0xaa, 0xd8, 0x22, 0xec, 0x9c, 0x31, 0x3e, 0x1e, 0xb8, 0xe2};
static const uint8_t ZERO_DIGEST[ZKVM_DIGEST_BYTES];

/* A tagged structure (risc0 StructHash): SHA-256(SHA-256(tag) || digests || data || count as
 * u16le). */
static void struct_start(struct sha256 *h, const char *tag)
{
    uint8_t t[SHA256_BYTES];
    sha256_of(tag, strlen(tag), t);
    sha256_start(h);
    sha256_add(h, t, sizeof t);
}

static void struct_end(struct sha256 *h, uint8_t digest_count, uint8_t out[SHA256_BYTES])
{
    const uint8_t count[2] = {digest_count, 0};
    sha256_add(h, count, sizeof count);
    sha256_end(h, out);
}

void risc0_claim_digest(const struct risc0_statement *s, uint8_t out[ZKVM_DIGEST_BYTES])
{
    static const uint8_t exit_halted_success[8] = {0}; /* u32le system code, u32le user code */
    uint8_t journal[SHA256_BYTES];
    uint8_t output[SHA256_BYTES];
    struct sha256 h;
    sha256_of(s->journal, s->journal_bytes, journal);
    struct_start(&h, "risc0.Output");
    sha256_add(&h, journal, sizeof journal);
    sha256_add(&h, ZERO_DIGEST, sizeof ZERO_DIGEST); /* no assumptions */
    struct_end(&h, 2, output);
    struct_start(&h, "risc0.ReceiptClaim");
    sha256_add(&h, ZERO_DIGEST, sizeof ZERO_DIGEST); /* no input */
    sha256_add(&h, s->image_id, sizeof s->image_id);
    sha256_add(&h, HALTED_STATE, sizeof HALTED_STATE);
    sha256_add(&h, output, sizeof output);
    sha256_add(&h, exit_halted_success, sizeof exit_halted_success);
    struct_end(&h, 4, out);
}

static void digest_g1(const struct groth16_raw_g1 *p, uint8_t out[SHA256_BYTES])
{
    uint8_t b[G1_BYTES];
    u256_to_be(&p->x, b);
    u256_to_be(&p->y, b + U256_BYTES);
    sha256_of(b, sizeof b, out);
}

static void add_g2(struct sha256 *h, const struct groth16_raw_g2 *p)
{
    uint8_t b[G2_BYTES];
    uint8_t digest[SHA256_BYTES];
    for (size_t i = 0; i < 4; i++)
        u256_to_be(&p->c[i ^ 1], b + i * U256_BYTES);
    sha256_of(b, sizeof b, digest);
    sha256_add(h, digest, sizeof digest);
}

static void key_digest(const struct groth16_raw_key *key, uint8_t out[SHA256_BYTES])
{
    uint8_t list[SHA256_BYTES] = {0};
    uint8_t point[SHA256_BYTES];
    struct sha256 h;
    for (size_t i = key->input_count + 1; i-- > 0;) {
        digest_g1(&key->ic[i], point);
        struct_start(&h, "risc0_groth16.VerifyingKey.IC");
        sha256_add(&h, point, sizeof point);
        sha256_add(&h, list, sizeof list);
        struct_end(&h, 2, list);
    }
    digest_g1(&key->alpha, point);
    struct_start(&h, "risc0_groth16.VerifyingKey");
    sha256_add(&h, point, sizeof point);
    add_g2(&h, &key->beta);
    add_g2(&h, &key->gamma);
    add_g2(&h, &key->delta);
    sha256_add(&h, list, sizeof list);
    struct_end(&h, 5, out);
}

static void reverse(const uint8_t in[ZKVM_DIGEST_BYTES], uint8_t out[ZKVM_DIGEST_BYTES])
{
    for (size_t i = 0; i < ZKVM_DIGEST_BYTES; i++)
        out[i] = in[ZKVM_DIGEST_BYTES - 1 - i];
}

void risc0_parameters_digest(const struct groth16_raw_key *key, const struct risc0_version *v,
                             uint8_t out[ZKVM_DIGEST_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    uint8_t id[ZKVM_DIGEST_BYTES];
    struct sha256 h;
    key_digest(key, digest);
    reverse(v->control_id, id);
    struct_start(&h, "risc0.Groth16ReceiptVerifierParameters");
    sha256_add(&h, v->control_root, sizeof v->control_root);
    sha256_add(&h, id, sizeof id);
    sha256_add(&h, digest, sizeof digest);
    struct_end(&h, 3, out);
}

enum groth16_verdict risc0_keyring_fill(struct groth16_key *key)
{
    struct groth16_raw_key raw;
    risc0_key_raw(&raw);
    return groth16_key_register(key, &raw);
}

/* The two 128-bit halves, low first, of the byte-reversed digest: a digest does not fit below r. */
static void split(struct u256 out[2], const uint8_t digest[ZKVM_DIGEST_BYTES])
{
    struct u256 n = u256_from_le(digest);
    out[0] = (struct u256){{n.w[0], n.w[1], 0, 0}};
    out[1] = (struct u256){{n.w[2], n.w[3], 0, 0}};
}

static const struct risc0_version *find_version(const uint8_t *selector)
{
    for (size_t i = 0; i < RISC0_VERSION_COUNT; i++) {
        if (memcmp(RISC0_VERSIONS[i].v.selector, selector, ZKVM_SELECTOR_BYTES) == 0)
            return &RISC0_VERSIONS[i];
    }
    return NULL;
}

enum groth16_verdict risc0_verify(const struct groth16_key *key, const struct risc0_statement *s,
                                  const uint8_t *seal, size_t seal_bytes, enum zkvm_policy policy)
{
    struct groth16_raw_proof raw;
    struct groth16_inputs inputs = {.count = 5};
    uint8_t claim[ZKVM_DIGEST_BYTES];
    if (seal_bytes != RISC0_SEAL_BYTES)
        return GROTH16_MALFORMED;
    const struct risc0_version *version = find_version(seal);
    if (version == NULL)
        return GROTH16_VERSION_UNKNOWN;
    if (!version->v.allowed && policy != ZKVM_POLICY_IGNORED)
        return GROTH16_VERSION_DENIED;
    if (s->control_root != NULL &&
        memcmp(s->control_root, version->control_root, ZKVM_DIGEST_BYTES) != 0)
        return GROTH16_ROOT_MISMATCH;
    risc0_claim_digest(s, claim);
    split(&inputs.value[0], version->control_root);
    split(&inputs.value[2], claim);
    inputs.value[4] = u256_from_be(version->control_id);
    zkvm_words_proof(&raw, seal + ZKVM_SELECTOR_BYTES);
    return groth16_verify(key, &raw, &inputs);
}
