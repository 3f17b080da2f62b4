/* SPDX-License-Identifier: Apache-2.0 */
/* Case runners for the curve: the precompiled contracts of EIP-196 and EIP-197. */
#include "server/crypto/vectors_run.h"

#include <stdlib.h>
#include <string.h>

#include "server/crypto/bn254_pairing.h"

#define PAIR_BYTES (G1_BYTES + G2_BYTES)
#define PAIRS_MAX  10
#define OUTPUT_MAX G1_BYTES

/* The input is zero-padded to G1_BYTES * 2 by the caller. */
static bool run_add(const uint8_t *in, uint8_t *out)
{
    struct g1 a, b;
    if (g1_decode(&a, in) != BN254_POINT_OK || g1_decode(&b, in + G1_BYTES) != BN254_POINT_OK)
        return false;
    g1_add(&a, &a, &b);
    g1_encode(&a, out);
    return true;
}

static bool run_mul(const uint8_t *in, uint8_t *out)
{
    struct g1 a;
    struct u256 k = u256_from_be(in + G1_BYTES);
    if (g1_decode(&a, in) != BN254_POINT_OK)
        return false;
    g1_mul(&a, &a, &k);
    g1_encode(&a, out);
    return true;
}

/* lines holds PAIRS_MAX. */
static bool run_pairing(const uint8_t *in, size_t len, struct bn254_lines *lines, uint8_t *out)
{
    struct g1 p[PAIRS_MAX];
    struct bn254_pair pairs[PAIRS_MAX];
    size_t count = len / PAIR_BYTES;
    if (len % PAIR_BYTES != 0 || count > PAIRS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct g2 q;
        if (g1_decode(&p[i], in + i * PAIR_BYTES) != BN254_POINT_OK ||
            g2_decode(&q, in + i * PAIR_BYTES + G1_BYTES) != BN254_POINT_OK)
            return false;
        bn254_lines_fill(&lines[i], &q);
        pairs[i] = (struct bn254_pair){&p[i], &lines[i]};
    }
    memset(out, 0, U256_BYTES);
    out[U256_BYTES - 1] = bn254_product_is_one(pairs, count);
    return true;
}

void vectors_bn254(struct vectors_run *run, const json_t *doc)
{
    struct bn254_lines *lines = malloc(PAIRS_MAX * sizeof *lines);
    if (lines == NULL) {
        vectors_count(run, "bn254", false, "out of memory");
        return;
    }
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        uint8_t in[VECTORS_BYTES_MAX] = {0};
        uint8_t out[OUTPUT_MAX];
        const char *op = vectors_text(c, "op");
        size_t len;
        size_t out_len = OUTPUT_MAX;
        bool accepted = false;
        if (!vectors_hex(c, "input", in, sizeof in, &len)) {
            vectors_count(run, vectors_text(c, "id"), false, "the input is not hexadecimal");
            continue;
        }
        if (strcmp(op, "add") == 0) {
            accepted = run_add(in, out);
        } else if (strcmp(op, "mul") == 0) {
            accepted = run_mul(in, out);
        } else if (strcmp(op, "pairing") == 0) {
            accepted = run_pairing(in, len, lines, out);
            out_len = U256_BYTES;
        }
        bool agrees = accepted ? vectors_hex_equal(c, "expect", out, out_len)
                               : strcmp(vectors_text(c, "expect"), "error") == 0;
        vectors_count(run, vectors_text(c, "id"), agrees,
                      accepted ? "the output differs" : "refused");
    }
    free(lines);
}
