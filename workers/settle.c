/* SPDX-License-Identifier: Apache-2.0 */
/* Pays accepted tasks after their challenge window and finishes cancelled ones: many tasks in one
 * transaction, one transfer group and one settlement each. */
#include "server/core/log.h"
#include "workers/closing.h"
#include "workers/runner.h"

/* Checked work has no challenge window; other work waits for it. */
static int64_t payable_us(const struct view *v)
{
    bool checked = true;
    for (size_t i = 0; i < v->jobs_count; i++)
        if (v->jobs[i].state == JOB_ACCEPTED)
            checked = checked && view_is_checked(v, &v->jobs[i]);
    if (checked || !v->policy.committee)
        return v->accepted_us;
    return v->accepted_us + v->policy.challenge_ms * US_PER_MS;
}

static bool pay(struct view *v, struct change *c)
{
    char id[UUID_TEXT_MAX];
    if (v->now_us < payable_us(v)) {
        change_ask(c, "settle", &v->id, payable_us(v));
        return true;
    }
    if (close_paid(c, v))
        return true;
    uuid_print(&v->id, id);
    log_event(LOG_ERROR, "the escrow does not cover the settlement", "task", id,
              (const char *)NULL);
    return false;
}

static bool decide(struct worker *w, struct view *v, struct change *c, void *scratch)
{
    (void)w;
    (void)scratch;
    if (v->state == TASK_ACCEPTED)
        return pay(v, c);
    if (v->cancel && (v->state == TASK_OPEN || v->state == TASK_OPENING))
        close_cancel(c, v);
    return true; /* a cancel that came too late changes nothing */
}

int settle_run(struct worker *w)
{
    const struct task_job job = {.name = "settle", .batch = w->batch_max, .decide = decide};
    return runner_run(w, &job);
}
