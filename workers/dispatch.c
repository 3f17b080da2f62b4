/* SPDX-License-Identifier: Apache-2.0 */
/* Watches the slots of assigned tasks: leases, heartbeats, declines, results, takeovers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/log.h"
#include "server/core/money.h"
#include "server/workload/workload.h"
#include "sql/worker_statements.h"
#include "workers/closing.h"
#include "workers/runner.h"
#include "workers/slots.h"

enum { RESULTS_MAX = 16 };

/* What the mechanical check said about a revealed result, before the transaction. */
struct checked {
    struct uuid job;
    bool mechanical; /* the policy lets the kind's checker decide */
    enum workload_verdict verdict;
    char reason[WORKLOAD_REASON_MAX];
};

struct scratch {
    struct checked results[RESULTS_MAX];
    size_t count;
};

static const char *verdict_text(enum workload_verdict v)
{
    switch (v) {
    case VERDICT_ACCEPT:
        return "accept";
    case VERDICT_REJECT:
        return "reject";
    case VERDICT_UNDECIDED:
        break;
    }
    return "undecided";
}

/* ---- the check, outside the transaction --------------------------------------------------------
 */

static bool read_task(struct worker *w, const struct db_rows *rows, int i, struct workload_task *t,
                      json_t **input)
{
    *input = json_loads(db_rows_text(rows, i, 3), JSON_REJECT_DUPLICATES, NULL);
    *t = (struct workload_task){.market_id = w->market_id,
                                .kind = db_rows_text(rows, i, 2),
                                .input = *input,
                                .deadline_ms = db_rows_int(rows, i, 6)};
    return *input && db_rows_uuid(rows, i, 1, &t->task) &&
           db_rows_bytes(rows, i, 4, t->input_hash, HASH_BYTES) &&
           db_rows_bytes(rows, i, 5, t->worker_key, PUBKEY_BYTES);
}

static void reject(struct checked *r, const char *reason)
{
    r->verdict = VERDICT_REJECT;
    snprintf(r->reason, sizeof r->reason, "%s", reason);
}

/* The bytes must be those that were committed; then the kind's checker decides. */
static void check_bytes(struct worker *w, const struct workload_task *t, struct bytes result,
                        const uint8_t digest[HASH_BYTES], struct checked *out)
{
    uint8_t hash[HASH_BYTES];
    const struct workload *kind = out->mechanical ? workload_find(t->kind) : NULL;
    hash_plain(result.data, result.len, hash);
    if (memcmp(hash, digest, HASH_BYTES) != 0) {
        reject(out, "the result is not what was committed to");
        return;
    }
    if (!kind || !kind->checkable)
        return; /* a committee decides */
    struct workload_check check = {VERDICT_UNDECIDED, ""};
    kind->check(t, w->data_dir, result, &check);
    out->verdict = check.verdict;
    snprintf(out->reason, sizeof out->reason, "%s", check.reason);
}

static bool check_row(struct worker *w, const struct db_rows *rows, int i, struct checked *out)
{
    struct workload_task t;
    json_t *input = NULL;
    uint8_t digest[HASH_BYTES];
    const char *hex = db_rows_text(rows, i, 8); /* "\x...", NULL for a blob that is too large */
    size_t len = hex ? strlen(hex) / 2 - 1 : 0;
    uint8_t *result = malloc(len + 1);
    *out = (struct checked){.verdict = VERDICT_UNDECIDED, .mechanical = db_rows_bool(rows, i, 9)};
    bool ok = result && db_rows_uuid(rows, i, 0, &out->job) && read_task(w, rows, i, &t, &input) &&
              db_rows_bytes(rows, i, 7, digest, HASH_BYTES);
    if (ok && !hex)
        reject(out, "the result is larger than a result may be");
    else if (ok && db_rows_bytes(rows, i, 8, result, len))
        check_bytes(w, &t, (struct bytes){result, len}, digest, out);
    else
        ok = false;
    json_decref(input);
    free(result);
    return ok;
}

