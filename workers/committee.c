/* SPDX-License-Identifier: Apache-2.0 */
/* Draws committees, opens and closes their windows, counts votes, climbs the ladder, concludes. */
#include "server/core/log.h"
#include "workers/closing.h"
#include "workers/refusal.h"
#include "workers/runner.h"
#include "workers/seating.h"
#include "workers/slots.h"

enum { WAIT_FOR_VERIFIERS_MS = 1000 };

struct committee {
    struct worker *worker;
    struct view *v;
    struct change *c;
    int64_t due_us; /* next timer */
    bool running;   /* a rung is open or was just drawn */
    bool fault;
};

static void watch(struct committee *m, int64_t due_us)
{
    m->running = true;
    if (due_us < m->due_us)
        m->due_us = due_us;
}

static void draw(struct committee *m, const struct job_view *j, int number)
{
    if (seating_draw(m->c, m->v, j, number, m->worker->market_id) != SEATING_DONE)
        m->fault = true;
    watch(m, m->v->now_us + m->v->policy.commit_ms * US_PER_MS);
}

/* ---- one rung ----------------------------------------------------------------------------------
 */

/* True when somebody else sits in its place. */
static bool set_absent(struct committee *m, struct rung_view *r, struct seat_view *s)
{
    struct view *v = m->v;
    bool replaced = !s->replacement && seating_replace(m->c, v, r, s);
    seat_penalty(m->c, v, s, v->policy.absent_fees, "not_committed");
    s->state = SEAT_ABSENT;
    change_set(m->c, "seat_states", &s->id, json_pack("{s:s}", "state", "absent"));
    change_wake(m->c, "node", &s->node);
    if (!replaced)
        return false;
    r->commit_us = v->now_us + v->policy.commit_ms * US_PER_MS;
    r->reveal_us = r->commit_us + v->policy.reveal_ms * US_PER_MS;
    change_set(m->c, "rung_states", &r->id,
               json_pack("{s:I,s:I}", "commit_us", (json_int_t)r->commit_us, "reveal_us",
                         (json_int_t)r->reveal_us));
    watch(m, r->commit_us);
    return true;
}

static bool has_state(const struct rung_view *r, enum seat_state state)
{
    for (size_t i = 0; i < r->seats_count; i++)
        if (r->seats[i].state == state)
            return true;
    return false;
}

static void open_reveal(struct committee *m, struct rung_view *r)
{
    struct view *v = m->v;
    r->from_us = v->now_us;
    r->reveal_us = v->now_us + v->policy.reveal_ms * US_PER_MS;
    change_set(m->c, "rung_states", &r->id,
               json_pack("{s:I,s:I}", "from_us", (json_int_t)r->from_us, "reveal_us",
                         (json_int_t)r->reveal_us));
    json_t *payload = json_pack("{s:i}", "rung", r->rung);
    event_id(payload, "rung_id", "rung", &r->id);
    change_note(m->c, &v->id, EVENT_REVEAL_OPENED, payload);
    for (size_t i = 0; i < r->seats_count; i++)
        if (r->seats[i].state == SEAT_COMMITTED)
            change_wake(m->c, "node", &r->seats[i].node);
}

/* The commit window: absent seats are replaced once; then the votes are opened together. */
static void step_commit(struct committee *m, struct rung_view *r)
{
    bool waiting = false;
    for (size_t i = 0; i < r->seats_count; i++) {
        struct seat_view *s = &r->seats[i];
        if (s->state != SEAT_SEATED)
            continue;
        if (s->commit_us > m->v->now_us) {
            waiting = true;
            watch(m, s->commit_us);
            continue;
        }
        waiting = set_absent(m, r, s) || waiting;
    }
    if (!waiting)
        open_reveal(m, r);
}

static struct tally count(struct committee *m, struct rung_view *r)
{
    struct tally t = {0, 0, 0};
    for (size_t i = 0; i < r->seats_count; i++) {
        struct seat_view *s = &r->seats[i];
        if (s->state == SEAT_REVEALED && s->vote)
            t.yes += s->weight;
        else if (s->state == SEAT_REVEALED)
            t.no += s->weight;
        else if (s->state == SEAT_COMMITTED) {
            seat_penalty(m->c, m->v, s, m->v->policy.unrevealed_fees, "not_revealed");
            s->state = SEAT_UNREVEALED;
            change_set(m->c, "seat_states", &s->id, json_pack("{s:s}", "state", "unrevealed"));
        }
    }
    t.missing = r->seat_count - t.yes - t.no;
    return t;
}

static enum rung_outcome outcome_of(enum tally_result r)
{
    switch (r) {
    case TALLY_ACCEPT:
        return RUNG_ACCEPT;
    case TALLY_ESCALATE:
        return RUNG_ESCALATE;
    case TALLY_REFUSE:
        return RUNG_REFUSE;
    case TALLY_INCONCLUSIVE:
        break;
    }
    return RUNG_INCONCLUSIVE;
}

