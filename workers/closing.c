/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/closing.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "server/core/log.h"
#include "server/core/money.h"
#include "server/domain/settle.h"
#include "workers/slots.h"

enum { KEY_MAX = 120 };

struct line {
    struct ledger_leg to;
    int64_t amount_gwei;
    const struct uuid *job;  /* or NULL */
    const struct uuid *seat; /* or NULL */
};

/* A line of the settlement and the ledger entry behind it; nothing for an amount of 0. */
static void pay(struct change *c, const struct view *v, int transfer, const struct line *l,
                const char *rule)
{
    if (l->amount_gwei == 0)
        return;
    change_entry(c, transfer, l->to, l->amount_gwei);
    change_add(c, "lines",
               json_pack("[o,o,s,I,o,o,s]", json_uuid(&v->id), json_uuid(&l->to.owner), l->to.kind,
                         (json_int_t)l->amount_gwei, l->job ? json_uuid(l->job) : json_null(),
                         l->seat ? json_uuid(l->seat) : json_null(), rule));
}

static int settle_transfer(struct change *c, const struct view *v, int64_t escrow_gwei)
{
    char key[KEY_MAX];
    char id[UUID_TEXT_MAX];
    uuid_print(&v->id, id);
    snprintf(key, sizeof key, "task:%s:settle", id);
    int t = change_transfer(c, key, "settle", &v->id);
    change_entry(c, t, leg_escrow(&v->requester, &v->id), -escrow_gwei);
    return t;
}

struct outcome {
    enum task_state final;
    enum event_kind event;
    int code;
    const char *reason;
    int64_t escrow_gwei;
    int transfer;
};

static void finish(struct change *c, const struct view *v, const struct outcome *o,
                   const struct settle_split *s)
{
    change_add(c, "settlements",
               json_pack("{s:o,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:i}", "task", json_uuid(&v->id),
                         "outcome", task_state_text(o->final), "reason", o->reason, "escrow",
                         (json_int_t)o->escrow_gwei, "provider", (json_int_t)s->provider_gwei,
                         "fee", (json_int_t)s->fee_gwei, "verifier", (json_int_t)s->verifier_gwei,
                         "refund", (json_int_t)s->refund_gwei, "transfer", o->transfer));
    json_t *payload = json_pack("{s:s}", "reason", o->reason);
    event_money(payload, "provider", s->provider_gwei);
    event_money(payload, "fee", s->fee_gwei);
    event_money(payload, "verifier", s->verifier_gwei);
    event_money(payload, "refund", s->refund_gwei);
    change_move_code(c, &v->id, o->final, o->event, payload, o->code);
}

static int rung_transfer(struct change *c, const struct view *v, const struct uuid *rung,
                         const char *what)
{
    char key[KEY_MAX];
    char id[UUID_TEXT_MAX];
    uuid_print(rung, id);
    snprintf(key, sizeof key, "rung:%s:%s", id, what);
    return change_transfer(c, key, what, &v->id);
}

bool treasury_advance(struct change *c, struct view *v, const struct uuid *rung,
                      int64_t amount_gwei)
{
    int64_t holds = 0;
    for (size_t i = 0; i < v->treasury_count; i++)
        holds += v->treasury[i].balance_gwei;
    if (holds < amount_gwei)
        return false;
    if (amount_gwei == 0)
        return true;
    int t = rung_transfer(c, v, rung, "advance");
    v->held_gwei += amount_gwei;
    change_entry(c, t, leg_escrow(&v->requester, &v->id), amount_gwei);
    for (size_t i = 0; i < v->treasury_count && amount_gwei > 0; i++) {
        struct treasury_view *shard = &v->treasury[i];
        int64_t part = shard->balance_gwei < amount_gwei ? shard->balance_gwei : amount_gwei;
        shard->balance_gwei -= part;
        amount_gwei -= part;
        change_entry(c, t, (struct ledger_leg){{{0}}, "treasury", shard->shard}, -part);
    }
    return true;
}

void treasury_return(struct change *c, struct view *v, const struct uuid *rung, int64_t amount_gwei)
{
    if (amount_gwei == 0)
        return;
    int t = rung_transfer(c, v, rung, "advance_return");
    v->held_gwei -= amount_gwei;
    change_entry(c, t, leg_escrow(&v->requester, &v->id), -amount_gwei);
    change_entry(c, t, leg_system("treasury", &v->id), amount_gwei);
}

struct locked seat_locked(const struct view *v, const struct seat_view *s)
{
    return (struct locked){v->id, s->entity, s->bond_id, {{0}}, s->bond_gwei};
}

