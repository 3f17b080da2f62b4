/* SPDX-License-Identifier: Apache-2.0 */
/* The optimal ate pairing of BN254 as a product check: is the product of e(P_i, Q_i) one? */
#ifndef CF_CRYPTO_BN254_PAIRING_H
#define CF_CRYPTO_BN254_PAIRING_H

#include "server/crypto/bn254_group.h"

/* 65 doublings, 21 additions for the digits of 6u+2, two for the Frobenius images. */
#define BN254_LINE_COUNT 88

/* A line through multiples of Q: y_P * a + x_P * b w + c v w. */
struct bn254_line {
    struct fp2 a, b, c;
};

/* All lines of one Q, worth keeping when Q is used again (22 KiB). */
struct bn254_lines {
    struct bn254_line line[BN254_LINE_COUNT];
    bool infinity;
};

/* Q must be in G2; infinity is allowed and pairs to one. */
void bn254_lines_fill(struct bn254_lines *lines, const struct g2 *q);

/* One factor of a product: P with the lines of Q. Pointers are borrowed. */
struct bn254_pair {
    const struct g1 *p;
    const struct bn254_lines *q;
};

/* *f = product of the Miller functions; pairs with a point at infinity count as one. */
void bn254_miller(struct fp12 *f, const struct bn254_pair *pairs, size_t count);

/* r = f^(c (p^12 - 1)/r) with c = 2u(6u^2 + 3u + 1), which is prime to r: bilinear, and one exactly
 * when the reduced pairing is. f must not be zero. */
void bn254_final_exp(struct fp12 *r, const struct fp12 *f);

/* True when the product of the pairings is one. */
bool bn254_product_is_one(const struct bn254_pair *pairs, size_t count);

#endif
