/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/quorum.h"

#include <assert.h>

int quorum_of(int seats)
{
    return seats == 5 ? 5 : quorum_refusal(seats);
}

int quorum_refusal(int seats)
{
    assert(seats > 0);
    return 2 * seats / 3 + 1;
}

struct rung rung_resize(struct rung wanted, int seats)
{
    struct rung r = {seats, wanted.quorum};
    if (seats == wanted.seats)
        return r;
    r.quorum = wanted.quorum == wanted.seats ? seats : quorum_refusal(seats);
    return r;
}

static int seatable(int wanted, int eligible)
{
    if (eligible >= wanted) /* also keeps the product small */
        return wanted;
    int most = eligible * RUNG_SEATS_PER_ENTITY;
    return wanted < most ? wanted : most;
}

bool ladder_rung(const struct ladder *l, int index, int eligible, int entities_least,
                 struct rung *out)
{
    if (index < 0 || index >= l->count || eligible < entities_least || eligible < 1)
        return false;
    int seats = seatable(l->rungs[index].seats, eligible);
    if (index > 0 && seats <= seatable(l->rungs[index - 1].seats, eligible))
        return false;
    *out = rung_resize(l->rungs[index], seats);
    return true;
}

enum tally_result quorum_tally(struct rung r, struct tally t, bool last)
{
    assert(t.yes + t.no + t.missing == r.seats);
    if (t.yes >= r.quorum)
        return TALLY_ACCEPT;
    if (!last)
        return TALLY_ESCALATE;
    return t.no >= quorum_refusal(r.seats) ? TALLY_REFUSE : TALLY_INCONCLUSIVE;
}

const char *tally_result_name(enum tally_result r)
{
    switch (r) {
    case TALLY_ACCEPT:
        return "accept";
    case TALLY_ESCALATE:
        return "escalate";
    case TALLY_REFUSE:
        return "refuse";
    case TALLY_INCONCLUSIVE:
        return "inconclusive";
    }
    return "inconclusive";
}