static void write_tally(struct committee *m, const struct rung_view *r, struct tally t,
                        enum tally_result result)
{
    const char *name = tally_result_name(result);
    change_set(m->c, "rung_states", &r->id,
               json_pack("{s:s,s:i,s:i,s:b}", "outcome", name, "yes", t.yes, "no", t.no, "final",
                         (int)(result == TALLY_ACCEPT ? r->final : result != TALLY_ESCALATE)));
    json_t *payload = json_pack("{s:i,s:i,s:i,s:i,s:i,s:s}", "rung", r->rung, "yes", t.yes, "no",
                                t.no, "missing", t.missing, "quorum", r->quorum, "outcome", name);
    event_id(payload, "rung_id", "rung", &r->id);
    event_id(payload, "job", "job", &r->job);
    change_note(m->c, &m->v->id, EVENT_TALLIED, payload);
}

/* A pinned checker needs no ladder; otherwise dissent climbs while a rung can be seated and paid.
 */
static void tally(struct committee *m, struct rung_view *r, const struct job_view *j)
{
    struct rung rung = {r->seat_count, r->quorum};
    struct tally t = count(m, r);
    bool checked = view_is_checked(m->v, j);
    bool last = checked || !seating_affordable(m->v, r->rung + 1);
    enum tally_result result = quorum_tally(rung, t, last);
    if (checked && result != TALLY_ACCEPT)
        result = TALLY_INCONCLUSIVE; /* paid all the same, but unwitnessed */
    r->outcome = outcome_of(result);
    write_tally(m, r, t, result);
    if (result != TALLY_ESCALATE)
        return;
    json_t *payload = json_pack("{s:i,s:i}", "slot", j->slot, "rung", r->rung + 1);
    event_id(payload, "job", "job", &j->id);
    change_move(m->c, &m->v->id, TASK_VERIFYING, EVENT_ESCALATED, payload);
    draw(m, j, r->rung + 1);
}

static void step_rung(struct committee *m, struct rung_view *r, const struct job_view *j)
{
    if (r->from_us == 0)
        step_commit(m, r);
    if (r->from_us == 0)
        return;
    if (has_state(r, SEAT_COMMITTED) && m->v->now_us < r->reveal_us)
        watch(m, r->reveal_us);
    else
        tally(m, r, j);
}

/* ---- the end of the ladder ---------------------------------------------------------------------
 */

static void close_challenge(struct committee *m, const char *outcome, bool slash)
{
    struct view *v = m->v;
    struct challenge_view *ch = &v->challenge;
    if (!ch->open)
        return;
    struct locked bond = {v->id, ch->entity, ch->bond_id, {{0}}, ch->bond_gwei};
    json_t *evidence = json_object();
    event_id(evidence, "challenge", "chal", &ch->id);
    int t = locked_slash(m->c, &bond, slash ? ch->bond_gwei : 0, "challenge_failed", evidence);
    if (t > 0)
        slash_burn(m->c, t, &v->id, ch->bond_gwei);
    change_set(m->c, "challenges", &ch->id, json_pack("{s:s}", "outcome", outcome));
    ch->open = false;
    ch->bond_gwei = 0;
}

static void accept(struct committee *m)
{
    struct view *v = m->v;
    bool challengeable = false;
    bool unwitnessed = false; /* a job whose committee did not reach its quorum */
    close_challenge(m, "rejected", true);
    for (size_t i = 0; i < v->jobs_count; i++) {
        struct job_view *j = &v->jobs[i];
        if (!job_is_live(j))
            continue;
        change_set(m->c, "job_states", &j->id, json_pack("{s:s}", "state", "accepted"));
        challengeable = challengeable || !view_is_checked(v, j);
        const struct rung_view *r = view_last_rung(v, &j->id);
        unwitnessed = unwitnessed || !r || r->outcome != RUNG_ACCEPT;
    }
    if (unwitnessed)
        change_set(m->c, "tasks", &v->id, json_pack("{s:b}", "unwitnessed", 1));
    int64_t due = v->now_us;
    if (challengeable && v->policy.committee)
        due += v->policy.challenge_ms * US_PER_MS;
    change_move(
        m->c, &v->id, TASK_ACCEPTED, EVENT_ACCEPTED,
        json_pack("{s:b,s:I}", "unwitnessed", (int)unwitnessed, "settle_at_us", (json_int_t)due));
    change_ask(m->c, "settle", &v->id, due);
}