void seat_release(struct change *c, const struct view *v, struct seat_view *s)
{
    struct locked bond = seat_locked(v, s);
    locked_release(c, &bond);
    s->bond_gwei = 0;
    if (s->state == SEAT_SEATED || s->state == SEAT_COMMITTED) {
        s->state = SEAT_RELEASED;
        change_set(c, "seat_states", &s->id, json_pack("{s:s}", "state", "released"));
        change_wake(c, "node", &s->node);
    }
}

static void release_locks(struct change *c, const struct view *v, const char *reason)
{
    for (size_t i = 0; i < v->bids_count; i++) {
        const struct bid_view *b = &v->bids[i];
        struct locked lock = {v->id, b->entity, {{0}}, b->lock_bid, b->lock_gwei};
        if (b->lock_gwei > 0 && b->rank == 0)
            change_set(c, "bids", &b->id,
                       json_pack("{s:s,s:s}", "verdict", "lost", "reason", reason));
        locked_release(c, &lock);
    }
}

/* Seats, advances and an open challenge of a task that ends without a verdict. */
static void abandon_rungs(struct change *c, struct view *v)
{
    for (size_t i = 0; i < v->rungs_count; i++) {
        struct rung_view *r = &v->rungs[i];
        for (size_t k = 0; k < r->seats_count; k++)
            if (r->seats[k].bond_gwei > 0 || r->seats[k].state <= SEAT_COMMITTED)
                seat_release(c, v, &r->seats[k]);
        treasury_return(c, v, &r->id, r->advanced_gwei);
        if (r->outcome == RUNG_RUNNING)
            change_set(
                c, "rung_states", &r->id,
                json_pack("{s:i,s:b,s:s}", "advanced", 0, "final", 1, "outcome", "inconclusive"));
        else if (r->advanced_gwei > 0)
            change_set(c, "rung_states", &r->id, json_pack("{s:i}", "advanced", 0));
    }
    const struct challenge_view *ch = &v->challenge;
    if (ch->open) {
        struct locked bond = {v->id, ch->entity, ch->bond_id, {{0}}, ch->bond_gwei};
        locked_release(c, &bond);
        change_set(c, "challenges", &ch->id, json_pack("{s:n}", "outcome"));
    }
}

void close_refund(struct change *c, struct view *v, enum task_state final, int code,
                  const char *reason)
{
    slots_void(c, v);
    release_locks(c, v, reason);
    abandon_rungs(c, v);
    int64_t escrow = v->held_gwei;
    struct settle_split s = {0, 0, 0, escrow};
    struct outcome o = {final,  final == TASK_EXPIRED ? EVENT_EXPIRED : EVENT_REFUNDED,
                        code,   reason,
                        escrow, settle_transfer(c, v, escrow)};
    struct line l = {leg_entity(&v->requester, "available"), escrow, NULL, NULL};
    pay(c, v, o.transfer, &l, "the whole escrow returns to the requester");
    finish(c, v, &o, &s);
}

void close_cancel(struct change *c, struct view *v)
{
    int64_t escrow = v->held_gwei;
    int64_t share =
        settle_cancel_share(v->max_price_gwei, v->policy.cancel_fee_ppm, (int)v->bids_count);
    struct settle_split s = {share * (int64_t)v->bids_count, 0, 0, 0};
    s.refund_gwei = escrow - s.provider_gwei;
    release_locks(c, v, "cancelled");
    struct outcome o = {TASK_CANCELLED,
                        EVENT_CANCELLED,
                        task_state_code(TASK_CANCELLED),
                        "cancelled by the requester",
                        escrow,
                        settle_transfer(c, v, escrow)};
    char rule[SETTLE_RULE_MAX];
    snprintf(rule, sizeof rule,
             "cancel fee: floor(%" PRId64 " * %" PRId64 " / 10^6) shared by %zu bidders",
             v->max_price_gwei, v->policy.cancel_fee_ppm, v->bids_count);
    for (size_t i = 0; i < v->bids_count; i++) {
        struct line l = {leg_entity(&v->bids[i].entity, "available"), share, NULL, NULL};
        pay(c, v, o.transfer, &l, rule);
    }
    struct line rest = {leg_entity(&v->requester, "available"), s.refund_gwei, NULL, NULL};
    pay(c, v, o.transfer, &rest, "the rest of the escrow returns to the requester");
    finish(c, v, &o, &s);
}

/* Everything a paid task needs: the accepted jobs, and the seats that agreed, by rung. */
struct payout {
    struct job_view *jobs[SETTLE_SLOTS_MAX];
    struct settle_slot slots[SETTLE_SLOTS_MAX];
    size_t slot_count;
    struct settle_seat *seats;
    const struct seat_view **seat_rows;
    int *seat_rungs;
    size_t seat_count;
    int64_t higher_spent[SETTLE_SLOTS_MAX]; /* of the treasury's advances, per slot */
    int64_t advances_spent;
};

