/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/settle.h"

#include <assert.h>

#include "server/core/money.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t fee_of(const struct settle_terms *t, const struct settle_slot *s)
{
    return money_mul_div(s->price_gwei, t->fee_ppm, PPM);
}

/* A fee and a pool of more than the whole price between them leave the provider nothing, not less.
 */
static int64_t pool_of(const struct settle_terms *t, const struct settle_slot *s)
{
    return least(money_mul_div(s->price_gwei, t->pool_ppm, PPM), s->price_gwei - fee_of(t, s));
}

static enum err add_to(int64_t *sum, int64_t amount)
{
    return money_add(*sum, amount, sum);
}

static enum err split_slots(const struct settle_terms *t, struct settle_slot *slots, size_t count,
                            struct settle_split *out)
{
    for (size_t i = 0; i < count; i++) {
        struct settle_slot *s = &slots[i];
        s->fee_gwei = fee_of(t, s);
        s->net_gwei = s->price_gwei - s->fee_gwei - pool_of(t, s);
        if (add_to(&out->fee_gwei, s->fee_gwei) != ERR_OK ||
            add_to(&out->provider_gwei, s->net_gwei) != ERR_OK)
            return ERR_RANGE;
    }
    return ERR_OK;
}

static int64_t slot_weight(const struct settle_seat *seats, size_t count, int slot)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        if (seats[i].slot == slot)
            sum += seats[i].weight;
    return sum;
}

static enum err split_seats(const struct settle_terms *t, const struct settle_slot *slots,
                            struct settle_seat *seats, size_t count, struct settle_split *out)
{
    for (size_t i = 0; i < count; i++) {
        struct settle_seat *s = &seats[i];
        s->net_gwei = s->due_gwei;
        if (t->pool_ppm > 0)
            s->net_gwei = money_mul_div(pool_of(t, &slots[s->slot]), s->weight,
                                        slot_weight(seats, count, s->slot));
        if (add_to(&out->verifier_gwei, s->net_gwei) != ERR_OK)
            return ERR_RANGE;
    }
    return ERR_OK;
}

enum err settle_split(const struct settle_terms *t, struct settle_slot *slots, size_t slot_count,
                      struct settle_seat *seats, size_t seat_count, struct settle_split *out)
{
    struct settle_split s = {0, 0, 0, 0};
    for (size_t i = 0; i < seat_count; i++)
        if (seats[i].weight < 1 || seats[i].slot < 0 || (size_t)seats[i].slot >= slot_count)
            return ERR_RANGE;
    int64_t due = 0;
    if (split_slots(t, slots, slot_count, &s) != ERR_OK ||
        split_seats(t, slots, seats, seat_count, &s) != ERR_OK ||
        money_add(s.provider_gwei, s.fee_gwei, &due) != ERR_OK ||
        add_to(&due, s.verifier_gwei) != ERR_OK || due > t->escrow_gwei)
        return ERR_RANGE;
    s.refund_gwei = t->escrow_gwei - due;
    *out = s;
    return ERR_OK;
}

int64_t settle_slash_gwei(int64_t bond_gwei, int64_t share_ppm)
{
    assert(share_ppm >= 0 && share_ppm <= PPM);
    return money_mul_div(bond_gwei, share_ppm, PPM);
}

int64_t settle_penalty_gwei(int64_t bond_gwei, int64_t fee_gwei, int64_t count)
{
    int64_t penalty = 0;
    if (money_mul(fee_gwei, count, &penalty) != ERR_OK || penalty > bond_gwei)
        return bond_gwei;
    return penalty;
}

struct settle_waterfall settle_waterfall(int64_t slash_gwei, int64_t verification_gwei,
                                         int64_t difference_gwei)
{
    assert(slash_gwei >= 0 && verification_gwei >= 0);
    struct settle_waterfall w;
    w.verification_gwei = least(slash_gwei, verification_gwei);
    int64_t rest = slash_gwei - w.verification_gwei;
    w.difference_gwei = difference_gwei > 0 ? least(rest, difference_gwei) : 0;
    w.burn_gwei = rest - w.difference_gwei;
    return w;
}

enum err settle_prorate(int64_t pot_gwei, int64_t *claims, size_t count, int64_t *out_paid)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        if (claims[i] < 0 || add_to(&sum, claims[i]) != ERR_OK)
            return ERR_RANGE;
    int64_t paid = 0;
    for (size_t i = 0; i < count; i++) {
        if (sum > pot_gwei)
            claims[i] = money_mul_div(pot_gwei, claims[i], sum);
        paid += claims[i];
    }
    *out_paid = paid;
    return ERR_OK;
}

enum err settle_escrow(int64_t max_price_gwei, int replicas, int seats, int64_t seat_fee_gwei,
                       int64_t *out)
{
    int64_t prices = 0;
    int64_t fees = 0;
    if (money_mul(max_price_gwei, replicas, &prices) != ERR_OK ||
        money_mul(seat_fee_gwei, 2 * (int64_t)seats, &fees) != ERR_OK)
        return ERR_RANGE;
    return money_add(prices, fees, out);
}

int64_t settle_cancel_share(int64_t max_price_gwei, int64_t cancel_ppm, int bidders)
{
    if (bidders < 1)
        return 0;
    return money_mul_div(max_price_gwei, cancel_ppm, PPM) / bidders;
}
