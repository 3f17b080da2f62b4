/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/http_app.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/core/clock.h"

enum { APP_SLOW_MS = 2, APP_NEVER_MS = 300, APP_FOREVER_MS = 3600 * 1000 };

static struct app_state *app_state_of(struct http_request *rq)
{
    if (rq->user == NULL)
        rq->user = arena_alloc(&rq->arena, sizeof(struct app_state));
    return rq->user;
}

/* A hold is taken for as long as the thread may touch the state. */
static bool app_submit(struct app *app, struct http_request *rq, struct app_state *state)
{
    bool fits = false;
    http_hold(rq);
    pthread_mutex_lock(&app->lock);
    if (app->count < APP_JOBS_MAX && !app->stop) {
        struct app_job *j = &app->jobs[(app->head + app->count++) % APP_JOBS_MAX];
        *j = (struct app_job){rq->ticket, state, clock_mono_ms() + app->job_delay_ms};
        pthread_cond_signal(&app->more);
        fits = true;
    }
    pthread_mutex_unlock(&app->lock);
    if (!fits)
        http_release(rq->ticket);
    return fits;
}

static void app_answer(struct app *app, const struct app_job *j)
{
    int64_t wait = j->due_mono_ms - clock_mono_ms();
    if (wait > 0) {
        struct timespec ts = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};
        nanosleep(&ts, NULL);
    }
    j->state->answered = true;
    http_resume(j->ticket);
    http_release(j->ticket);
    atomic_fetch_add(&app->answered, 1);
}

static void *app_thread(void *arg)
{
    struct app *app = arg;
    pthread_mutex_lock(&app->lock);
    while (!app->stop || app->count > 0) {
        if (app->count == 0) {
            pthread_mutex_unlock(&app->lock);
            if (app->server != NULL)
                http_flush(app->server);
            pthread_mutex_lock(&app->lock);
            if (app->count == 0 && !app->stop)
                pthread_cond_wait(&app->more, &app->lock);
            continue;
        }
        struct app_job j = app->jobs[app->head];
        app->head = (app->head + 1) % APP_JOBS_MAX;
        app->count--;
        pthread_mutex_unlock(&app->lock);
        app_answer(app, &j);
        pthread_mutex_lock(&app->lock);
    }
    pthread_mutex_unlock(&app->lock);
    return NULL;
}

static enum http_step app_text(struct http_request *rq, const char *text)
{
    rq->reply.status = 200;
    rq->reply.content_type = "text/plain";
    buf_adds(&rq->reply.body, text);
    return HTTP_DONE;
}

static enum http_step app_echo(struct http_request *rq)
{
    char hash[2 * HASH_BYTES + 1];
    hex_encode(rq->body_hash, HASH_BYTES, hash);
    rq->reply.status = 200;
    buf_addf(&rq->reply.body,
             "{\"bytes\":%zu,\"wait_ms\":%lld,\"hash\":\"%s\",\"key\":", rq->body.len,
             (long long)rq->wait_ms, hash);
    const char *key = rq->idempotency_key != NULL ? rq->idempotency_key : "";
    buf_add_json(&rq->reply.body, key, strlen(key));
    buf_adds(&rq->reply.body, "}");
    return HTTP_DONE;
}

static enum http_step app_wait(struct app *app, struct http_request *rq, enum err *problem,
                               int64_t *deadline)
{
    struct app_state *state = app_state_of(rq);
    if (!state->submitted) {
        state->submitted = true;
        state->deadline_mono_ms = rq->started_mono_ms + rq->wait_ms;
        if (!http_may_park(app->server))
            return app_text(rq, "full");
    } else {
        *problem = ERR_EMPTY;
        return rq->resumed_by_deadline ? HTTP_FAIL : app_text(rq, "woken");
    }
    http_topic_park(rq, rq->params[0], http_topic_version(app->server, rq->params[0]));
    *deadline = state->deadline_mono_ms;
    return HTTP_WAIT;
}

