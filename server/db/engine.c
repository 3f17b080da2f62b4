/* SPDX-License-Identifier: Apache-2.0 */
/* Callers push onto a lock-free stack; the thread takes all of it at once. No lock is held
 * anywhere, so callbacks may do what they like but block. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/db/engine_impl.h"

enum { EVENTS_MAX = 32 };

void engine_answer(struct db_engine *e, struct job *j, enum err result, struct db_rows *rows)
{
    e->burst = true;
    atomic_fetch_sub(&e->queued, 1);
    j->done(j->arg, result, rows);
    free(j);
}

void engine_log_failure(const char *what, const struct db_stmt *s, const PGresult *r)
{
    log_event(LOG_ERROR, what, "statement", s->name, "sqlstate",
              PQresultErrorField(r, PG_DIAG_SQLSTATE), "message",
              PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY), "context",
              PQresultErrorField(r, PG_DIAG_CONTEXT), NULL);
}

void engine_collect(struct db_engine *e)
{
    struct job *stack = atomic_exchange(&e->submitted, NULL);
    struct job *ordered = NULL;
    while (stack != NULL) { /* last in first out: turn it round */
        struct job *next = stack->next;
        stack->next = ordered;
        ordered = stack;
        stack = next;
    }
    while (ordered != NULL) {
        struct job *j = ordered;
        ordered = j->next;
        if (e->ending)
            engine_answer(e, j, ERR_UNAVAILABLE, NULL);
        else if (j->stmt->mode == DB_READ)
            jobs_push(&e->reads, j);
        else if (!pending_push(&e->writer, j))
            engine_answer(e, j, ERR_NO_MEMORY, NULL);
    }
}

static void wake(struct db_engine *e)
{
    uint64_t one = 1;
    if (!atomic_exchange(&e->waking, true) && write(e->wake, &one, sizeof one) < 0)
        assert(errno == EAGAIN); /* the counter is full: it is awake */
}

enum err db_engine_submit(struct db_engine *e, const struct db_call *call, db_done done, void *arg)
{
    size_t params = (size_t)call->stmt->param_count * sizeof call->params[0];
    if (atomic_load(&e->stopping))
        return ERR_UNAVAILABLE;
    if (atomic_fetch_add(&e->queued, 1) >= e->options.queue_max) {
        atomic_fetch_sub(&e->queued, 1);
        return ERR_UNAVAILABLE;
    }
    struct job *j = malloc(sizeof *j + params);
    if (j == NULL) {
        atomic_fetch_sub(&e->queued, 1);
        return ERR_NO_MEMORY;
    }
    *j = (struct job){.stmt = call->stmt,
                      .done = done,
                      .arg = arg,
                      .dedupe = call->dedupe,
                      .submitted_ms = clock_mono_ms()};
    memcpy(j->params, call->params, params);
    atomic_fetch_add(&e->calls, 1);
    bool is_read = j->stmt->mode == DB_READ; /* j belongs to the thread after the push */
    struct job *top = atomic_load(&e->submitted);
    do {
        j->next = top;
    } while (!atomic_compare_exchange_weak(&e->submitted, &top, j));
    /* the writer collects when its batch lands; both sides write first and read then */
    if (is_read || !atomic_load(&e->writer_busy))
        wake(e);
    return ERR_OK;
}

static int64_t least(int64_t a, int64_t b)
{
    if (a < 0)
        return b;
    return b < 0 || a < b ? a : b;
}

static int wait_ms(const struct db_engine *e)
{
    int64_t ms = atomic_load(&e->queued) > 0 ? TICK_MS : -1;
    ms = least(ms, link_wait_ms(&e->writer.link));
    for (int i = 0; i < e->options.readers; i++)
        ms = least(ms, link_wait_ms(&e->readers[i].link));
    if (e->writer.link.state == LINK_UP && e->writer.step == WRITER_IDLE)
        ms = least(ms, pending_wait_ms(e));
    return (int)ms;
}

