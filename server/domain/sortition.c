/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/sortition.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void put_u64be(uint8_t out[8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

void lot_init(struct lot *l, const uint8_t seed[HASH_BYTES])
{
    memcpy(l->seed, seed, HASH_BYTES);
    l->counter = 0;
}

static uint64_t next_candidate(struct lot *l)
{
    uint8_t counter[8];
    uint8_t hash[HASH_BYTES];
    put_u64be(counter, l->counter++);
    const struct bytes parts[] = {{l->seed, HASH_BYTES}, {counter, sizeof counter}};
    hash_tagged("computefi/lot/1", parts, 2, hash);
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | hash[i];
    return v;
}

uint64_t lot_below(struct lot *l, uint64_t bound)
{
    assert(bound > 0);
    uint64_t excess = (UINT64_MAX % bound + 1) % bound; /* 2^64 mod bound */
    for (;;) {
        uint64_t c = next_candidate(l);
        if (c <= UINT64_MAX - excess)
            return c % bound;
    }
}

static int compare_stakes(const void *a, const void *b)
{
    const struct stake *x = a;
    const struct stake *y = b;
    return uuid_compare(&x->entity, &y->entity);
}

void stake_sort(struct stake *stakes, size_t count)
{
    if (count > 1)
        qsort(stakes, count, sizeof *stakes, compare_stakes);
}

enum err stake_root(const struct stake *stakes, size_t count, uint8_t out[HASH_BYTES])
{
    enum { LINE = UUID_BYTES + 8 };
    uint8_t *text = calloc(count + 1, LINE);
    if (!text)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * LINE, stakes[i].entity.b, UUID_BYTES);
        put_u64be(text + i * LINE + UUID_BYTES, (uint64_t)stakes[i].units);
    }
    const struct bytes part = {text, count * LINE};
    hash_tagged("computefi/snapshot/1", &part, 1, out);
    free(text);
    return ERR_OK;
}

void draw_seed(const struct draw_facts *f, uint8_t out[HASH_BYTES])
{
    uint8_t slot[8];
    uint8_t fence[8];
    uint8_t rung[8];
    put_u64be(slot, (uint64_t)f->slot);
    put_u64be(fence, (uint64_t)f->fence);
    put_u64be(rung, (uint64_t)f->rung);
    const struct bytes parts[] = {
        {(const uint8_t *)f->market_id, strlen(f->market_id)},
        {f->task.b, UUID_BYTES},
        {slot, 8},
        {fence, 8},
        {rung, 8},
        {f->commitment, HASH_BYTES},
        {f->snapshot_root, HASH_BYTES},
    };
    hash_tagged("computefi/draw/1", parts, sizeof parts / sizeof *parts, out);
}

/* Who sits already. */
struct tables {
    struct snapshot from;
    bool *seated;
    int entities;
};

static bool total_units(const struct tables *t, bool unseated_only, uint64_t *out)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < t->from.count; i++) {
        if (t->from.stakes[i].units < 0)
            return false;
        if (unseated_only && t->seated[i])
            continue;
        if (__builtin_add_overflow(sum, (uint64_t)t->from.stakes[i].units, &sum))
            return false;
    }
    *out = sum;
    return true;
}

static size_t seat_at(struct tables *t, bool unseated_only, uint64_t x)
{
    for (size_t i = 0; i < t->from.count; i++) {
        if (unseated_only && t->seated[i])
            continue;
        uint64_t units = (uint64_t)t->from.stakes[i].units;
        if (x < units) {
            t->entities += !t->seated[i];
            t->seated[i] = true;
            return i;
        }
        x -= units;
    }
    abort(); /* x is below the sum of the same units */
}

static int with_units(struct snapshot from)
{
    int n = 0;
    for (size_t i = 0; i < from.count && n < SORTITION_ENTITIES_LEAST; i++)
        n += from.stakes[i].units > 0;
    return n;
}

static enum err draw_seats(struct tables *t, struct lot *lot, int seats, size_t *out,
                           size_t *out_count)
{
    uint64_t total = 0;
    if (!total_units(t, false, &total))
        return ERR_RANGE;
    size_t n = 0;
    while (n < (size_t)seats)
        out[n++] = seat_at(t, false, lot_below(lot, total));
    while (t->entities < SORTITION_ENTITIES_LEAST) {
        if (!total_units(t, true, &total))
            return ERR_RANGE;
        out[n++] = seat_at(t, true, lot_below(lot, total));
    }
    *out_count = n;
    return ERR_OK;
}

enum err sortition_draw(const uint8_t seed[HASH_BYTES], struct snapshot from, int seats,
                        size_t *out, size_t *out_count)
{
    if (seats < 1 || seats > SORTITION_SEATS_MAX || from.count > SORTITION_ENTITIES_MAX)
        return ERR_RANGE;
    if (with_units(from) < SORTITION_ENTITIES_LEAST)
        return ERR_CONFLICT;
    struct tables t = {from, calloc(from.count, sizeof(bool)), 0};
    if (!t.seated)
        return ERR_NO_MEMORY;
    struct lot lot;
    lot_init(&lot, seed);
    enum err e = draw_seats(&t, &lot, seats, out, out_count);
    free(t.seated);
    return e;
}

void replacement_seed(const uint8_t seed[HASH_BYTES], const struct uuid *absent,
                      uint8_t out[HASH_BYTES])
{
    const struct bytes parts[] = {{seed, HASH_BYTES}, {absent->b, UUID_BYTES}};
    hash_tagged("computefi/replace/1", parts, 2, out);
}

enum err sortition_draw_one(const uint8_t seed[HASH_BYTES], struct snapshot from, size_t *out)
{
    if (with_units(from) == 0)
        return ERR_CONFLICT;
    if (from.count > SORTITION_ENTITIES_MAX)
        return ERR_RANGE;
    struct tables t = {from, calloc(from.count, sizeof(bool)), 0};
    if (!t.seated)
        return ERR_NO_MEMORY;
    struct lot lot;
    lot_init(&lot, seed);
    uint64_t total = 0;
    enum err e = total_units(&t, false, &total) ? ERR_OK : ERR_RANGE;
    if (e == ERR_OK)
        *out = seat_at(&t, false, lot_below(&lot, total));
    free(t.seated);
    return e;
}
