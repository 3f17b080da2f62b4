/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/slots.h"

#include <string.h>

#include "server/core/money.h"
#include "server/domain/settle.h"

enum { HEARTBEATS_MISSED_MAX = 3 };

int64_t slot_bond_gwei(const struct view *v)
{
    return money_mul_div(v->max_price_gwei, v->policy.bond_ppm, PPM);
}

static int next_fence(const struct view *v, int slot)
{
    int fence = 1;
    for (size_t i = 0; i < v->jobs_count; i++)
        if (v->jobs[i].slot == slot && v->jobs[i].fence >= fence)
            fence = v->jobs[i].fence + 1;
    return fence;
}

static int attempts_of(const struct view *v, int slot)
{
    int n = 0;
    for (size_t i = 0; i < v->jobs_count; i++)
        n += v->jobs[i].slot == slot && v->jobs[i].round == v->round;
    return n;
}

json_t *slot_award(struct change *c, const struct view *v, struct bid_view *b, int slot,
                   int64_t price_gwei)
{
    struct uuid id = uuid_new(c->at_us / US_PER_MS);
    int fence = next_fence(v, slot);
    int64_t bond = slot_bond_gwei(v);
    int64_t lease = v->now_us + v->lease_us;
    if (lease > v->deadline_us)
        lease = v->deadline_us;
    b->used = true;
    change_add(c, "jobs",
               json_pack("{s:o,s:o,s:i,s:i,s:i,s:o,s:o,s:o,s:I,s:I,s:I}", "id", json_uuid(&id),
                         "task", json_uuid(&v->id), "slot", slot, "fence", fence, "round", v->round,
                         "bid", json_uuid(&b->id), "entity", json_uuid(&b->entity), "node",
                         json_uuid(&b->node), "price", (json_int_t)price_gwei, "bond",
                         (json_int_t)bond, "lease_us", (json_int_t)lease));
    const struct bond_order order = {"award", v->id, id, b->entity, bond};
    bond_open(c, &order);
    change_wake(c, "node", &b->node);
    json_t *payload = json_pack("{s:i,s:i,s:i}", "slot", slot, "fence", fence, "round", v->round);
    event_id(payload, "job", "job", &id);
    event_id(payload, "bid", "bid", &b->id);
    event_id(payload, "entity", "acct", &b->entity);
    event_id(payload, "node", "node", &b->node);
    event_money(payload, "price", price_gwei);
    event_money(payload, "bond", bond);
    return payload;
}

struct bid_view *slot_takeover(const struct view *v, int slot)
{
    if (attempts_of(v, slot) >= v->policy.max_attempts || v->now_us >= v->deadline_us)
        return NULL;
    int64_t bond = slot_bond_gwei(v);
    struct bid_view *best = NULL;
    for (size_t i = 0; i < v->bids_count; i++) {
        struct bid_view *b = &v->bids[i];
        if (b->rank > 0 && !b->used && !b->suspended && !b->retired && b->free_gwei >= bond &&
            (!best || b->rank < best->rank))
            best = b;
    }
    return best;
}

static const char *job_state_text(enum job_state s)
{
    static const char *const texts[] = {
#define J(name, text) text,
        JOB_STATES(J)
#undef J
    };
    return texts[s];
}

static void end_job(struct change *c, struct job_view *j, enum job_state state)
{
    change_set(c, "job_states", &j->id, json_pack("{s:s}", "state", job_state_text(state)));
    j->state = state;
    change_wake(c, "node", &j->node);
}

static struct locked job_bond(const struct view *v, const struct job_view *j)
{
    return (struct locked){v->id, j->entity, j->bond_id, {{0}}, j->bond_gwei};
}