static bool prepare(struct worker *w, const struct uuid *work, void *arg)
{
    struct scratch *s = arg;
    struct db_call call;
    struct db_rows *rows = NULL;
    s->count = 0;
    worker_bind_results(&call, work, WORKLOAD_RESULT_MAX_BYTES);
    enum db_outcome o = db_run(w->db, &call, &rows);
    bool ok = o == DB_ROW || o == DB_NO_ROW;
    for (int i = 0; o == DB_ROW && ok && i < db_rows_count(rows) && i < RESULTS_MAX; i++)
        ok = check_row(w, rows, i, &s->results[s->count++]);
    db_rows_unref(rows);
    if (!ok)
        snprintf(w->error, sizeof w->error, "a result cannot be read");
    return ok;
}

/* ---- the decision ------------------------------------------------------------------------------
 */

struct dispatch {
    struct view *v;
    struct change *c;
    struct scratch *checked;
    bool handed_over;
    bool unchecked; /* a result was revealed after the check */
    bool stuck;     /* a slot without anybody to take it */
};

static const struct checked *result_of(const struct dispatch *d, const struct job_view *j)
{
    for (size_t i = 0; i < d->checked->count; i++)
        if (uuid_equal(&d->checked->results[i].job, &j->id))
            return &d->checked->results[i];
    return NULL;
}

static void note_check(struct dispatch *d, const struct job_view *j, const struct checked *r)
{
    json_t *payload = json_pack("{s:i,s:i,s:s,s:s}", "slot", j->slot, "fence", j->fence, "verdict",
                                verdict_text(r->verdict), "reason", r->reason);
    event_id(payload, "job", "job", &j->id);
    change_note(d->c, &d->v->id, EVENT_CHECKED, payload);
}

/* Ends an attempt: the next-ranked bid takes the slot over, if there is one. */
static void fail_job(struct dispatch *d, struct slot_failure *f, enum event_kind note)
{
    struct view *v = d->v;
    struct job_view *j = f->job;
    struct bid_view *next = slot_takeover(v, j->slot);
    json_t *payload = json_pack("{s:i,s:i}", "slot", j->slot, "fence", j->fence);
    event_id(payload, "job", "job", &j->id);
    event_id(payload, "entity", "acct", &j->entity);
    f->evidence = json_deep_copy(payload);
    if (note != EVENT_CHECKED)
        change_note(d->c, &v->id, note, payload);
    else
        json_decref(payload);
    slot_fail(d->c, v, f, next);
    if (!next) {
        d->stuck = true;
        return;
    }
    d->handed_over = true;
    slot_hand_over(d->c, v, j, next);
}

/* Declining is free only when the input is not what the kind demands. */
static bool input_is_bad(const struct view *v)
{
    char pointer[WORKLOAD_POINTER_MAX] = "";
    char reason[WORKLOAD_REASON_MAX] = "";
    int64_t units = 0;
    const struct workload *kind = workload_find(v->kind);
    const json_t *input = json_object_get(v->doc, "input");
    return kind && input && kind->validate(input, &units, pointer, reason) != ERR_OK;
}

static void judge_result(struct dispatch *d, struct job_view *j)
{
    const struct checked *r = result_of(d, j);
    bool mechanical = d->v->policy.mechanical_check;
    if (!r) {
        d->unchecked = true;
        return;
    }
    note_check(d, j, r);
    if (r->verdict == VERDICT_REJECT && mechanical) {
        change_set(
            d->c, "job_states", &j->id,
            json_pack("{s:s,s:s,s:s}", "state", "wrong", "verdict", "reject", "reason", r->reason));
        struct slot_failure f = {j, JOB_WRONG, "wrong_result", d->v->policy.wrong_ppm, 0, NULL};
        fail_job(d, &f, EVENT_CHECKED);
        return;
    }
    change_set(d->c, "job_states", &j->id,
               json_pack("{s:s,s:s,s:s}", "state", "checked", "verdict",
                         mechanical ? verdict_text(r->verdict) : "undecided", "reason",
                         mechanical ? r->reason : "left to the committee"));
    j->state = JOB_CHECKED;
}

