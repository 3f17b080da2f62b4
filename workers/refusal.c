/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/refusal.h"

#include <stdio.h>
#include <string.h>

#include "server/domain/settle.h"
#include "workers/closing.h"
#include "workers/slots.h"

/* A seat that said no, and how much of its fee is still unpaid. */
struct claim {
    struct seat_view *seat;
    int64_t unpaid_gwei;
    int64_t paid_gwei;
};

struct refusal {
    struct view *v;
    struct change *c;
    struct job_view *job;
    struct claim *claims;
    size_t count;
};

static json_t *seat_evidence(const struct seat_view *s)
{
    json_t *evidence = json_object();
    event_id(evidence, "seat", "seat", &s->id);
    return evidence;
}

void seat_penalty(struct change *c, struct view *v, struct seat_view *s, int64_t fees,
                  const char *reason)
{
    struct locked bond = seat_locked(v, s);
    int64_t slash = settle_penalty_gwei(s->bond_gwei, v->seat_fee_gwei * s->weight, fees);
    int t = locked_slash(c, &bond, slash, reason, seat_evidence(s));
    if (t > 0)
        slash_burn(c, t, &v->id, slash);
    s->bond_gwei = 0;
}

static bool of_job(const struct refusal *f, const struct rung_view *r)
{
    return uuid_equal(&r->job, &f->job->id);
}

static bool collect_claims(struct refusal *f)
{
    size_t most = 1;
    for (size_t i = 0; i < f->v->rungs_count; i++)
        most += f->v->rungs[i].seats_count;
    f->claims = arena_alloc(&f->v->arena, most * sizeof *f->claims);
    for (size_t i = 0; f->claims && i < f->v->rungs_count; i++) {
        struct rung_view *r = &f->v->rungs[i];
        for (size_t k = 0; of_job(f, r) && k < r->seats_count; k++) {
            struct seat_view *s = &r->seats[k];
            if (s->state == SEAT_REVEALED && !s->vote)
                f->claims[f->count++] = (struct claim){s, f->v->seat_fee_gwei * s->weight, 0};
        }
    }
    return f->claims != NULL;
}

static int64_t unpaid(const struct refusal *f)
{
    int64_t sum = 0;
    for (size_t i = 0; i < f->count; i++)
        sum += f->claims[i].unpaid_gwei;
    return sum;
}

/* Pays claims out of a transfer, in proportion when it does not suffice; returns what it paid. */
static int64_t pay_claims(struct refusal *f, int transfer, int64_t pot_gwei)
{
    int64_t paid = 0;
    int64_t *shares = arena_alloc(&f->v->arena, (f->count + 1) * sizeof *shares);
    for (size_t i = 0; shares && i < f->count; i++)
        shares[i] = f->claims[i].unpaid_gwei;
    if (!shares || settle_prorate(pot_gwei, shares, f->count, &paid) != ERR_OK)
        return 0;
    for (size_t i = 0; i < f->count; i++) {
        struct claim *claim = &f->claims[i];
        change_entry(f->c, transfer, leg_entity(&claim->seat->entity, "available"), shares[i]);
        claim->unpaid_gwei -= shares[i];
        claim->paid_gwei += shares[i];
    }
    return paid;
}

/* Seats that said yes were overturned. */
static void slash_overturned(struct refusal *f, struct rung_view *r)
{
    struct view *v = f->v;
    for (size_t k = 0; k < r->seats_count; k++) {
        struct seat_view *s = &r->seats[k];
        if (s->state != SEAT_REVEALED || !s->vote)
            continue;
        struct locked bond = seat_locked(v, s);
        int64_t slash = settle_penalty_gwei(s->bond_gwei, v->seat_fee_gwei * s->weight,
                                            v->policy.overturned_fees);
        int t = locked_slash(f->c, &bond, slash, "overturned", seat_evidence(s));
        if (t > 0)
            slash_burn(f->c, t, &v->id, slash - pay_claims(f, t, slash));
        s->bond_gwei = 0;
    }
}

/* What neither bond nor overturned seats could pay comes from the advance. */
static void use_advance(struct refusal *f, struct rung_view *r)
{
    struct view *v = f->v;
    int64_t used = unpaid(f);
    if (r->advanced_gwei == 0)
        return;
    used = used < r->advanced_gwei ? used : r->advanced_gwei;
    if (used > 0) {
        char key[96];
        char id[UUID_TEXT_MAX];
        uuid_print(&r->id, id);
        snprintf(key, sizeof key, "rung:%s:fees", id);
        int t = change_transfer(f->c, key, "seat_fees", &v->id);
        used = pay_claims(f, t, used);
        change_entry(f->c, t, leg_escrow(&v->requester, &v->id), -used);
        v->held_gwei -= used;
    }
    treasury_return(f->c, v, &r->id, r->advanced_gwei - used);
    r->advanced_gwei = 0;
    change_set(f->c, "rung_states", &r->id, json_pack("{s:i}", "advanced", 0));
}

static void close_rungs(struct refusal *f)
{
    struct view *v = f->v;
    for (size_t i = 0; i < v->rungs_count; i++)
        if (of_job(f, &v->rungs[i]))
            slash_overturned(f, &v->rungs[i]);
    for (size_t i = 0; i < v->rungs_count; i++) {
        struct rung_view *r = &v->rungs[i];
        if (!of_job(f, r))
            continue;
        use_advance(f, r);
        for (size_t k = 0; k < r->seats_count; k++)
            seat_release(f->c, v, &r->seats[k]);
    }
    for (size_t i = 0; i < f->count; i++)
        change_set(f->c, "seat_states", &f->claims[i].seat->id,
                   json_pack("{s:I}", "fee", (json_int_t)f->claims[i].paid_gwei));
}

bool refusal_apply(struct change *c, struct view *v, struct job_view *j)
{
    struct refusal f = {v, c, j, NULL, 0};
    struct bid_view *next = slot_takeover(v, j->slot);
    json_t *evidence = json_pack("{s:i,s:i,s:s}", "slot", j->slot, "fence", j->fence, "verdict",
                                 "refused by the last rung");
    event_id(evidence, "job", "job", &j->id);
    if (!collect_claims(&f)) {
        c->failed = true;
        json_decref(evidence);
        return false;
    }
    struct slot_failure failure = {j,          JOB_WRONG, "wrong_result", v->policy.wrong_ppm,
                                   unpaid(&f), evidence};
    struct slot_slash s = slot_fail(c, v, &failure, next);
    if (s.transfer > 0)
        slash_burn(c, s.transfer, &v->id,
                   s.verification_gwei - pay_claims(&f, s.transfer, s.verification_gwei));
    close_rungs(&f);
    if (next)
        slot_hand_over(c, v, j, next);
    return next != NULL;
}