static enum rung_outcome verdict_of(const struct view *v, const struct job_view *j)
{
    const struct rung_view *r = view_last_rung(v, &j->id);
    if (r && r->outcome == RUNG_RUNNING)
        return RUNG_RUNNING;
    if (view_is_checked(v, j))
        return RUNG_ACCEPT;
    return r ? r->outcome : RUNG_INCONCLUSIVE;
}

static bool any_verdict(const struct view *v, enum rung_outcome wanted)
{
    for (size_t i = 0; i < v->jobs_count; i++)
        if (job_is_live(&v->jobs[i]) && verdict_of(v, &v->jobs[i]) == wanted)
            return true;
    return false;
}

static void refuse(struct committee *m)
{
    struct view *v = m->v;
    bool taken = true;
    close_challenge(m, "upheld", false);
    for (size_t i = 0; i < v->jobs_count; i++)
        if (job_is_live(&v->jobs[i]) && verdict_of(v, &v->jobs[i]) == RUNG_REFUSE)
            taken = refusal_apply(m->c, v, &v->jobs[i]) && taken;
    if (taken) {
        change_ask(m->c, "dispatch", &v->id, v->now_us);
        return;
    }
    slots_void(m->c, v);
    close_refund(m->c, v, TASK_REFUNDED, task_state_code(TASK_REFUNDED),
                 "the committee refused the result and nobody takes the slot over");
}

static void conclude(struct committee *m)
{
    if (any_verdict(m->v, RUNG_INCONCLUSIVE))
        close_refund(m->c, m->v, TASK_REFUNDED, task_state_code(TASK_REFUNDED),
                     "the committee could not decide");
    else if (any_verdict(m->v, RUNG_REFUSE))
        refuse(m);
    else
        accept(m);
}

/* ---- the task ----------------------------------------------------------------------------------
 */

/* Too few verifiers by the end: checked work is paid all the same, other work is not. */
static void without_verifiers(struct committee *m)
{
    struct view *v = m->v;
    bool checked = true;
    for (size_t i = 0; i < v->jobs_count; i++)
        checked = checked && (!job_is_live(&v->jobs[i]) || view_is_checked(v, &v->jobs[i]));
    if (!checked) {
        close_refund(m->c, v, TASK_REFUNDED, TASK_CODE_NO_VERIFIERS,
                     "no committee could be seated in time");
        return;
    }
    accept(m);
}

static void start(struct committee *m)
{
    struct view *v = m->v;
    if (!v->policy.committee) {
        accept(m);
        return;
    }
    if (!seating_possible(v, 1)) {
        if (v->now_us >= v->settle_us) {
            without_verifiers(m);
            return;
        }
        int64_t due = v->now_us + WAIT_FOR_VERIFIERS_MS * US_PER_MS;
        watch(m, due < v->settle_us ? due : v->settle_us);
        return;
    }
    for (size_t i = 0; i < v->jobs_count; i++)
        if (v->jobs[i].state == JOB_CHECKED && !view_last_rung(v, &v->jobs[i].id))
            draw(m, &v->jobs[i], 1);
}

/* A challenge opens the next rung of its job; when there is none the challenge costs nothing. */
static void open_challenge(struct committee *m)
{
    struct view *v = m->v;
    struct job_view *j = v->challenge.open ? view_job(v, &v->challenge.job) : NULL;
    struct rung_view *r = j ? view_last_rung(v, &j->id) : NULL;
    if (!r || r->outcome != RUNG_ACCEPT || m->running)
        return;
    if (seating_affordable(v, r->rung + 1))
        draw(m, j, r->rung + 1);
    else
        close_challenge(m, "rejected", false);
}

static void proceed(struct committee *m)
{
    struct view *v = m->v;
    size_t rungs = v->rungs_count;
    bool stepped = false;
    for (size_t i = 0; i < rungs; i++) {
        struct job_view *j = view_job(v, &v->rungs[i].job);
        if (v->rungs[i].outcome != RUNG_RUNNING || !j || !job_is_live(j))
            continue;
        step_rung(m, &v->rungs[i], j);
        stepped = true;
    }
    if (!stepped)
        open_challenge(m);
    if (!m->running && any_verdict(v, RUNG_RUNNING))
        m->fault = true; /* a rung without a timer: a defect, and no reason to accept */
    if (!m->running && !m->fault)
        conclude(m);
}

static bool decide(struct worker *w, struct view *v, struct change *c, void *scratch)
{
    struct committee m = {.worker = w, .v = v, .c = c, .due_us = INT64_MAX};
    (void)scratch;
    if (v->state == TASK_SUBMITTED)
        start(&m);
    else if (v->state == TASK_VERIFYING)
        proceed(&m);
    if (m.running)
        change_ask(c, "committee", &v->id, m.due_us);
    return !m.fault;
}

int committee_run(struct worker *w)
{
    const struct task_job job = {.name = "committee", .batch = 1, .decide = decide};
    return runner_run(w, &job);
}