static enum http_step app_slow(struct app *app, struct http_request *rq, enum err *problem,
                               int64_t *deadline)
{
    struct app_state *state = app_state_of(rq);
    if (state->answered)
        return app_text(rq, "slow");
    *deadline = rq->started_mono_ms + 10000;
    if (!state->submitted && !app_submit(app, rq, state)) {
        *problem = ERR_UNAVAILABLE;
        return HTTP_FAIL;
    }
    state->submitted = true;
    return HTTP_WAIT;
}

/* One suspend and resume without another thread: what the wait itself costs. */
static enum http_step app_late(struct http_request *rq, int64_t *deadline)
{
    struct app_state *state = app_state_of(rq);
    if (state->submitted)
        return app_text(rq, "late");
    state->submitted = true;
    *deadline = rq->started_mono_ms + 10000;
    http_resume(rq->ticket);
    return HTTP_WAIT;
}

/* The job thread keeps its hands on the request while the client hangs up. */
static enum http_step app_held(struct app *app, struct http_request *rq, int64_t *deadline)
{
    struct app_state *state = app_state_of(rq);
    if (!state->submitted)
        state->submitted = app_submit(app, rq, state);
    http_topic_park(rq, "held", http_topic_version(app->server, "held"));
    *deadline = rq->started_mono_ms + APP_FOREVER_MS;
    return HTTP_WAIT;
}

static enum http_step app_stats(struct app *app, struct http_request *rq)
{
    rq->reply.status = 200;
    buf_addf(&rq->reply.body, "{\"handled\":%lu,\"ended\":%lu,\"answered\":%lu}",
             atomic_load(&app->handled), atomic_load(&app->ended), atomic_load(&app->answered));
    return HTTP_DONE;
}

static enum http_step app_handle(void *arg, struct http_request *rq, enum err *problem,
                                 int64_t *deadline)
{
    struct app *app = arg;
    const char *op = rq->route->operation;
    if (!app_state_of(rq)->begun) {
        app_state_of(rq)->begun = true;
        atomic_fetch_add(&app->handled, 1);
    }
    if (strcmp(op, "hello") == 0)
        return app_text(rq, "hello");
    if (strcmp(op, "nothing") == 0) {
        rq->reply.status = 204;
        return HTTP_DONE;
    }
    if (strcmp(op, "wait") == 0)
        return app_wait(app, rq, problem, deadline);
    if (strcmp(op, "slow") == 0)
        return app_slow(app, rq, problem, deadline);
    if (strcmp(op, "late") == 0)
        return app_late(rq, deadline);
    if (strcmp(op, "held") == 0)
        return app_held(app, rq, deadline);
    if (strcmp(op, "never") == 0) {
        *deadline = rq->started_mono_ms + APP_NEVER_MS;
        return HTTP_WAIT;
    }
    if (strcmp(op, "wake") == 0) {
        http_topic_wake(app->server, rq->params[0], strlen(rq->params[0]));
        return app_text(rq, "ok");
    }
    if (strcmp(op, "stats") == 0)
        return app_stats(app, rq);
    if (strcmp(op, "bad") == 0) {
        *problem = http_bad(rq, "/price_gwei", "must be \"digits\"");
        return HTTP_FAIL;
    }
    return app_echo(rq);
}

/* Tokens: "good", "narrow" lacks every scope, "late" needs a second look after a wait. */
static enum http_step app_authenticate(void *arg, struct http_request *rq, const char *token,
                                       enum err *problem, int64_t *deadline)
{
    struct app *app = arg;
    *problem = ERR_UNAUTHENTICATED;
    rq->who.scopes = strcmp(token, "narrow") != 0;
    rq->who.key.b[0] = (uint8_t)token[0];
    if (strcmp(token, "good") == 0 || strcmp(token, "narrow") == 0)
        return HTTP_DONE;
    if (strcmp(token, "late") != 0)
        return HTTP_FAIL;
    struct app_state *state = app_state_of(rq);
    if (state->answered)
        return HTTP_DONE;
    *deadline = rq->started_mono_ms + 10000;
    if (!state->submitted)
        state->submitted = app_submit(app, rq, state);
    return state->submitted ? HTTP_WAIT : HTTP_FAIL;
}

