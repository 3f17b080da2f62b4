/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/ranking.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/money.h"
#include "server/domain/sortition.h"

enum err ranking_close_root(const struct uuid *task, const uint8_t *commitments, size_t count,
                            uint8_t out[HASH_BYTES])
{
    struct bytes *parts = calloc(count + 1, sizeof *parts);
    if (!parts)
        return ERR_NO_MEMORY;
    parts[0] = (struct bytes){task->b, UUID_BYTES};
    for (size_t i = 0; i < count; i++)
        parts[i + 1] = (struct bytes){commitments + i * HASH_BYTES, HASH_BYTES};
    hash_tagged("computefi/close/1", parts, count + 1, out);
    free(parts);
    return ERR_OK;
}

void ranking_seed(const struct uuid *task, int round, const uint8_t close_root[HASH_BYTES],
                  uint8_t out[HASH_BYTES])
{
    uint8_t number[8] = {0};
    for (int i = 0; i < 4; i++)
        number[7 - i] = (uint8_t)((unsigned)round >> (8 * i));
    const struct bytes parts[] = {
        {task->b, UUID_BYTES}, {number, sizeof number}, {close_root, HASH_BYTES}};
    hash_tagged("computefi/slots/1", parts, 3, out);
}

static int compare_ties(const struct ranking_bid *x, const struct ranking_bid *y)
{
    if (x->reserve_gwei != y->reserve_gwei)
        return x->reserve_gwei > y->reserve_gwei ? -1 : 1;
    return memcmp(x->tie, y->tie, HASH_BYTES);
}

static int compare_weighted(const void *a, const void *b)
{
    const struct ranking_bid *x = a;
    const struct ranking_bid *y = b;
    if (x->behind != y->behind)
        return x->behind ? 1 : -1;
    if (x->score.total_ppm != y->score.total_ppm)
        return x->score.total_ppm > y->score.total_ppm ? -1 : 1;
    return compare_ties(x, y);
}

static int compare_cysic(const void *a, const void *b)
{
    const struct ranking_bid *x = a;
    const struct ranking_bid *y = b;
    if (x->price_gwei != y->price_gwei)
        return x->price_gwei < y->price_gwei ? -1 : 1;
    return compare_ties(x, y);
}

static int64_t cheapest_price(const struct ranking_bid *bids, size_t count)
{
    int64_t least = bids[0].price_gwei;
    for (size_t i = 1; i < count; i++)
        if (bids[i].price_gwei < least)
            least = bids[i].price_gwei;
    return least;
}

/* price - cheapest > cheapest * w / (10^6 - w), without the rounding of a division. */
static bool is_behind(int64_t price, int64_t cheapest, int64_t weight_ppm)
{
    __extension__ typedef __int128 wide;
    return (wide)(price - cheapest) * (PPM - weight_ppm) > (wide)cheapest * weight_ppm;
}

void ranking_sort(const struct ranking_terms *t, const uint8_t close_root[HASH_BYTES],
                  struct ranking_bid *bids, size_t count)
{
    if (count == 0)
        return;
    struct score_terms terms = t->score;
    if (t->rule == RANKING_CYSIC)
        terms.weight_ppm = 0;
    int64_t cheapest = cheapest_price(bids, count);
    for (size_t i = 0; i < count; i++) {
        struct ranking_bid *b = &bids[i];
        uint8_t text[HASH_BYTES + UUID_BYTES];
        memcpy(text, close_root, HASH_BYTES);
        memcpy(text + HASH_BYTES, b->entity.b, UUID_BYTES);
        hash_plain(text, sizeof text, b->tie);
        b->score = score_compute(&terms, b->price_gwei, b->reserve_gwei);
        b->behind =
            t->rule == RANKING_WEIGHTED && is_behind(b->price_gwei, cheapest, t->score.weight_ppm);
    }
    qsort(bids, count, sizeof *bids, t->rule == RANKING_CYSIC ? compare_cysic : compare_weighted);
    for (size_t i = 0; i < count; i++)
        bids[i].rank = (int)i + 1;
}

static uint64_t lot_units(const struct ranking_bid *b)
{
    return b->reserve_gwei > 0 ? (uint64_t)b->reserve_gwei : 1;
}

static bool was_taken(const struct award *awards, size_t count, size_t bid)
{
    for (size_t i = 0; i < count; i++)
        if (awards[i].bid == bid)
            return true;
    return false;
}

/* The covered bid that holds the drawn number among those not yet taken; count when none is left.
 */
static size_t draw_bid(struct lot *lot, const struct ranking_bid *bids, size_t count,
                       const struct award *awards, size_t taken)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        if (bids[i].covered && !was_taken(awards, taken, i) &&
            __builtin_add_overflow(total, lot_units(&bids[i]), &total))
            abort(); /* all reserves together are below the supply, 10^18 */
    if (total == 0)
        return count;
    uint64_t x = lot_below(lot, total);
    for (size_t i = 0; i < count; i++) {
        if (!bids[i].covered || was_taken(awards, taken, i))
            continue;
        if (x < lot_units(&bids[i]))
            return i;
        x -= lot_units(&bids[i]);
    }
    abort(); /* x is below the sum of the same units */
}

static size_t award_weighted(const uint8_t seed[HASH_BYTES], const struct ranking_bid *bids,
                             size_t count, size_t slots, struct award *out)
{
    size_t first = 0;
    while (first < count && !bids[first].covered)
        first++;
    if (first == count)
        return 0;
    out[0] = (struct award){first, bids[first].price_gwei, AWARD_RANK};
    struct lot lot;
    lot_init(&lot, seed);
    size_t n = 1;
    while (n < slots) {
        size_t i = draw_bid(&lot, bids, count, out, n);
        if (i == count)
            break;
        out[n++] = (struct award){i, bids[i].price_gwei, AWARD_DRAW};
    }
    return n;
}

static size_t award_cysic(const struct ranking_bid *bids, size_t count, size_t slots,
                          struct award *out)
{
    size_t n = 0;
    for (size_t i = 1; i < count && n < slots; i++)
        if (bids[i].covered)
            out[n++] = (struct award){i, bids[i].price_gwei, AWARD_CYSIC};
    if (n == 0 && count > 0 && bids[0].covered)
        out[n++] = (struct award){0, bids[0].price_gwei, AWARD_LONE};
    for (size_t i = 1; i < n; i++)
        out[i].price_gwei = out[0].price_gwei; /* sorted by price: the first is the lowest */
    return n;
}

size_t ranking_award(const struct ranking_terms *t, const uint8_t seed[HASH_BYTES],
                     const struct ranking_bid *bids, size_t count, int slots, struct award *out)
{
    assert(slots >= 1 && slots <= RANKING_SLOTS_MAX);
    int most = slots < t->winners_max ? slots : t->winners_max;
    if (t->rule == RANKING_CYSIC)
        return award_cysic(bids, count, (size_t)most, out);
    return award_weighted(seed, bids, count, (size_t)most, out);
}

const char *award_reason_text(enum award_reason r)
{
    switch (r) {
    case AWARD_RANK:
        return "best rank";
    case AWARD_DRAW:
        return "drawn by lot for a further slot";
    case AWARD_CYSIC:
        return "from the second-lowest bid on";
    case AWARD_LONE:
        return "no other bid could win";
    }
    return "";
}
