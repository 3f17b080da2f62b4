/* SPDX-License-Identifier: Apache-2.0 */
/* Formulas: dbl-2009-l, madd-2007-bl and add-2007-bl of the Explicit-Formulas Database, for a = 0.
 */
#include "server/crypto/bn254_group.h"

/* (1, 2) */
const struct g1 G1_GENERATOR = {{{UINT64_C(0xd35d438dc58f0d9d), UINT64_C(0x0a78eb28f5c70b3d),
                                  UINT64_C(0x666ea36f7879462c), UINT64_C(0x0e0a77c19a07df2f)}},
                                {{UINT64_C(0xa6ba871b8b1e1b3a), UINT64_C(0x14f1d651eb8e167b),
                                  UINT64_C(0xccdd46def0f28c58), UINT64_C(0x1c14ef83340fbe5e)}},
                                false};

static bool on_curve(const struct fp *x, const struct fp *y)
{
    struct fp left, right;
    fp_sqr(&left, y);
    fp_sqr(&right, x);
    fp_mul(&right, &right, x);
    for (int i = 0; i < 3; i++)
        fp_add(&right, &right, &FP_ONE);
    return fp_equal(&left, &right);
}

enum bn254_point g1_from_u256(struct g1 *p, const struct u256 *x, const struct u256 *y)
{
    struct g1 t = {.infinity = u256_is_zero(x) && u256_is_zero(y)};
    if (!fp_from_u256(&t.x, x) || !fp_from_u256(&t.y, y))
        return BN254_POINT_NOT_CANONICAL;
    if (!t.infinity && !on_curve(&t.x, &t.y))
        return BN254_POINT_OFF_CURVE;
    *p = t;
    return BN254_POINT_OK;
}

enum bn254_point g1_decode(struct g1 *p, const uint8_t in[G1_BYTES])
{
    struct u256 x = u256_from_be(in);
    struct u256 y = u256_from_be(in + U256_BYTES);
    return g1_from_u256(p, &x, &y);
}

void g1_encode(const struct g1 *p, uint8_t out[G1_BYTES])
{
    struct u256 v;
    fp_to_u256(&v, &p->x);
    u256_to_be(&v, out);
    fp_to_u256(&v, &p->y);
    u256_to_be(&v, out + U256_BYTES);
}

bool g1_equal(const struct g1 *a, const struct g1 *b)
{
    if (a->infinity || b->infinity)
        return a->infinity && b->infinity;
    return fp_equal(&a->x, &b->x) && fp_equal(&a->y, &b->y);
}

void g1_neg(struct g1 *r, const struct g1 *p)
{
    *r = *p;
    fp_neg(&r->y, &p->y);
}

void g1_jac_from(struct g1_jac *r, const struct g1 *p)
{
    *r = (struct g1_jac){p->x, p->y, FP_ONE};
    if (p->infinity)
        *r = (struct g1_jac){FP_ONE, FP_ONE, {{0, 0, 0, 0}}};
}

void g1_jac_dbl(struct g1_jac *r, const struct g1_jac *p)
{
    struct fp a, b, c, d, e, f;
    fp_sqr(&a, &p->x);
    fp_sqr(&b, &p->y);
    fp_sqr(&c, &b);
    fp_add(&d, &p->x, &b);
    fp_sqr(&d, &d);
    fp_sub(&d, &d, &a);
    fp_sub(&d, &d, &c);
    fp_dbl(&d, &d);
    fp_dbl(&e, &a);
    fp_add(&e, &e, &a);
    fp_sqr(&f, &e);
    fp_mul(&r->z, &p->y, &p->z);
    fp_dbl(&r->z, &r->z);
    fp_dbl(&a, &d);
    fp_sub(&r->x, &f, &a);
    fp_sub(&d, &d, &r->x);
    fp_mul(&d, &d, &e);
    for (int i = 0; i < 3; i++)
        fp_dbl(&c, &c);
    fp_sub(&r->y, &d, &c);
}

/* The common end of both additions: u1 = x1 of the first point, s1 = y1 (both at the common
 * denominator), h = u2 - u1, t = 2 (s2 - s1); r->z must already hold the new z. */
static void finish_add(struct g1_jac *r, const struct fp *u1, const struct fp *s1,
                       const struct fp *h, const struct fp *t)
{
    struct fp i, j, v, w, s;
    s = *s1;
    fp_dbl(&i, h);
    fp_sqr(&i, &i);
    fp_mul(&j, h, &i);
    fp_mul(&v, u1, &i);
    fp_sqr(&w, t);
    fp_sub(&w, &w, &j);
    fp_sub(&w, &w, &v);
    fp_sub(&r->x, &w, &v);
    fp_sub(&v, &v, &r->x);
    fp_mul(&v, &v, t);
    fp_mul(&s, &s, &j);
    fp_dbl(&s, &s);
    fp_sub(&r->y, &v, &s);
}

