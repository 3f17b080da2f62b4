/* SPDX-License-Identifier: Apache-2.0 */
/* Miller loop over 6u+2 in signed digits with homogeneous coordinates on the D-type twist
 * (Costello, Lange, Naehrig 2010; Aranha et al. 2011). Final exponentiation after
 * Fuentes-Castaneda, Knapp and Rodriguez-Henriquez (2011). */
#include "server/crypto/bn254_pairing.h"

#define BN254_U UINT64_C(4965661367192848881)

/* 6u+2, most significant digit first, the leading 1 left out. */
static const int8_t LOOP[65] = {0,  -1, 0, 1,  0, 0,  0,  -1, 0, -1, 0, 0,  0,  -1, 0, 1, 0,
                                -1, 0,  0, -1, 0, 0,  0,  0,  0, 1,  0, 0,  -1, 0,  1, 0, 0,
                                -1, 0,  0, 0,  0, -1, 0,  1,  0, 0,  0, -1, 0,  -1, 0, 0, 1,
                                0,  0,  0, -1, 0, 0,  -1, 0,  1, 0,  1, 0,  0,  0};

#define LOOP_LENGTH (sizeof LOOP / sizeof LOOP[0])

/* 3/xi */
static const struct fp2 TWIST_B = {{{UINT64_C(0x3bf938e377b802a8), UINT64_C(0x020b1b273633535d),
                                     UINT64_C(0x26b7edf049755260), UINT64_C(0x2514c6324384a86d)}},
                                   {{UINT64_C(0x38e7ecccd1dcff67), UINT64_C(0x65f0b37d93ce0d3e),
                                     UINT64_C(0xd749d0dd22ac00aa), UINT64_C(0x0141b9ce4a688d4d)}}};

/* Homogeneous coordinates: (x/z, y/z). */
struct g2_hom {
    struct fp2 x, y, z;
};

static void double_step(struct g2_hom *t, struct bn254_line *line)
{
    struct fp2 a, b, c, e, f, g, h, s;
    fp2_mul(&a, &t->x, &t->y);
    fp2_half(&a, &a);
    fp2_sqr(&b, &t->y);
    fp2_sqr(&c, &t->z);
    fp2_dbl(&e, &c);
    fp2_add(&e, &e, &c);
    fp2_mul(&e, &e, &TWIST_B);
    fp2_dbl(&f, &e);
    fp2_add(&f, &f, &e);
    fp2_add(&g, &b, &f);
    fp2_half(&g, &g);
    fp2_add(&h, &t->y, &t->z);
    fp2_sqr(&h, &h);
    fp2_sub(&h, &h, &b);
    fp2_sub(&h, &h, &c);
    fp2_sub(&line->c, &e, &b);
    fp2_sqr(&s, &t->x);
    fp2_dbl(&line->b, &s);
    fp2_add(&line->b, &line->b, &s);
    fp2_neg(&line->a, &h);
    fp2_sub(&s, &b, &f);
    fp2_mul(&t->x, &a, &s);
    fp2_sqr(&e, &e);
    fp2_dbl(&s, &e);
    fp2_add(&s, &s, &e);
    fp2_sqr(&g, &g);
    fp2_sub(&t->y, &g, &s);
    fp2_mul(&t->z, &b, &h);
}

static void add_step(struct g2_hom *t, const struct g2 *q, struct bn254_line *line)
{
    struct fp2 theta, lambda, c, d, e, f, g, h;
    fp2_mul(&theta, &q->y, &t->z);
    fp2_sub(&theta, &t->y, &theta);
    fp2_mul(&lambda, &q->x, &t->z);
    fp2_sub(&lambda, &t->x, &lambda);
    fp2_sqr(&c, &theta);
    fp2_sqr(&d, &lambda);
    fp2_mul(&e, &lambda, &d);
    fp2_mul(&f, &t->z, &c);
    fp2_mul(&g, &t->x, &d);
    fp2_add(&h, &e, &f);
    fp2_sub(&h, &h, &g);
    fp2_sub(&h, &h, &g);
    fp2_mul(&t->x, &lambda, &h);
    fp2_sub(&g, &g, &h);
    fp2_mul(&g, &g, &theta);
    fp2_mul(&h, &e, &t->y);
    fp2_sub(&t->y, &g, &h);
    fp2_mul(&t->z, &t->z, &e);
    line->a = lambda;
    fp2_neg(&line->b, &theta);
    fp2_mul(&c, &theta, &q->x);
    fp2_mul(&d, &lambda, &q->y);
    fp2_sub(&line->c, &c, &d);
}

