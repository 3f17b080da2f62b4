/* SPDX-License-Identifier: Apache-2.0 */
/* With random z_i: prod e(z_i A_i, B_i) * e(sum z_i L_i, -gamma) * e(sum z_i C_i, -delta) =
 * e(alpha,beta)^(sum z_i). One wrong proof passes with probability 2^-128, because all points lie
 * in groups of prime order. */
#include "server/crypto/groth16.h"

#include <string.h>

#include "server/crypto/sha256.h"

#define BATCH_TAG   "computefi/groth16-batch/1"
#define CHUNK_COUNT 4 /* pairs that share a Miller loop; their lines are 88 KiB of stack */

/* What the combination needs: the sums so far, and the product of Miller functions of (z_i A_i,
 * B_i). */
struct combination {
    struct g1_jac c_sum;
    struct u256 z_sum;            /* modulo r */
    struct groth16_inputs scaled; /* sum z_i x_ij modulo r */
    struct fp12 f;
    struct g1 za[CHUNK_COUNT];
    struct bn254_lines b[CHUNK_COUNT];
    size_t pending;
};

static void hash_u256(struct sha256 *h, const struct u256 *v)
{
    uint8_t b[U256_BYTES];
    u256_to_be(v, b);
    sha256_add(h, b, sizeof b);
}

/* A digest over the seed and every statement and proof: coefficients stay unpredictable even for a
 * seed that is used twice. */
static void batch_digest(const struct groth16_key *key, const struct groth16_item *items,
                         size_t count, const uint8_t seed[GROTH16_SEED_BYTES],
                         uint8_t out[SHA256_BYTES])
{
    struct sha256 h;
    sha256_start(&h);
    sha256_add(&h, BATCH_TAG, sizeof BATCH_TAG);
    sha256_add(&h, seed, GROTH16_SEED_BYTES);
    sha256_add(&h, key->id, sizeof key->id);
    for (size_t i = 0; i < count; i++) {
        const struct groth16_raw_proof *p = items[i].proof;
        hash_u256(&h, &p->a.x);
        hash_u256(&h, &p->a.y);
        hash_u256(&h, &p->c.x);
        hash_u256(&h, &p->c.y);
        for (size_t j = 0; j < 4; j++)
            hash_u256(&h, &p->b.c[j]);
        for (size_t j = 0; j < items[i].inputs->count && j < GROTH16_INPUTS_MAX; j++)
            hash_u256(&h, &items[i].inputs->value[j]);
    }
    sha256_end(&h, out);
}

/* The i-th coefficient: 128 bits, not zero. */
static struct u256 coefficient(const uint8_t digest[SHA256_BYTES], size_t index)
{
    uint8_t b[SHA256_BYTES + 4];
    uint8_t out[SHA256_BYTES];
    memcpy(b, digest, SHA256_BYTES);
    for (size_t i = 0; i < 4; i++)
        b[SHA256_BYTES + i] = (uint8_t)(index >> 8 * i);
    sha256_of(b, sizeof b, out);
    struct u256 z = u256_from_be(out);
    z.w[2] = 0;
    z.w[3] = 0;
    z.w[0] |= 1;
    return z;
}

static void flush(struct combination *k)
{
    struct bn254_pair pairs[CHUNK_COUNT];
    struct fp12 f;
    for (size_t i = 0; i < k->pending; i++)
        pairs[i] = (struct bn254_pair){&k->za[i], &k->b[i]};
    bn254_miller(&f, pairs, k->pending);
    fp12_mul(&k->f, &k->f, &f);
    k->pending = 0;
}