static void on_event(struct db_engine *e, const struct epoll_event *ev)
{
    uint64_t count;
    bool readable = (ev->events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
    if (ev->data.ptr == NULL) {
        if (read(e->wake, &count, sizeof count) < 0)
            assert(errno == EAGAIN);
        atomic_store(&e->waking, false); /* before the stack is collected */
    } else if (ev->data.ptr == &e->writer.link) {
        writer_event(e, readable);
    } else {
        for (int i = 0; i < e->options.readers; i++) {
            if (ev->data.ptr == &e->readers[i].link)
                readers_event(e, &e->readers[i], readable);
        }
    }
}

static void begin_end(struct db_engine *e)
{
    struct job *j;
    e->ending = true;
    while ((j = jobs_pop(&e->reads)) != NULL)
        engine_answer(e, j, ERR_UNAVAILABLE, NULL);
    pending_stop(e);
}

static void turn(struct db_engine *e, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(e->epoll, events, EVENTS_MAX, timeout_ms);
    e->now_ms = clock_mono_ms();
    for (int i = 0; i < n; i++)
        on_event(e, &events[i]);
    engine_collect(e);
    if (!e->ending && atomic_load(&e->stopping))
        begin_end(e);
    writer_check(e);
    readers_check(e);
    pending_check(e);
    writer_start(e);
    readers_start(e);
    if (e->burst && e->options.on_burst_end != NULL)
        e->options.on_burst_end(e->options.on_burst_end_arg);
    e->burst = false;
}

static void *run(void *arg)
{
    struct db_engine *e = arg;
    while (!e->ending || e->writer.flight != NULL || readers_flight(e) > 0)
        turn(e, wait_ms(e));
    return NULL;
}

static void destroy(struct db_engine *e)
{
    link_close(&e->writer.link);
    for (int i = 0; i < e->options.readers; i++)
        link_close(&e->readers[i].link);
    pending_free(&e->writer);
    if (e->epoll >= 0)
        close(e->epoll);
    if (e->wake >= 0)
        close(e->wake);
    if (e->uri != NULL) /* may hold a password */
        explicit_bzero(e->uri, strlen(e->uri));
    free(e->uri);
    free(e);
}

static enum err set_up(struct db_engine *e)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    struct session_params probe;
    const struct session_settings settings = {.uri = e->uri, .application = "probe"};
    if (e->uri == NULL)
        return ERR_NO_MEMORY;
    enum err result = session_params_init(&settings, &probe);
    if (result != ERR_OK)
        return result;
    session_params_clear(&probe);
    if (e->epoll < 0 || e->wake < 0 || epoll_ctl(e->epoll, EPOLL_CTL_ADD, e->wake, &ev) != 0)
        return ERR_IO;
    return pthread_create(&e->thread, NULL, run, e) == 0 ? ERR_OK : ERR_IO;
}

enum err db_engine_new(const struct db_engine_options *o, struct db_engine **out)
{
    struct db_engine *e = calloc(1, sizeof *e);
    if (e == NULL)
        return ERR_NO_MEMORY;
    assert(o->readers >= 1 && o->readers <= READERS_MAX);
    assert(o->batch_max >= 1 && o->batch_max <= BATCH_MAX && o->timeout_ms > 0);
    e->options = *o;
    e->uri = strdup(o->uri);
    e->options.uri = e->uri;
    e->epoll = epoll_create1(EPOLL_CLOEXEC);
    e->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    e->now_ms = clock_mono_ms();
    jobs_init(&e->reads);
    pending_init(&e->writer);
    link_init(&e->writer.link, e, "computefi-writer", false);
    for (int i = 0; i < o->readers; i++)
        link_init(&e->readers[i].link, e, "computefi-reader", true);
    enum err result = set_up(e);
    if (result != ERR_OK) {
        destroy(e);
        return result;
    }
    *out = e;
    return ERR_OK;
}

void db_engine_stats(struct db_engine *e, struct db_engine_stats *out)
{
    *out = (struct db_engine_stats){
        .calls = atomic_load(&e->calls),
        .batches = atomic_load(&e->batches),
        .batch_rows = atomic_load(&e->batch_rows),
        .retries = atomic_load(&e->retries),
        .bisections = atomic_load(&e->bisections),
        .busy_requeues = atomic_load(&e->busy_requeues),
        .reconnects = atomic_load(&e->reconnects),
        .queued = atomic_load(&e->queued),
        .connected = atomic_load(&e->connected),
    };
}

void db_engine_free(struct db_engine *e)
{
    if (e == NULL)
        return;
    atomic_store(&e->stopping, true);
    wake(e);
    pthread_join(e->thread, NULL);
    /* whoever was between the check of stopping and the push */
    engine_collect(e);
    destroy(e);
}