static bool app_allows(void *arg, const struct http_principal *who, const char *scope)
{
    (void)arg;
    (void)scope;
    return who->scopes != 0;
}

static void app_ended(void *arg, struct http_request *rq)
{
    struct app *app = arg;
    const struct app_state *state = rq->user;
    if (state != NULL && state->begun)
        atomic_fetch_add(&app->ended, 1);
}

const struct http_route app_routes[] = {
    {"GET", "/hello", "hello", AUTH_NONE, NULL, BODY_NONE, 0, false, NULL},
    {"GET", "/nothing", "nothing", AUTH_NONE, NULL, BODY_NONE, 0, false, NULL},
    {"POST", "/echo", "echo", AUTH_NONE, NULL, BODY_JSON, 65536, false, NULL},
    {"POST", "/keyed/{id}", "keyed", AUTH_NONE, NULL, BODY_JSON, 4096, true, NULL},
    {"PUT", "/bytes", "bytes", AUTH_NONE, NULL, BODY_BYTES, 1048576, false, NULL},
    {"GET", "/wait/{topic}", "wait", AUTH_NONE, NULL, BODY_NONE, 0, false, NULL},
    {"POST", "/wake/{topic}", "wake", AUTH_NONE, NULL, BODY_NONE, 0, false, NULL},
    {"GET", "/slow", "slow", AUTH_NONE, NULL, BODY_NONE, 0, false, NULL},
    {"GET", "/late", "late", AUTH_NONE, NULL, BODY_NONE, 0, false, NULL},
    {"GET", "/held", "held", AUTH_NONE, NULL, BODY_NONE, 0, false, NULL},
    {"GET", "/never", "never", AUTH_NONE, NULL, BODY_NONE, 0, false, NULL},
    {"GET", "/stats", "stats", AUTH_NONE, NULL, BODY_NONE, 0, false, NULL},
    {"GET", "/bad", "bad", AUTH_NONE, NULL, BODY_NONE, 0, false, NULL},
    {"GET", "/mine", "mine", AUTH_KEY, "own", BODY_NONE, 0, false, NULL},
    {"POST", "/mine", "mine_post", AUTH_KEY, "own", BODY_JSON, 4096, true, NULL},
};

enum err app_start(struct app *app, const struct http_options *options)
{
    struct http_app a = {
        .arg = app,
        .routes = app_routes,
        .route_count = sizeof app_routes / sizeof app_routes[0],
        .authenticate = app_authenticate,
        .allows = app_allows,
        .handle = app_handle,
        .ended = app_ended,
    };
    pthread_mutex_init(&app->lock, NULL);
    pthread_cond_init(&app->more, NULL);
    if (app->job_delay_ms == 0)
        app->job_delay_ms = APP_SLOW_MS;
    enum err e = http_server_new(options, &a, &app->server);
    if (e == ERR_OK)
        e = http_server_start(app->server);
    if (e == ERR_OK && pthread_create(&app->thread, NULL, app_thread, app) != 0)
        e = ERR_IO;
    return e;
}

void app_stop(struct app *app, bool drain)
{
    if (drain)
        http_server_drain(app->server);
    pthread_mutex_lock(&app->lock);
    app->stop = true;
    pthread_cond_signal(&app->more);
    pthread_mutex_unlock(&app->lock);
    pthread_join(app->thread, NULL);
    http_server_free(app->server);
    pthread_cond_destroy(&app->more);
    pthread_mutex_destroy(&app->lock);
}
