/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its read half through its one statement to its show half. */
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "api/poll.h"
#include "server/core/clock.h"

struct exchange *exchange_of(struct api *a, struct http_request *rq)
{
    if (rq->user == NULL) {
        struct exchange *x = arena_alloc(&rq->arena, sizeof *x);
        if (x == NULL)
            return NULL;
        x->api = a;
        x->ticket = rq->ticket;
        rq->user = x;
    }
    return rq->user;
}

void exchange_reset(struct exchange *x)
{
    db_rows_unref(x->rows);
    json_decref(x->detail);
    x->rows = NULL;
    x->detail = NULL;
    atomic_store_explicit(&x->state, EXCHANGE_IDLE, memory_order_relaxed);
}

/* The engine's thread. After the release the request may be gone. */
static void answered(void *arg, enum err e, struct db_rows *rows)
{
    struct exchange *x = arg;
    struct http_ticket ticket = x->ticket;
    x->result = e;
    x->rows = rows == NULL ? NULL : db_rows_ref(rows);
    atomic_store_explicit(&x->state, EXCHANGE_ANSWERED, memory_order_release);
    http_resume(ticket);
    http_release(ticket);
}

enum http_step exchange_submit(struct exchange *x, struct http_request *rq, enum err *problem,
                               int64_t *deadline_mono_ms)
{
    const struct api_options *o = &x->api->options;
    exchange_reset(x);
    atomic_store_explicit(&x->state, EXCHANGE_RUNNING, memory_order_relaxed);
    http_hold(rq);
    enum err e = o->submit(o->db, &x->call.db, answered, x);
    if (e != ERR_OK) {
        atomic_store_explicit(&x->state, EXCHANGE_IDLE, memory_order_relaxed);
        http_release(x->ticket);
        *problem = e;
        return HTTP_FAIL;
    }
    x->db_deadline_mono_ms = clock_mono_ms() + o->db_deadline_ms;
    *deadline_mono_ms = x->db_deadline_mono_ms;
    return HTTP_WAIT;
}

const struct api_options *api_options(const struct http_request *rq)
{
    const struct exchange *x = rq->user;
    return &x->api->options;
}

const json_t *api_detail(const struct http_request *rq)
{
    const struct exchange *x = rq->user;
    return x->detail;
}

static enum http_step fail(struct http_request *rq, enum err e, enum err *problem)
{
    if (err_retryable(e))
        http_header_out(rq, "Retry-After", "1");
    *problem = e;
    return HTTP_FAIL;
}

/* Why a batch refused the call: {"pointer","reason"} or nothing. */
static enum err refusal(struct http_request *rq, const struct exchange *x)
{
    const char *reason = json_string_value(json_object_get(x->detail, "reason"));
    const char *pointer = json_string_value(json_object_get(x->detail, "pointer"));
    enum err e = err_from_code(db_rows_text(x->rows, 0, OUTCOME_STATUS));
    if (reason != NULL)
        rq->problem_detail = reason;
    if (pointer != NULL) {
        enum err added = http_bad(rq, pointer, reason == NULL ? err_title(e) : reason);
        if (e == ERR_BAD_FIELD)
            e = added;
    }
    return e;
}

static enum err judge_batch(struct http_request *rq, struct exchange *x)
{
    const char *status = db_rows_text(x->rows, 0, OUTCOME_STATUS);
    const char *detail = db_rows_text(x->rows, 0, OUTCOME_DETAIL);
    if (status == NULL)
        return ERR_INTERNAL;
    if (detail != NULL)
        x->detail = json_loads(detail, 0, NULL);
    if (strcmp(status, err_code(ERR_OK)) != 0)
        return refusal(rq, x);
    if (db_rows_bool(x->rows, 0, OUTCOME_REPLAYED))
        http_header_out(rq, "Idempotent-Replayed", "true");
    return ERR_OK;
}

static enum http_step finish(struct http_request *rq, enum err e, enum err *problem)
{
    if (e == ERR_EMPTY) {
        rq->reply.status = err_status(ERR_EMPTY);
        return HTTP_DONE;
    }
    if (e == ERR_OK && !buf_ok(&rq->reply.body))
        e = ERR_TOO_LARGE;
    if (e != ERR_OK)
        return fail(rq, e, problem);
    if (rq->reply.status == 0)
        rq->reply.status = err_status(ERR_OK);
    return HTTP_DONE;
}