void bn254_lines_fill(struct bn254_lines *lines, const struct g2 *q)
{
    struct g2 minus, image;
    struct g2_hom t = {q->x, q->y, FP2_ONE};
    size_t n = 0;
    lines->infinity = q->infinity;
    if (q->infinity)
        return;
    g2_neg(&minus, q);
    for (size_t i = 0; i < LOOP_LENGTH; i++) {
        double_step(&t, &lines->line[n++]);
        if (LOOP[i] != 0)
            add_step(&t, LOOP[i] > 0 ? q : &minus, &lines->line[n++]);
    }
    g2_psi(&image, q);
    add_step(&t, &image, &lines->line[n++]);
    g2_psi(&image, &image);
    g2_neg(&image, &image);
    add_step(&t, &image, &lines->line[n]);
}

/* Multiplies f by the n-th line of each pair, evaluated at its P. */
static void multiply_lines(struct fp12 *f, const struct bn254_pair *pairs, size_t count, size_t n)
{
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].p->infinity || pairs[i].q->infinity)
            continue;
        const struct bn254_line *l = &pairs[i].q->line[n];
        struct fp2 a, b;
        fp2_mul_fp(&a, &l->a, &pairs[i].p->y);
        fp2_mul_fp(&b, &l->b, &pairs[i].p->x);
        fp12_mul_line(f, f, &a, &b, &l->c);
    }
}

void bn254_miller(struct fp12 *f, const struct bn254_pair *pairs, size_t count)
{
    size_t n = 0;
    fp12_one(f);
    for (size_t i = 0; i < LOOP_LENGTH; i++) {
        if (i != 0)
            fp12_sqr(f, f);
        multiply_lines(f, pairs, count, n++);
        if (LOOP[i] != 0)
            multiply_lines(f, pairs, count, n++);
    }
    multiply_lines(f, pairs, count, n++);
    multiply_lines(f, pairs, count, n);
}

/* r = a^(-u), for a in the cyclotomic subgroup. */
static void exp_minus_u(struct fp12 *r, const struct fp12 *a)
{
    struct fp12 t = *a;
    for (int i = 61; i >= 0; i--) {
        fp12_cyclotomic_sqr(&t, &t);
        if ((BN254_U >> i & 1) != 0)
            fp12_mul(&t, &t, a);
    }
    fp12_conj(r, &t);
}

void bn254_final_exp(struct fp12 *r, const struct fp12 *f)
{
    struct fp12 g, y0, y1, y3, y4, y6, y8, y9, t;
    /* f^((p^6 - 1)(p^2 + 1)) */
    fp12_inv(&t, f);
    fp12_conj(&g, f);
    fp12_mul(&t, &g, &t);
    fp12_frobenius_2(&g, &t);
    fp12_mul(&g, &g, &t);
    /* the part (p^4 - p^2 + 1)/r, times c */
    exp_minus_u(&y0, &g);
    fp12_cyclotomic_sqr(&y1, &y0);
    fp12_cyclotomic_sqr(&y3, &y1);
    fp12_mul(&y3, &y3, &y1);
    exp_minus_u(&y4, &y3);
    fp12_cyclotomic_sqr(&t, &y4);
    exp_minus_u(&y6, &t);
    fp12_conj(&y3, &y3);
    fp12_conj(&y6, &y6);
    fp12_mul(&y8, &y6, &y4);
    fp12_mul(&y8, &y8, &y3);
    fp12_mul(&y9, &y8, &y1);
    fp12_mul(&t, &y8, &y4);
    fp12_mul(&t, &t, &g);
    fp12_frobenius_1(&y0, &y9);
    fp12_mul(&t, &t, &y0);
    fp12_frobenius_2(&y8, &y8);
    fp12_mul(&t, &t, &y8);
    fp12_conj(&g, &g);
    fp12_mul(&y9, &g, &y9);
    fp12_frobenius_1(&y9, &y9);
    fp12_frobenius_2(&y9, &y9);
    fp12_mul(r, &t, &y9);
}

bool bn254_product_is_one(const struct bn254_pair *pairs, size_t count)
{
    struct fp12 f;
    bn254_miller(&f, pairs, count);
    bn254_final_exp(&f, &f);
    return fp12_is_one(&f);
}
