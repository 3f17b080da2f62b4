/* SPDX-License-Identifier: Apache-2.0 */
/* Executes one job at a time: checks the input, works in a scratch folder, stores, commits,
 * reveals. */
#include <stdio.h>
#include <string.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/proc/file.h"
#include "workers/agent/agent.h"
#include "workers/agent/store.h"

enum { LEASE_MARGIN_MS = 500, RETRY_HOLD_MS = 2000, GONE_HOLD_MS = 60000 };

static void decline(struct client *c, const struct wire_job *job, const char *reason)
{
    char path[CLIENT_PATH_MAX];
    char key[CLIENT_IDEMPOTENCY_MAX];
    snprintf(path, sizeof path, "/v1/jobs/%s/decline", job->id);
    snprintf(key, sizeof key, "decline-%s", job->id);
    enum err e = agent_post(c, path, json_pack("{s:i, s:s}", "fence", job->fence, "reason", reason),
                            key, NULL);
    log_event(LOG_WARN, "job declined", "job", job->id, "reason", reason, "answer", err_code(e),
              NULL);
}

/* What a dishonest provider would hand in: the last digit of the result is another one. */
static void spoil(struct buf *result)
{
    for (size_t i = result->len; i-- > 0;)
        if (result->data[i] >= '0' && result->data[i] <= '9') {
            result->data[i] = result->data[i] == '9' ? '8' : (char)(result->data[i] + 1);
            return;
        }
}

/* Runs the workload in a folder of its own. */
static enum err execute(struct agent *a, const struct wire_job *job, const atomic_bool *stop,
                        struct buf *result)
{
    char scratch[STORE_PATH_MAX];
    int n = snprintf(scratch, sizeof scratch, "%s/scratch/%s", a->config.state_dir, job->id);
    struct workload_task t = wire_workload_task(&job->task, a->market_id, a->key.public);
    int64_t left_ms = job->lease_until_ms - agent_now_ms(a) - LEASE_MARGIN_MS;
    struct workload_exec x = {.data_dir = a->config.data_dir,
                              .scratch_dir = scratch,
                              .deadline_mono_ms = clock_mono_ms() + left_ms,
                              .stop = stop};
    if (n < 0 || n >= STORE_PATH_MAX)
        return ERR_RANGE;
    enum err e = file_make_dir(scratch);
    if (e == ERR_OK)
        e = workload_execute(&t, &x, result);
    if (file_remove_tree(scratch) != ERR_OK)
        log_event(LOG_WARN, "scratch folder not removed", "path", scratch, NULL);
    return e;
}

/* Executes and stores; ERR_OK when there is a result to commit. */
static enum err work(struct agent *a, struct client *c, const struct wire_job *job,
                     const atomic_bool *stop)
{
    char reason[WORKLOAD_REASON_MAX] = "";
    int64_t units = 0;
    struct buf result;
    if (wire_input_check(&job->task, &units, reason) != ERR_OK) {
        decline(c, job, reason);
        return ERR_BAD_FIELD;
    }
    buf_init(&result, WORKLOAD_RESULT_MAX_BYTES);
    int64_t began = clock_mono_ms();
    enum err e = execute(a, job, stop, &result);
    if (e == ERR_OK && a->config.fault == FAULT_WRONG_RESULT)
        spoil(&result);
    if (e == ERR_OK)
        e = agent_result_store(a, job, &result);
    if (e == ERR_OK) {
        char ms[24];
        snprintf(ms, sizeof ms, "%lld", (long long)(clock_mono_ms() - began));
        log_event(LOG_INFO, "job executed", "job", job->id, "task", job->task.id, "ms", ms, NULL);
    } else if (!atomic_load(stop)) {
        /* Saying so at once lets the next bidder start; keeping silent would cost the whole lease.
         */
        snprintf(reason, sizeof reason, "execution failed: %s", err_title(e));
        decline(c, job, reason);
    }
    buf_clear(&result);
    return e;
}

/* True when the record on disk belongs to this very lease. */
static bool record_fits(const json_t *record, const struct wire_job *job)
{
    const json_t *fence = json_object_get(record, "fence");
    return json_is_integer(fence) && json_integer_value(fence) == job->fence;
}

/* How long claims should leave the job alone; 0: it may come back at once, for its reveal. */
static int64_t commit_and_reveal(struct agent *a, struct client *c, const struct wire_job *job)
{
    json_t *record = NULL;
    enum err e = store_get(a->config.state_dir, "jobs", job->id, &record);
    if (e == ERR_OK)
        e = agent_result_commit(a, c, job, record);
    if (e == ERR_OK)
        log_event(LOG_INFO, "result committed", "job", job->id, "task", job->task.id, NULL);
    else if (e != ERR_EMPTY)
        log_event(LOG_WARN, "result not committed", "job", job->id, "error", err_code(e), NULL);
    int64_t hold_ms = e == ERR_OK ? 0 : err_retryable(e) ? RETRY_HOLD_MS : GONE_HOLD_MS;
    if (e == ERR_OK && a->config.fault != FAULT_NO_REVEAL) {
        /* With one slot the reveal is open now; with more the claim says when. */
        e = agent_result_reveal(a, c, job, record);
        if (e != ERR_OK && e != ERR_REVEAL_EARLY && e != ERR_EMPTY)
            log_event(LOG_WARN, "result not revealed", "job", job->id, "error", err_code(e), NULL);
    } else if (e != ERR_OK && !err_retryable(e) && e != ERR_EMPTY) {
        store_drop(a->config.state_dir, "jobs", job->id);
    }
    json_decref(record);
    return hold_ms;
}

static int64_t run(struct agent *a, struct client *c, struct agent_job *j)
{
    struct wire_job job;
    json_t *record = NULL;
    enum err e = wire_job_read(j->json, &job);
    if (e != ERR_OK)
        return GONE_HOLD_MS;
    bool stored = store_get(a->config.state_dir, "jobs", job.id, &record) == ERR_OK &&
                  record_fits(record, &job);
    json_decref(record);
    if (!stored)
        e = work(a, c, &job, &j->stop);
    if (e == ERR_OK)
        return commit_and_reveal(a, c, &job);
    return RETRY_HOLD_MS;
}

void *agent_executor(void *agent)
{
    struct agent *a = agent;
    struct client *c = agent_client(a, &a->stop, 0);
    struct agent_job *j = NULL;
    while (c != NULL && (j = agent_job_next(a)) != NULL) {
        int64_t hold_ms = run(a, c, j);
        agent_job_release(a, j, hold_ms);
    }
    client_free(c);
    return NULL;
}