static void add_proof(struct combination *k, const struct groth16_proof *proof,
                      const struct groth16_inputs *inputs, const struct u256 *z)
{
    struct g1 zc;
    struct fr s, x, t;
    if (k->pending == CHUNK_COUNT)
        flush(k);
    g1_mul(&k->za[k->pending], &proof->a, z);
    bn254_lines_fill(&k->b[k->pending], &proof->b);
    k->pending++;
    g1_mul(&zc, &proof->c, z);
    g1_jac_add_affine(&k->c_sum, &k->c_sum, &zc);
    fr_reduce_u256(&s, z);
    fr_reduce_u256(&t, &k->z_sum);
    fr_add(&t, &t, &s);
    fr_to_u256(&k->z_sum, &t);
    for (size_t i = 0; i < inputs->count; i++) {
        fr_reduce_u256(&x, &inputs->value[i]);
        fr_mul(&x, &x, &s);
        fr_reduce_u256(&t, &k->scaled.value[i]);
        fr_add(&t, &t, &x);
        fr_to_u256(&k->scaled.value[i], &t);
    }
}

/* r = a^e for a in the cyclotomic subgroup. */
static void cyclotomic_pow(struct fp12 *r, const struct fp12 *a, const struct u256 *e)
{
    struct fp12 t;
    fp12_one(&t);
    for (unsigned i = u256_bit_count(e); i-- > 0;) {
        fp12_cyclotomic_sqr(&t, &t);
        if (u256_bit(e, i))
            fp12_mul(&t, &t, a);
    }
    *r = t;
}

static bool combination_holds(struct combination *k, const struct groth16_key *key)
{
    struct g1_jac sum;
    struct g1 l, c, z_ic0;
    struct fp12 f, want;
    flush(k);
    /* sum z_i L_i = (sum z_i) IC_0 + sum_j (sum_i z_i x_ij) IC_j; groth16_inputs_sum adds one IC_0.
     */
    struct u256 rest;
    struct fr s;
    fr_reduce_u256(&s, &k->z_sum);
    fr_sub(&s, &s, &FR_ONE);
    fr_to_u256(&rest, &s);
    groth16_inputs_sum(&sum, key, &k->scaled);
    g1_mul(&z_ic0, &key->ic0, &rest);
    g1_jac_add_affine(&sum, &sum, &z_ic0);
    g1_from_jac(&l, &sum);
    g1_from_jac(&c, &k->c_sum);
    const struct bn254_pair pairs[2] = {{&l, &key->minus_gamma}, {&c, &key->minus_delta}};
    bn254_miller(&f, pairs, 2);
    fp12_mul(&f, &f, &k->f);
    bn254_final_exp(&f, &f);
    cyclotomic_pow(&want, &key->alpha_beta, &k->z_sum);
    return fp12_equal(&f, &want);
}

size_t groth16_verify_batch(const struct groth16_key *key, struct groth16_item *items, size_t count,
                            const uint8_t seed[GROTH16_SEED_BYTES])
{
    struct combination k = {.z_sum = u256_zero()};
    uint8_t digest[SHA256_BYTES];
    size_t candidates = 0;
    for (size_t i = GROTH16_BATCH_MAX; i < count; i++)
        items[i].verdict = GROTH16_MALFORMED;
    if (count > GROTH16_BATCH_MAX)
        count = GROTH16_BATCH_MAX;
    g1_jac_from(&k.c_sum, &(struct g1){.infinity = true});
    fp12_one(&k.f);
    k.scaled.count = key->input_count;
    batch_digest(key, items, count, seed, digest);
    for (size_t i = 0; i < count; i++) {
        struct groth16_proof proof;
        items[i].verdict = groth16_inputs_check(key, items[i].inputs);
        if (items[i].verdict == GROTH16_VALID)
            items[i].verdict = groth16_proof_decode(&proof, items[i].proof);
        if (items[i].verdict != GROTH16_VALID)
            continue;
        struct u256 z = coefficient(digest, i);
        add_proof(&k, &proof, items[i].inputs, &z);
        candidates++;
    }
    if (candidates == 0 || combination_holds(&k, key))
        return candidates;
    size_t valid = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i].verdict == GROTH16_VALID)
            items[i].verdict = groth16_verify(key, items[i].proof, items[i].inputs);
        valid += items[i].verdict == GROTH16_VALID;
    }
    return valid;
}