static void set_infinity(struct g1_jac *r)
{
    *r = (struct g1_jac){FP_ONE, FP_ONE, {{0, 0, 0, 0}}};
}

void g1_jac_add_affine(struct g1_jac *r, const struct g1_jac *p, const struct g1 *q)
{
    struct fp zz, h, t, u1, s1;
    if (q->infinity) {
        *r = *p;
        return;
    }
    if (fp_is_zero(&p->z)) {
        g1_jac_from(r, q);
        return;
    }
    u1 = p->x;
    s1 = p->y;
    fp_sqr(&zz, &p->z);
    fp_mul(&h, &q->x, &zz);
    fp_sub(&h, &h, &u1);
    fp_mul(&t, &q->y, &p->z);
    fp_mul(&t, &t, &zz);
    fp_sub(&t, &t, &s1);
    if (fp_is_zero(&h)) {
        if (fp_is_zero(&t))
            g1_jac_dbl(r, p);
        else
            set_infinity(r);
        return;
    }
    fp_dbl(&t, &t);
    fp_mul(&r->z, &p->z, &h);
    fp_dbl(&r->z, &r->z);
    finish_add(r, &u1, &s1, &h, &t);
}

void g1_jac_add(struct g1_jac *r, const struct g1_jac *p, const struct g1_jac *q)
{
    struct fp zz1, zz2, u1, s1, h, t;
    if (fp_is_zero(&q->z)) {
        *r = *p;
        return;
    }
    if (fp_is_zero(&p->z)) {
        *r = *q;
        return;
    }
    fp_sqr(&zz1, &p->z);
    fp_sqr(&zz2, &q->z);
    fp_mul(&u1, &p->x, &zz2);
    fp_mul(&h, &q->x, &zz1);
    fp_sub(&h, &h, &u1);
    fp_mul(&s1, &p->y, &q->z);
    fp_mul(&s1, &s1, &zz2);
    fp_mul(&t, &q->y, &p->z);
    fp_mul(&t, &t, &zz1);
    fp_sub(&t, &t, &s1);
    if (fp_is_zero(&h)) {
        if (fp_is_zero(&t))
            g1_jac_dbl(r, p);
        else
            set_infinity(r);
        return;
    }
    fp_dbl(&t, &t);
    fp_mul(&r->z, &p->z, &q->z);
    fp_mul(&r->z, &r->z, &h);
    fp_dbl(&r->z, &r->z);
    finish_add(r, &u1, &s1, &h, &t);
}

void g1_from_jac(struct g1 *r, const struct g1_jac *p)
{
    struct fp i, ii;
    struct g1 t = {.infinity = fp_is_zero(&p->z)};
    if (!t.infinity) {
        fp_inv(&i, &p->z);
        fp_sqr(&ii, &i);
        fp_mul(&t.x, &p->x, &ii);
        fp_mul(&ii, &ii, &i);
        fp_mul(&t.y, &p->y, &ii);
    }
    *r = t;
}

void g1_add(struct g1 *r, const struct g1 *a, const struct g1 *b)
{
    struct g1_jac t;
    g1_jac_from(&t, a);
    g1_jac_add_affine(&t, &t, b);
    g1_from_jac(r, &t);
}

void g1_mul(struct g1 *r, const struct g1 *p, const struct u256 *k)
{
    struct g1_jac t;
    set_infinity(&t);
    for (unsigned i = u256_bit_count(k); i-- > 0;) {
        g1_jac_dbl(&t, &t);
        if (u256_bit(k, i))
            g1_jac_add_affine(&t, &t, p);
    }
    g1_from_jac(r, &t);
}

void g1_table_fill(struct g1_table *t, const struct g1 *p)
{
    struct g1_jac m;
    g1_jac_from(&m, p);
    t->multiple[0] = *p;
    for (size_t i = 1; i < G1_TABLE_SIZE; i++) {
        g1_jac_add_affine(&m, &m, p);
        g1_from_jac(&t->multiple[i], &m);
    }
}

void g1_sum(struct g1_jac *r, const struct g1_table *const *tables, const struct u256 *scalars,
            size_t count)
{
    struct g1_jac t;
    set_infinity(&t);
    for (unsigned w = 256 / G1_WINDOW_BITS; w-- > 0;) {
        if (!fp_is_zero(&t.z)) {
            for (unsigned i = 0; i < G1_WINDOW_BITS; i++)
                g1_jac_dbl(&t, &t);
        }
        unsigned bit = w * G1_WINDOW_BITS;
        for (size_t i = 0; i < count; i++) {
            unsigned digit = (unsigned)(scalars[i].w[bit / 64] >> (bit % 64)) & 15U;
            if (digit != 0)
                g1_jac_add_affine(&t, &t, &tables[i]->multiple[digit - 1]);
        }
    }
    *r = t;
}
