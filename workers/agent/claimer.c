/* SPDX-License-Identifier: Apache-2.0 */
/* Asks what this node has to do next: a job to execute goes to the executors, a reveal is done
 * here. */
#include <stdio.h>
#include <string.h>

#include "server/core/log.h"
#include "workers/agent/agent.h"
#include "workers/agent/store.h"

enum { BUSY_POLL_MS = 2000, FAILED_PAUSE_MS = 1000, RETRY_HOLD_MS = 3000, GONE_HOLD_MS = 60000 };
static const int64_t FOR_EVER_MS = 86400000;

static void reveal(struct agent *a, struct client *c, const struct wire_job *job)
{
    json_t *record = NULL;
    if (a->config.fault == FAULT_NO_REVEAL) {
        agent_job_hold(a, job, FOR_EVER_MS);
        return;
    }
    enum err e = store_get(a->config.state_dir, "jobs", job->id, &record);
    if (e == ERR_OK)
        e = agent_result_reveal(a, c, job, record);
    json_decref(record);
    if (e == ERR_OK || e == ERR_EMPTY)
        return;
    log_event(LOG_WARN, "result not revealed", "job", job->id, "error", err_code(e), NULL);
    agent_job_hold(a, job, err_retryable(e) ? RETRY_HOLD_MS : GONE_HOLD_MS);
}

static void take(struct agent *a, struct client *c, json_t *json)
{
    struct wire_job job;
    if (wire_job_read(json, &job) != ERR_OK) {
        log_event(LOG_WARN, "job unreadable", NULL);
        agent_pause(a, FAILED_PAUSE_MS);
    } else if (strcmp(job.state, "assigned") == 0) {
        log_event(LOG_INFO, "job claimed", "job", job.id, "task", job.task.id, NULL);
        if (a->config.fault == FAULT_DROP_LEASE) {
            agent_job_hold(a, &job, FOR_EVER_MS);
            return;
        }
        if (!agent_job_add(a, &job, JOB_QUEUED, json))
            agent_pause(a, FAILED_PAUSE_MS);
    } else if (strcmp(job.state, "committed") == 0 && job.reveal_open) {
        reveal(a, c, &job);
    } else {
        agent_job_hold(a, &job, RETRY_HOLD_MS);
    }
}

/* The agent's stop flag and the wish to claim again with another list, seen as one by the client.
 */
void *agent_claimer(void *agent)
{
    struct agent *a = agent;
    struct client *c = agent_client(a, &a->claim_again, 0);
    while (c != NULL && !atomic_load(&a->stop)) {
        json_t *json = NULL;
        atomic_store(&a->claim_again, false);
        if (atomic_load(
                &a->stop)) /* set before the line above, so nobody will set the flag again */
            break;
        json_t *except = agent_job_ids(a);
        struct client_call call = {.method = "POST",
                                   .path = "/v1/jobs/claim",
                                   .wait_ms = json_array_size(except) > 0 ? BUSY_POLL_MS
                                                                          : a->config.poll_ms};
        json_t *body = json_pack("{s:s, s:o}", "node_id", a->node_id, "except", except);
        enum err e = agent_call(c, &call, body, &json);
        if (e == ERR_OK) {
            take(a, c, json);
        } else if (e != ERR_EMPTY) {
            log_event(LOG_WARN, "no claim", "error", err_code(e), NULL);
            agent_pause(a, FAILED_PAUSE_MS);
        }
        json_decref(json);
    }
    client_free(c);
    return NULL;
}
