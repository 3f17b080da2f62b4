/* SPDX-License-Identifier: Apache-2.0 */
/* Points and scalars from bytes: decoding and encoding agree, the group laws hold, and both
 * subgroup tests give the same answer for every point of the twist that is found. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/bn254_pairing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_g1(const uint8_t *data)
{
    struct g1 p, twice, sum;
    uint8_t out[G1_BYTES];
    const struct u256 two = u256_from_u64(2);
    if (g1_decode(&p, data) != BN254_POINT_OK)
        return;
    g1_encode(&p, out);
    if (memcmp(out, data, sizeof out) != 0)
        abort();
    g1_mul(&twice, &p, &two);
    g1_add(&sum, &p, &p);
    if (!g1_equal(&twice, &sum))
        abort();
}

/* A multiple of the twist point in the input, whatever its order. */
static void check_g2(const uint8_t *data, const struct u256 *k)
{
    struct g2 q = {.infinity = false};
    struct g2 checked, multiple;
    uint8_t out[G2_BYTES];
    const struct u256 c[4] = {u256_from_be(data + 32), u256_from_be(data), u256_from_be(data + 96),
                              u256_from_be(data + 64)};
    enum bn254_point v = g2_from_u256(&checked, c);
    if (v == BN254_POINT_NOT_CANONICAL || v == BN254_POINT_OFF_CURVE)
        return;
    if (!fp_from_u256(&q.x.c0, &c[0]) || !fp_from_u256(&q.x.c1, &c[1]) ||
        !fp_from_u256(&q.y.c0, &c[2]) || !fp_from_u256(&q.y.c1, &c[3]))
        abort();
    q.infinity = fp2_is_zero(&q.x) && fp2_is_zero(&q.y);
    g2_mul(&multiple, &q, k);
    if (g2_in_subgroup(&q) != g2_in_subgroup_plain(&q) ||
        g2_in_subgroup(&multiple) != g2_in_subgroup_plain(&multiple) ||
        g2_in_subgroup(&q) != (v == BN254_POINT_OK))
        abort();
    if (v == BN254_POINT_OK) {
        g2_encode(&checked, out);
        if (memcmp(out, data, sizeof out) != 0)
            abort();
    }
}

static void check_fields(const uint8_t *data)
{
    struct u256 v = u256_from_be(data);
    struct u256 back;
    struct fp a, b;
    struct fr s, t;
    if (fp_from_u256(&a, &v)) {
        fp_to_u256(&back, &a);
        fp_inv(&b, &a);
        fp_mul(&b, &b, &a);
        if (u256_cmp(&v, &back) != 0 || (!fp_is_zero(&a) && !fp_equal(&b, &FP_ONE)))
            abort();
    }
    fr_reduce_u256(&s, &v);
    fr_inv(&t, &s);
    fr_mul(&t, &t, &s);
    if (!fr_is_zero(&s) && memcmp(&t, &FR_ONE, sizeof t) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < G1_BYTES + G2_BYTES)
        return 0;
    struct u256 k = u256_from_be(data);
    check_fields(data);
    check_fields(data + 32);
    check_g1(data);
    check_g2(data + G1_BYTES, &k);
    return 0;
}
