/* SPDX-License-Identifier: Apache-2.0 */
/* A small application on http.h for the tests and benchmarks of the server: waits, wakes, keys,
 * bodies. */
#ifndef COMPUTEFI_TESTS_SUPPORT_HTTP_APP_H
#define COMPUTEFI_TESTS_SUPPORT_HTTP_APP_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/http/http.h"

enum { APP_JOBS_MAX = 16384 };

/* What stands for the database: a thread that answers held requests a little later. */
struct app_job {
    struct http_ticket ticket;
    struct app_state *state;
    int64_t due_mono_ms;
};

struct app_state {
    bool begun; /* counted as handled */
    bool submitted;
    bool answered; /* by the job thread, before its http_resume */
    int64_t deadline_mono_ms;
};

struct app {
    struct http_server *server;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct app_job jobs[APP_JOBS_MAX];
    size_t head, count;
    bool stop;
    int64_t job_delay_ms;
    atomic_ulong handled, ended, answered;
};

extern const struct http_route app_routes[];

/* Set job_delay_ms before; 0 takes the default. On ERR_OK the caller ends with app_stop. */
enum err app_start(struct app *app, const struct http_options *options) CF_MUST_CHECK;
/* drain: as main.c does on SIGTERM; without, the server is freed with whatever it holds. */
void app_stop(struct app *app, bool drain);

#endif
