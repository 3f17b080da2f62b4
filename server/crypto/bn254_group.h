/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of BN254: E: y^2 = x^3 + 3 over Fp (G1, prime order r) and E': y^2 = x^3 + 3/xi over
 * Fp2, whose subgroup of order r is G2. */
#ifndef CF_CRYPTO_BN254_GROUP_H
#define CF_CRYPTO_BN254_GROUP_H

#include "server/crypto/bn254_tower.h"

#define G1_BYTES 64
#define G2_BYTES 128
/* Windows of four bits in a scalar of at most 256. */
#define G1_WINDOW_BITS 4
#define G1_TABLE_SIZE  15

enum bn254_point {
    BN254_POINT_OK,
    BN254_POINT_NOT_CANONICAL, /* a coordinate is p or more */
    BN254_POINT_OFF_CURVE,
    BN254_POINT_NOT_IN_SUBGROUP
};

/* Affine points. Coordinates of the point at infinity are zero. */
struct g1 {
    struct fp x, y;
    bool infinity;
};

struct g2 {
    struct fp2 x, y;
    bool infinity;
};

/* Jacobian coordinates: (x/z^2, y/z^3), infinity when z is 0. */
struct g1_jac {
    struct fp x, y, z;
};

struct g2_jac {
    struct fp2 x, y, z;
};

/* 1*P .. 15*P, for repeated multiplication of one point. */
struct g1_table {
    struct g1 multiple[G1_TABLE_SIZE];
};

extern const struct g1 G1_GENERATOR;
extern const struct g2 G2_GENERATOR;

/* Big-endian x || y (EIP-196); 64 zero bytes are the point at infinity. */
enum bn254_point g1_decode(struct g1 *p, const uint8_t in[G1_BYTES]);
void g1_encode(const struct g1 *p, uint8_t out[G1_BYTES]);
/* From canonical integers; (0, 0) is the point at infinity. */
enum bn254_point g1_from_u256(struct g1 *p, const struct u256 *x, const struct u256 *y);
bool g1_equal(const struct g1 *a, const struct g1 *b);
void g1_neg(struct g1 *r, const struct g1 *p);

void g1_jac_from(struct g1_jac *r, const struct g1 *p);
void g1_jac_dbl(struct g1_jac *r, const struct g1_jac *p);
void g1_jac_add(struct g1_jac *r, const struct g1_jac *p, const struct g1_jac *q);
/* r = p + q with q affine. */
void g1_jac_add_affine(struct g1_jac *r, const struct g1_jac *p, const struct g1 *q);
void g1_from_jac(struct g1 *r, const struct g1_jac *p);
void g1_add(struct g1 *r, const struct g1 *a, const struct g1 *b);
/* Any 256-bit scalar. */
void g1_mul(struct g1 *r, const struct g1 *p, const struct u256 *k);
void g1_table_fill(struct g1_table *t, const struct g1 *p);
/* *r = sum of scalars[i] * point of tables[i], sharing the doublings; count may be 0. */
void g1_sum(struct g1_jac *r, const struct g1_table *const *tables, const struct u256 *scalars,
            size_t count);

/* x.c1 || x.c0 || y.c1 || y.c0, big-endian (EIP-197: imaginary part first). Checks the curve and
 * the subgroup. */
enum bn254_point g2_decode(struct g2 *p, const uint8_t in[G2_BYTES]);
void g2_encode(const struct g2 *p, uint8_t out[G2_BYTES]);
/* From x.c0, x.c1, y.c0, y.c1; zeros are the point at infinity. Checks the curve and the subgroup.
 */
enum bn254_point g2_from_u256(struct g2 *p, const struct u256 c[4]);
bool g2_equal(const struct g2 *a, const struct g2 *b);
void g2_neg(struct g2 *r, const struct g2 *p);
/* True when a point on the twist has order r (or is infinity). */
bool g2_in_subgroup(const struct g2 *p);
/* The same by multiplication with r: slow, the definition the fast test is tested against. */
bool g2_in_subgroup_plain(const struct g2 *p);
/* r = p^Frobenius carried to the twist: multiplication by p on G2. */
void g2_psi(struct g2 *r, const struct g2 *p);

void g2_jac_from(struct g2_jac *r, const struct g2 *p);
void g2_jac_dbl(struct g2_jac *r, const struct g2_jac *p);
void g2_jac_add(struct g2_jac *r, const struct g2_jac *p, const struct g2_jac *q);
void g2_from_jac(struct g2 *r, const struct g2_jac *p);
void g2_mul(struct g2 *r, const struct g2 *p, const struct u256 *k);

#endif