struct slot_slash slot_fail(struct change *c, const struct view *v, const struct slot_failure *f,
                            const struct bid_view *takeover)
{
    struct job_view *j = f->job;
    struct slot_slash done = {0, 0};
    struct locked bond = job_bond(v, j);
    int64_t slash = settle_slash_gwei(j->bond_gwei, f->share_ppm);
    end_job(c, j, f->ends);
    int t = locked_slash(c, &bond, slash, f->reason, f->evidence);
    if (t == 0)
        return done;
    int64_t dearer = takeover ? takeover->price_gwei - j->price_gwei : 0;
    struct settle_waterfall w = settle_waterfall(slash, f->verification_gwei, dearer);
    change_entry(c, t, leg_entity(&v->requester, "available"), w.difference_gwei);
    slash_burn(c, t, &v->id, w.burn_gwei);
    j->bond_gwei = 0;
    done.transfer = t;
    done.verification_gwei = w.verification_gwei;
    return done;
}

void slot_hand_over(struct change *c, const struct view *v, const struct job_view *failed,
                    struct bid_view *next)
{
    change_set(c, "bids", &next->id,
               json_pack("{s:s,s:s}", "verdict", "won", "reason", "takes the slot over"));
    json_t *job = slot_award(c, v, next, failed->slot, next->price_gwei);
    json_object_set_new(job, "why", json_string("takes the slot over"));
    event_id(job, "after", "job", &failed->id);
    change_move(c, &v->id, TASK_ASSIGNED, EVENT_TAKEOVER, job);
}

void slots_void(struct change *c, struct view *v)
{
    for (size_t i = 0; i < v->jobs_count; i++) {
        struct job_view *j = &v->jobs[i];
        if (!job_is_live(j))
            continue;
        struct locked bond = job_bond(v, j);
        end_job(c, j, JOB_VOIDED);
        locked_release(c, &bond);
    }
}

static int64_t whole_ms(int64_t us)
{
    return us / US_PER_MS * US_PER_MS;
}

bool slots_reopen(struct change *c, struct view *v, const char *why)
{
    int64_t closes = whole_ms(v->now_us + v->bidding_us);
    int64_t opens = closes + (v->operator_opens ? 0 : v->opening_us);
    if (v->round >= v->rounds_max || opens >= v->deadline_us || v->cancel)
        return false;
    change_set(c, "tasks", &v->id,
               json_pack("{s:i,s:I,s:I}", "round", v->round + 1, "closes_us", (json_int_t)closes,
                         "opens_us", (json_int_t)opens));
    change_move(c, &v->id, TASK_OPEN, EVENT_REOPENED,
                json_pack("{s:i,s:s}", "round", v->round + 1, "reason", why));
    change_ask(c, "auction", &v->id, closes);
    change_wake(c, "open", NULL);
    return true;
}

/* The last slot to commit; INT64_MAX while one has not. */
static int64_t all_committed_us(const struct view *v)
{
    int64_t last = 0;
    for (size_t i = 0; i < v->jobs_count; i++) {
        const struct job_view *j = &v->jobs[i];
        if (!job_is_live(j))
            continue;
        if (j->committed_us == 0)
            return INT64_MAX;
        if (j->committed_us > last)
            last = j->committed_us;
    }
    return last;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t job_lapse_us(const struct view *v, const struct job_view *j)
{
    int64_t silent = j->seen_us + HEARTBEATS_MISSED_MAX * v->policy.heartbeat_ms * US_PER_MS;
    if (j->state == JOB_ASSIGNED)
        return earlier(earlier(j->lease_us, silent), v->deadline_us);
    if (j->state != JOB_COMMITTED)
        return INT64_MAX;
    /* nobody may reveal before all committed: waiting for the others costs no lease */
    int64_t all = all_committed_us(v);
    if (all == INT64_MAX)
        return v->deadline_us;
    return earlier(later(j->lease_us, all + v->policy.reveal_ms * US_PER_MS), v->deadline_us);
}

int64_t slots_due_us(const struct view *v)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < v->jobs_count; i++)
        if (job_is_live(&v->jobs[i]))
            due = earlier(due, job_lapse_us(v, &v->jobs[i]));
    return due;
}