static size_t count_seats(const struct view *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->rungs_count; i++)
        n += v->rungs[i].seats_count;
    return n;
}

static bool payout_init(struct payout *p, struct view *v)
{
    size_t seats = count_seats(v) + 1;
    *p = (struct payout){.slot_count = 0};
    p->seats = arena_alloc(&v->arena, seats * sizeof *p->seats);
    p->seat_rows = arena_alloc(&v->arena, seats * sizeof *p->seat_rows);
    p->seat_rungs = arena_alloc(&v->arena, seats * sizeof *p->seat_rungs);
    for (size_t i = 0; i < v->jobs_count; i++) {
        if (v->jobs[i].state != JOB_ACCEPTED)
            continue;
        if (p->slot_count == SETTLE_SLOTS_MAX)
            return false;
        p->slots[p->slot_count].price_gwei = v->jobs[i].price_gwei;
        p->jobs[p->slot_count++] = &v->jobs[i];
    }
    return p->seats && p->seat_rows && p->seat_rungs && p->slot_count > 0;
}

static bool agreed(const struct seat_view *s)
{
    return s->state == SEAT_REVEALED && s->vote;
}

static void add_agreeing(struct payout *p, const struct view *v, const struct rung_view *r,
                         int slot)
{
    for (size_t k = 0; k < r->seats_count; k++) {
        const struct seat_view *s = &r->seats[k];
        if (!agreed(s))
            continue;
        p->seat_rows[p->seat_count] = s;
        p->seat_rungs[p->seat_count] = r->rung;
        p->seats[p->seat_count++] =
            (struct settle_seat){slot, s->weight, v->seat_fee_gwei * s->weight, 0};
    }
}

/* Lets a pot pay the due fees of seats first..seat_count-1; returns what it paid. */
static int64_t fund(struct payout *p, struct view *v, size_t first, int64_t pot_gwei)
{
    size_t n = p->seat_count - first;
    int64_t paid = 0;
    int64_t *claims = arena_alloc(&v->arena, (n + 1) * sizeof *claims);
    for (size_t i = 0; claims && i < n; i++)
        claims[i] = p->seats[first + i].due_gwei;
    if (!claims || settle_prorate(pot_gwei, claims, n, &paid) != ERR_OK)
        return -1;
    for (size_t i = 0; i < n; i++)
        p->seats[first + i].due_gwei = claims[i];
    return paid;
}

/* The escrow's pot pays the first rungs of all slots, the treasury's advance each higher rung. */
static bool fund_seats(struct change *c, struct payout *p, struct view *v)
{
    for (size_t slot = 0; slot < p->slot_count; slot++)
        for (size_t i = 0; i < v->rungs_count; i++)
            if (v->rungs[i].rung == 1 && uuid_equal(&v->rungs[i].job, &p->jobs[slot]->id))
                add_agreeing(p, v, &v->rungs[i], (int)slot);
    int64_t pot = v->promise_gwei - v->max_price_gwei * v->replicas;
    if (v->policy.verifier_share_ppm == 0 && fund(p, v, 0, pot) < 0)
        return false;
    for (size_t slot = 0; slot < p->slot_count; slot++) {
        for (size_t i = 0; i < v->rungs_count; i++) {
            const struct rung_view *r = &v->rungs[i];
            if (r->rung == 1 || !uuid_equal(&r->job, &p->jobs[slot]->id))
                continue;
            size_t first = p->seat_count;
            add_agreeing(p, v, r, (int)slot);
            int64_t spent =
                v->policy.verifier_share_ppm > 0 ? 0 : fund(p, v, first, r->advanced_gwei);
            if (spent < 0)
                return false;
            treasury_return(c, v, &r->id, r->advanced_gwei - spent);
            if (r->advanced_gwei != spent)
                change_set(c, "rung_states", &r->id,
                           json_pack("{s:I}", "advanced", (json_int_t)spent));
            p->higher_spent[slot] += spent;
            p->advances_spent += spent;
        }
    }
    return true;
}

/* A seat that revealed against the majority, or against the pinned checker. What it loses repays
 * the treasury for the rungs above; the rest burns. */
