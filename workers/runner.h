/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of a job that works on tasks: take due work, decide in one transaction, acknowledge.
 * Killed anywhere it loses nothing: the work row goes away in the transaction that did the work. */
#ifndef CF_WORKERS_RUNNER_H
#define CF_WORKERS_RUNNER_H

#include "workers/change.h"
#include "workers/view.h"
#include "workers/worker.h"

struct task_job {
    const char *name;
    int batch; /* most tasks of one transaction */
    /* Before the transaction and without a lock: slow work, such as checking a result. May be NULL.
     * False leaves the work for a later delivery. */
    bool (*prepare)(struct worker *w, const struct uuid *work, void *scratch);
    /* Inside it: decides about a locked, not yet final task. False (logged) rolls back. */
    bool (*decide)(struct worker *w, struct view *v, struct change *c, void *scratch);
    void *scratch;
};

/* Until w->stop; returns the exit code. */
int runner_run(struct worker *w, const struct task_job *job);

/* Counts a failure of a piece of work in this process and returns how many there were. */
int worker_failed(struct worker *w, const struct uuid *work);

#endif
