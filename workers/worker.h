/* SPDX-License-Identifier: Apache-2.0 */
/* What every job runs with. One process, one job, one thread. */
#ifndef CF_WORKERS_WORKER_H
#define CF_WORKERS_WORKER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/core/ids.h"
#include "server/db/run.h"
#include "server/queue/queue.h"

enum { WORKER_FAILURES = 64, WORKER_NAME_MAX = 64, WORKER_ERROR_MAX = 256 };

/* How often one piece of work failed here; the oldest is forgotten first. */
struct failure {
    struct uuid work;
    int count;
};

struct worker {
    struct db_conn *db;
    struct queue *queue; /* NULL: the database is polled */
    const char *redis_address;
    const char *redis_prefix;
    const char *market_id;
    const char *data_dir;
    int64_t block_ms;
    int64_t reclaim_ms;
    int max_deliveries;
    int batch_max;
    bool once; /* stop when nothing is due: for tests */
    const volatile sig_atomic_t *stop;
    char consumer[WORKER_NAME_MAX];
    bool queue_is_down;
    int64_t polled_ms; /* monotonic: when the database was last polled although Redis works */
    char error[WORKER_ERROR_MAX]; /* of the last failed step */
    struct failure failures[WORKER_FAILURES];
    int failures_next;
    /* Fault injection for the chaos tests: the process kills itself when it passes the named point
     * for the fault_left-th time. */
    const char *fault_point;
    int fault_left;
};

/* Each job's loop; returns the exit code once *stop is set. */
#define J(name, help) int name##_run(struct worker *w);
#include "workers/workers.def"
#undef J

/* A point at which a process may be killed: "loaded", "decided", "applied", "committed", "woken".
 */
void worker_fault(struct worker *w, const char *point);
/* Sends wake topics to the other processes, if Redis is there. */
void worker_wake(struct worker *w, const char *topics, size_t len);
/* Sleeps at most ms, less when a signal comes. */
void worker_sleep(int64_t ms);

#endif