static void punish(struct change *c, const struct view *v, const struct seat_view *s,
                   const struct job_view *j, int64_t *owed_gwei)
{
    bool checked = view_is_checked(v, j);
    int64_t count = checked ? v->policy.contradicted_fees : v->policy.overturned_fees;
    struct locked bond = seat_locked(v, s);
    int64_t slash = settle_penalty_gwei(s->bond_gwei, v->seat_fee_gwei * s->weight, count);
    json_t *evidence = json_object();
    event_id(evidence, "seat", "seat", &s->id);
    event_id(evidence, "job", "job", &j->id);
    int t = locked_slash(c, &bond, slash, checked ? "contradicted" : "overturned", evidence);
    if (t == 0)
        return;
    int64_t repaid = slash < *owed_gwei ? slash : *owed_gwei;
    *owed_gwei -= repaid;
    change_entry(c, t, leg_system("treasury", &v->id), repaid);
    slash_burn(c, t, &v->id, slash - repaid);
}

static void release_seats(struct change *c, struct view *v, struct payout *p)
{
    for (size_t slot = 0; slot < p->slot_count; slot++) {
        for (size_t i = 0; i < v->rungs_count; i++) {
            const struct rung_view *r = &v->rungs[i];
            if (!uuid_equal(&r->job, &p->jobs[slot]->id))
                continue;
            for (size_t k = 0; k < r->seats_count; k++) {
                struct seat_view *s = &r->seats[k];
                if (s->state == SEAT_REVEALED && !s->vote)
                    punish(c, v, s, p->jobs[slot], &p->higher_spent[slot]);
                else
                    seat_release(c, v, s);
            }
        }
    }
}

static void pay_slots(struct change *c, const struct view *v, struct payout *p, int transfer)
{
    char rule[SETTLE_RULE_MAX];
    for (size_t i = 0; i < p->slot_count; i++) {
        const struct job_view *j = p->jobs[i];
        const struct settle_slot *s = &p->slots[i];
        struct locked bond = {v->id, j->entity, j->bond_id, {{0}}, j->bond_gwei};
        snprintf(rule, sizeof rule,
                 "slot %d: price %" PRId64 " less fee %" PRId64 " less verifier share %" PRId64,
                 j->slot, s->price_gwei, s->fee_gwei, s->price_gwei - s->fee_gwei - s->net_gwei);
        struct line net = {leg_entity(&j->entity, "available"), s->net_gwei, &j->id, NULL};
        pay(c, v, transfer, &net, rule);
        snprintf(rule, sizeof rule, "fee: floor(%" PRId64 " * %" PRId64 " / 10^6)", s->price_gwei,
                 v->policy.fee_ppm);
        struct line fee = {leg_system("treasury", &v->id), s->fee_gwei, &j->id, NULL};
        pay(c, v, transfer, &fee, rule);
        locked_release(c, &bond);
        change_set(c, "job_states", &j->id, json_pack("{s:s}", "state", "paid"));
    }
}

static void pay_seats(struct change *c, const struct view *v, struct payout *p, int transfer)
{
    char rule[SETTLE_RULE_MAX];
    for (size_t i = 0; i < p->seat_count; i++) {
        const struct seat_view *s = p->seat_rows[i];
        if (v->policy.verifier_share_ppm > 0)
            snprintf(rule, sizeof rule, "share of %" PRId64 " ppm of the price, weight %d, rung %d",
                     v->policy.verifier_share_ppm, s->weight, p->seat_rungs[i]);
        else
            snprintf(rule, sizeof rule, "seat fee %" PRId64 " * weight %d, rung %d",
                     v->seat_fee_gwei, s->weight, p->seat_rungs[i]);
        struct line l = {leg_entity(&s->entity, "available"), p->seats[i].net_gwei, NULL, &s->id};
        pay(c, v, transfer, &l, rule);
        change_set(c, "seat_states", &s->id,
                   json_pack("{s:I}", "fee", (json_int_t)p->seats[i].net_gwei));
    }
}

bool close_paid(struct change *c, struct view *v)
{
    struct payout p;
    struct settle_split s;
    if (!payout_init(&p, v) || !fund_seats(c, &p, v))
        return false;
    int64_t escrow = v->promise_gwei + p.advances_spent;
    struct settle_terms t = {escrow, v->policy.fee_ppm, v->policy.verifier_share_ppm};
    if (escrow != v->held_gwei ||
        settle_split(&t, p.slots, p.slot_count, p.seats, p.seat_count, &s) != ERR_OK)
        return false;
    struct outcome o = {TASK_PAID,  EVENT_PAID, task_state_code(TASK_PAID),
                        "accepted", escrow,     settle_transfer(c, v, escrow)};
    pay_slots(c, v, &p, o.transfer);
    pay_seats(c, v, &p, o.transfer);
    struct line rest = {leg_entity(&v->requester, "available"), s.refund_gwei, NULL, NULL};
    pay(c, v, o.transfer, &rest, "the rest of the escrow returns to the requester");
    release_seats(c, v, &p);
    finish(c, v, &o, &s);
    return true;
}
