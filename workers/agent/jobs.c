/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs in hand: what claims must leave out, what waits for an executor, what is held back. */
#include <stdio.h>
#include <string.h>

#include "server/core/clock.h"
#include "workers/agent/agent.h"

static struct agent_job *find(struct agent *a, const char *id)
{
    for (size_t i = 0; i < AGENT_JOBS_MAX; i++)
        if (a->jobs[i].state != JOB_FREE && strcmp(a->jobs[i].id, id) == 0)
            return &a->jobs[i];
    return NULL;
}

static void clear(struct agent_job *j)
{
    json_decref(j->json);
    j->json = NULL;
    j->state = JOB_FREE;
    j->id[0] = '\0';
}

bool agent_job_add(struct agent *a, const struct wire_job *job, enum agent_job_state state,
                   json_t *json)
{
    struct agent_job *j = NULL;
    pthread_mutex_lock(&a->lock);
    if (find(a, job->id) == NULL)
        for (size_t i = 0; i < AGENT_JOBS_MAX && j == NULL; i++)
            if (a->jobs[i].state == JOB_FREE)
                j = &a->jobs[i];
    if (j != NULL) {
        snprintf(j->id, sizeof j->id, "%s", job->id);
        j->fence = job->fence;
        j->json = json_incref(json);
        j->state = state;
        atomic_store(&j->stop, atomic_load(&a->stop));
        pthread_cond_broadcast(&a->changed);
    }
    pthread_mutex_unlock(&a->lock);
    return j != NULL;
}

struct agent_job *agent_job_next(struct agent *a)
{
    struct agent_job *next = NULL;
    pthread_mutex_lock(&a->lock);
    while (next == NULL && !atomic_load(&a->stop)) {
        for (size_t i = 0; i < AGENT_JOBS_MAX && next == NULL; i++)
            if (a->jobs[i].state == JOB_QUEUED)
                next = &a->jobs[i];
        if (next == NULL)
            pthread_cond_wait(&a->changed, &a->lock);
    }
    if (next != NULL)
        next->state = JOB_RUNNING;
    pthread_mutex_unlock(&a->lock);
    return next;
}

void agent_job_release(struct agent *a, struct agent_job *job, int64_t hold_ms)
{
    pthread_mutex_lock(&a->lock);
    if (hold_ms > 0) {
        job->state = JOB_HELD;
        job->until_mono_ms = clock_mono_ms() + hold_ms;
    } else {
        clear(job);
        atomic_store(&a->claim_again, true);
    }
    pthread_mutex_unlock(&a->lock);
}

void agent_job_hold(struct agent *a, const struct wire_job *job, int64_t hold_ms)
{
    if (!agent_job_add(a, job, JOB_HELD, NULL))
        return;
    pthread_mutex_lock(&a->lock);
    struct agent_job *j = find(a, job->id);
    if (j != NULL)
        j->until_mono_ms = clock_mono_ms() + hold_ms;
    pthread_mutex_unlock(&a->lock);
}

json_t *agent_job_ids(struct agent *a)
{
    json_t *ids = json_array();
    int64_t now = clock_mono_ms();
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < AGENT_JOBS_MAX; i++) {
        struct agent_job *j = &a->jobs[i];
        if (j->state == JOB_HELD && j->until_mono_ms <= now)
            clear(j);
        if (j->state != JOB_FREE)
            json_array_append_new(ids, json_string(j->id));
    }
    pthread_mutex_unlock(&a->lock);
    return ids;
}

bool agent_has_jobs(struct agent *a)
{
    bool any = false;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < AGENT_JOBS_MAX; i++)
        any |= a->jobs[i].state != JOB_FREE;
    pthread_mutex_unlock(&a->lock);
    return any;
}