static bool may_wait(const struct http_request *rq, const struct exchange *x, int64_t now)
{
    return x->call.topic[0] != '\0' && !x->call.last && now < x->poll_until_mono_ms &&
           http_may_park(x->api->server) && !rq->resumed_by_deadline;
}

static enum http_step park(struct http_request *rq, struct exchange *x, int64_t *deadline_mono_ms)
{
    x->parked = true;
    http_topic_park(rq, x->call.topic, x->topic_version);
    *deadline_mono_ms = x->poll_until_mono_ms;
    return HTTP_WAIT;
}

/* Sends the statement, or parks at once when the same poll found nothing and nothing was woken. */
static enum http_step ask(struct http_request *rq, struct exchange *x, enum err *problem,
                          int64_t *deadline_mono_ms)
{
    int64_t now = clock_mono_ms();
    x->parked = false;
    if (x->call.topic[0] != '\0') {
        /* the version before the read: a wake in between makes the park return at once */
        x->topic_version = http_topic_version(x->api->server, x->call.topic);
        if (!x->call.last &&
            poll_cache_empty(x->api->empties, &x->call.db, x->topic_version, now)) {
            if (may_wait(rq, x, now))
                return park(rq, x, deadline_mono_ms);
            if (!x->call.show_last)
                return finish(rq, ERR_EMPTY, problem);
            x->call.last = true;
        }
    }
    return exchange_submit(x, rq, problem, deadline_mono_ms);
}

static enum http_step show_rows(struct http_request *rq, struct exchange *x, enum err *problem,
                                int64_t *deadline_mono_ms)
{
    int64_t now = clock_mono_ms();
    enum err e = x->call.db.stmt->mode == DB_BATCH ? judge_batch(rq, x) : ERR_OK;
    if (e == ERR_OK)
        e = x->endpoint->show(rq, &x->call, x->rows);
    if (e != ERR_EMPTY || x->call.topic[0] == '\0')
        return finish(rq, e, problem);
    poll_cache_set(x->api->empties, &x->call.db, x->topic_version, now);
    if (may_wait(rq, x, now)) {
        exchange_reset(x);
        return park(rq, x, deadline_mono_ms);
    }
    if (!x->call.show_last)
        return finish(rq, ERR_EMPTY, problem);
    x->call.last = true;
    return finish(rq, x->endpoint->show(rq, &x->call, x->rows), problem);
}

static enum http_step begin(struct http_request *rq, struct exchange *x, enum err *problem,
                            int64_t *deadline_mono_ms)
{
    exchange_reset(x);
    memset(&x->call, 0, sizeof x->call);
    x->endpoint = rq->route->endpoint;
    enum err e = x->endpoint->read(rq, &x->call);
    if (e != ERR_OK)
        return fail(rq, e, problem);
    if (x->call.db.stmt == NULL)
        return finish(rq, x->endpoint->show(rq, &x->call, NULL), problem);
    if (x->call.topic[0] != '\0' && rq->wait_ms > 0)
        x->poll_until_mono_ms = clock_mono_ms() + rq->wait_ms;
    return ask(rq, x, problem, deadline_mono_ms);
}

/* A park ended: by a wake read again, at the deadline answer. */
static enum http_step resume(struct http_request *rq, struct exchange *x, enum err *problem,
                             int64_t *deadline_mono_ms)
{
    if (rq->resumed_by_deadline || clock_mono_ms() >= x->poll_until_mono_ms) {
        if (!x->call.show_last)
            return finish(rq, ERR_EMPTY, problem);
        x->call.last = true;
    }
    return ask(rq, x, problem, deadline_mono_ms);
}

enum http_step api_handle(void *arg, struct http_request *rq, enum err *problem,
                          int64_t *deadline_mono_ms)
{
    struct exchange *x = exchange_of(arg, rq);
    if (x == NULL)
        return fail(rq, ERR_NO_MEMORY, problem);
    if (x->endpoint == NULL)
        return begin(rq, x, problem, deadline_mono_ms);
    if (x->parked)
        return resume(rq, x, problem, deadline_mono_ms);
    if (atomic_load_explicit(&x->state, memory_order_acquire) != EXCHANGE_ANSWERED) {
        if (clock_mono_ms() >= x->db_deadline_mono_ms)
            return fail(rq, ERR_TIMEOUT, problem);
        *deadline_mono_ms = x->db_deadline_mono_ms;
        return HTTP_WAIT;
    }
    if (x->result != ERR_OK)
        return fail(rq, x->result, problem);
    return show_rows(rq, x, problem, deadline_mono_ms);
}