static bool lapse_one(struct dispatch *d, struct job_view *j)
{
    if (!job_is_live(j) || job_lapse_us(d->v, j) > d->v->now_us)
        return false;
    struct slot_failure f = {j, JOB_LAPSED, "no_show", d->v->policy.no_show_ppm, 0, NULL};
    fail_job(d, &f, EVENT_LEASE_LAPSED);
    return true;
}

/* A job the provider declined has ended already; its bond is still locked. */
static void decline_one(struct dispatch *d, struct job_view *j)
{
    int64_t share = input_is_bad(d->v) ? 0 : d->v->policy.no_show_ppm;
    struct slot_failure f = {j, JOB_DECLINED, "no_show", share, 0, NULL};
    fail_job(d, &f, EVENT_DECLINED);
}

static bool slot_is_open(const struct view *v, const struct job_view *j)
{
    if (j->round != v->round || view_live_job(v, j->slot))
        return false;
    for (size_t i = 0; i < v->jobs_count; i++)
        if (v->jobs[i].slot == j->slot && v->jobs[i].fence > j->fence)
            return false;
    return true;
}

static void walk_jobs(struct dispatch *d)
{
    struct view *v = d->v;
    for (size_t i = 0; i < v->jobs_count; i++) {
        struct job_view *j = &v->jobs[i];
        if (j->state == JOB_DECLINED && slot_is_open(v, j))
            decline_one(d, j);
        else if (j->state == JOB_REVEALED)
            judge_result(d, j);
        else if (job_is_live(j))
            lapse_one(d, j);
    }
}

static bool all_checked(const struct view *v)
{
    int slots = view_slots(v);
    for (int slot = 0; slot < slots; slot++) {
        const struct job_view *j = view_live_job(v, slot);
        if (!j || (j->state != JOB_CHECKED && j->state != JOB_ACCEPTED))
            return false;
    }
    return slots > 0;
}

static void submit(struct dispatch *d)
{
    struct view *v = d->v;
    int64_t settle_by = v->deadline_us + policy_ladder_ms(&v->policy) * US_PER_MS;
    change_set(d->c, "tasks", &v->id, json_pack("{s:I}", "settle_us", (json_int_t)settle_by));
    change_move(d->c, &v->id, TASK_SUBMITTED, EVENT_SUBMITTED,
                json_pack("{s:i}", "slots", view_slots(v)));
    change_ask(d->c, "committee", &v->id, v->now_us);
}

static void give_up(struct dispatch *d)
{
    struct view *v = d->v;
    bool late = v->now_us >= v->deadline_us;
    slots_void(d->c, v);
    if (!late && slots_reopen(d->c, v, "nobody is left to take a slot over"))
        return;
    close_refund(d->c, v, TASK_REFUNDED, task_state_code(TASK_REFUNDED),
                 late ? "the deadline passed" : "nobody is left to take a slot over");
}

static bool decide(struct worker *w, struct view *v, struct change *c, void *arg)
{
    struct dispatch d = {.v = v, .c = c, .checked = arg};
    (void)w;
    if (v->state != TASK_ASSIGNED)
        return true;
    walk_jobs(&d);
    if (d.stuck) {
        give_up(&d);
        return true;
    }
    if (!d.handed_over && all_checked(v)) {
        submit(&d);
        return true;
    }
    int64_t due = slots_due_us(v);
    int64_t first = v->now_us + v->policy.heartbeat_ms * 3 * US_PER_MS;
    if (d.handed_over && first < due)
        due = first;
    if (d.unchecked)
        due = v->now_us;
    change_ask(c, "dispatch", &v->id, due < v->deadline_us ? due : v->deadline_us);
    return true;
}

int dispatch_run(struct worker *w)
{
    struct scratch *s = calloc(1, sizeof *s);
    if (!s)
        return 1;
    const struct task_job job = {
        .name = "dispatch", .batch = 1, .prepare = prepare, .decide = decide, .scratch = s};
    int code = runner_run(w, &job);
    free(s);
    return code;
}
