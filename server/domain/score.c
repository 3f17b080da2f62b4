/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/score.h"

#include <assert.h>

#include "server/core/money.h"

struct score score_compute(const struct score_terms *t, int64_t price_gwei, int64_t reserve_gwei)
{
    assert(t->weight_ppm >= 0 && t->weight_ppm <= PPM);
    assert(t->cap_gwei > 0 && t->max_price_gwei > 0);
    assert(price_gwei >= 0 && price_gwei <= t->max_price_gwei && reserve_gwei >= 0);
    int64_t counted = reserve_gwei < t->cap_gwei ? reserve_gwei : t->cap_gwei;
    struct score s;
    s.reserve_ppm = money_mul_div(counted, t->weight_ppm, t->cap_gwei);
    s.price_ppm =
        money_mul_div(t->max_price_gwei - price_gwei, PPM - t->weight_ppm, t->max_price_gwei);
    s.total_ppm = s.reserve_ppm + s.price_ppm;
    return s;
}

int64_t score_reserve_worth_ppm(int64_t weight_ppm)
{
    assert(weight_ppm >= 0 && weight_ppm < PPM);
    return money_mul_div(weight_ppm, PPM, PPM - weight_ppm);
}

enum bid_verdict bid_judge(const struct bid_facts *f)
{
    if (!f->opened)
        return BID_UNOPENED;
    if (!f->matches)
        return BID_MISMATCH;
    if (f->price_gwei < 0 || f->price_gwei > f->ceiling_gwei)
        return BID_PRICE_HIGH;
    if (f->suspended)
        return BID_SUSPENDED;
    if (f->own_task)
        return BID_OWN_TASK;
    if (!f->admitted)
        return BID_NOT_ADMITTED;
    if (f->node_retired)
        return BID_NODE_RETIRED;
    if (f->reserve_gwei < f->least_reserve_gwei)
        return BID_RESERVE_SHORT;
    return BID_VALID;
}

const char *bid_verdict_code(enum bid_verdict v)
{
    static const char *const codes[] = {
#define V(name, code) code,
        BID_VERDICTS(V)
#undef V
    };
    return codes[v];
}
