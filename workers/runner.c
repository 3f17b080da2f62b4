/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "sql/worker_statements.h"

enum {
    ITEMS_MAX = 128,
    IDS_MAX_BYTES = ITEMS_MAX * UUID_TEXT_MAX + 4,
    POLL_MS = 100,     /* between two looks at the table without Redis */
    OVERDUE_MS = 2000, /* with Redis: what nobody published for so long is taken from the table */
    STALLED_MS = 5000, /* without Redis: what was published for so long is not being worked on */
    RACE_TRIES = 5,    /* a balance changed between reading and writing: decide again */
    DATABASE_PAUSE_MS = 500
};

/* Work of one transaction. */
struct unit {
    struct worker *worker;
    const struct task_job *job;
    char ids[IDS_MAX_BYTES];
    struct change change;
    bool applied;
};

static void list_ids(const struct queue_message *items, size_t count, char out[IDS_MAX_BYTES])
{
    char *p = out;
    *p++ = '{';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *p++ = ',';
        uuid_print(&items[i].work, p);
        p += UUID_TEXT_MAX - 1;
    }
    memcpy(p, "}", 2);
}

static void remember_error(struct worker *w, const char *text)
{
    snprintf(w->error, sizeof w->error, "%s", text);
}

/* One due work row: decides when its task still lives, and is done with the row either way. */
static enum db_outcome decide_row(struct unit *u, const struct db_rows *rows, int row)
{
    struct uuid work;
    struct view v;
    if (!db_rows_uuid(rows, row, 0, &work) || !db_rows_text(rows, row, 3))
        return DB_NO_ROW;
    if (view_parse(db_rows_text(rows, row, 3), &v) != ERR_OK) {
        remember_error(u->worker, "the task cannot be read");
        return DB_FAULT;
    }
    if (!u->change.doc)
        change_init(&u->change, v.now_us);
    u->change.release = 0;
    change_done(&u->change, &work, db_rows_int(rows, row, 1));
    bool ok =
        task_state_is_final(v.state) || u->job->decide(u->worker, &v, &u->change, u->job->scratch);
    if (!ok)
        remember_error(u->worker, "the job could not decide");
    view_clear(&v);
    return ok ? DB_ROW : DB_FAULT;
}

static enum db_outcome apply(struct unit *u)
{
    struct db_call call;
    char *text = change_text(&u->change);
    if (!text)
        return DB_FAULT;
    worker_bind_apply(&call, text);
    enum db_outcome o = db_run(u->worker->db, &call, NULL);
    free(text);
    if (o == DB_CONFLICT || o == DB_FAULT)
        remember_error(u->worker, db_conn_error(u->worker->db));
    return o;
}

static enum db_outcome decide_rows(struct unit *u, const struct db_rows *rows)
{
    enum db_outcome o = DB_NO_ROW;
    for (int i = 0; i < db_rows_count(rows); i++) {
        enum db_outcome one = decide_row(u, rows, i);
        if (one == DB_FAULT)
            return DB_FAULT;
        o = one == DB_ROW ? DB_ROW : o;
    }
    if (o != DB_ROW)
        return o;
    worker_fault(u->worker, "decided");
    o = apply(u);
    u->applied = o == DB_ROW;
    if (u->applied)
        worker_fault(u->worker, "applied");
    return o;
}

static enum db_outcome body(struct db_conn *db, void *arg)
{
    struct unit *u = arg;
    struct db_call call;
    struct db_rows *rows = NULL;
    change_clear(&u->change); /* of an earlier try */
    u->applied = false;
    worker_bind_lock(&call, u->ids);
    enum db_outcome o = db_run(db, &call, NULL);
    if (o != DB_ROW)
        return o; /* no task: nothing to do, or a failure */
    worker_bind_load(&call, u->ids);
    o = db_run(db, &call, &rows);
    if (o == DB_ROW) {
        worker_fault(u->worker, "loaded");
        o = decide_rows(u, rows);
    }
    db_rows_unref(rows);
    return o;
}

/* A conflict here is a race on a balance or a window that nobody locked: decide on fresh rows. */
static enum db_outcome run_unit(struct unit *u)
{
    enum db_outcome o = DB_CONFLICT;
    for (int i = 0; i < RACE_TRIES && o == DB_CONFLICT; i++)
        o = db_transaction(u->worker->db, body, u);
    return o;
}

/* True when the work is done or was not needed. */
static bool process(struct worker *w, const struct task_job *job, const struct queue_message *items,
                    size_t count)
{
    struct unit u = {.worker = w, .job = job};
    list_ids(items, count, u.ids);
    enum db_outcome o = run_unit(&u);
    bool ok = o == DB_ROW || o == DB_NO_ROW;
    if (ok && u.applied) {
        worker_fault(w, "committed");
        if (json_object_get(u.change.doc, "asks"))
            change_wake(&u.change, "work", NULL);
        if (buf_ok(&u.change.wake))
            worker_wake(w, u.change.wake.data, u.change.wake.len);
        else
            worker_wake(w, "*", 1);
        worker_fault(w, "woken");
    }
    change_clear(&u.change);
    return ok;
}

int worker_failed(struct worker *w, const struct uuid *work)
{
    for (int i = 0; i < WORKER_FAILURES; i++)
        if (uuid_equal(&w->failures[i].work, work))
            return ++w->failures[i].count;
    struct failure *f = &w->failures[w->failures_next];
    w->failures_next = (w->failures_next + 1) % WORKER_FAILURES;
    *f = (struct failure){*work, 1};
    return 1;
}

static bool bury(struct worker *w, const struct queue_message *m, int deliveries)
{
    char id[UUID_TEXT_MAX];
    struct db_call call;
    struct worker_dead_letter d = {uuid_new(clock_wall_ms()), m->work, deliveries, w->error};
    uuid_print(&m->work, id);
    log_event(LOG_ERROR, "work failed too often", "work", id, "error", w->error,
              (const char *)NULL);
    worker_bind_dead_letter(&call, &d);
    enum db_outcome o = db_run(w->db, &call, NULL);
    return o == DB_ROW || o == DB_NO_ROW;
}

/* True: acknowledge the message. */
static bool failed(struct worker *w, const struct queue_message *m)
{
    char id[UUID_TEXT_MAX];
    if (db_conn_ensure(w->db) != ERR_OK)
        return false; /* not the work's fault */
    int count = worker_failed(w, &m->work);
    if (m->deliveries > count)
        count = m->deliveries;
    if (count >= w->max_deliveries)
        return bury(w, m, count);
    uuid_print(&m->work, id);
    log_event(LOG_WARN, "work failed, it will be tried again", "work", id, "error", w->error,
              (const char *)NULL);
    return false;
}

static void acknowledge(struct worker *w, const struct task_job *job, const struct queue_message *m)
{
    if (w->queue && m->stream_id[0] != '\0' && queue_ack(w->queue, job->name, m, 1) != ERR_OK)
        w->queue_is_down = true; /* delivered again later, and then there is nothing to do */
}

static void process_one(struct worker *w, const struct task_job *job, const struct queue_message *m)
{
    w->error[0] = '\0';
    bool ok = (!job->prepare || job->prepare(w, &m->work, job->scratch)) && process(w, job, m, 1);
    if (ok || failed(w, m))
        acknowledge(w, job, m);
}

static void process_all(struct worker *w, const struct task_job *job,
                        const struct queue_message *items, size_t count)
{
    for (size_t i = 0; i < count && !*w->stop; i += (size_t)job->batch) {
        size_t n = count - i < (size_t)job->batch ? count - i : (size_t)job->batch;
        if (n > 1 && process(w, job, items + i, n)) {
            for (size_t k = 0; k < n; k++)
                acknowledge(w, job, &items[i + k]);
            continue;
        }
        for (size_t k = 0; k < n; k++) /* one bad task must not hold the others up */
            process_one(w, job, &items[i + k]);
    }
}

static enum db_outcome pick(struct worker *w, const struct task_job *job, bool queue_up,
                            struct queue_message *items, size_t *count)
{
    struct db_call call;
    struct db_rows *rows = NULL;
    bool waits = queue_up || w->reclaim_ms < STALLED_MS;
    const struct worker_pick p = {job->name, waits ? w->reclaim_ms : STALLED_MS,
                                  queue_up ? OVERDUE_MS : 0, ITEMS_MAX};
    *count = 0;
    worker_bind_pick(&call, &p);
    enum db_outcome o = db_run(w->db, &call, &rows);
    for (int i = 0; o == DB_ROW && i < db_rows_count(rows); i++) {
        struct queue_message *m = &items[(*count)++];
        memset(m, 0, sizeof *m);
        if (!db_rows_uuid(rows, i, 0, &m->work))
            (*count)--;
        m->version = db_rows_int(rows, i, 1);
    }
    db_rows_unref(rows);
    return o;
}

/* From the stream; ERR_QUEUE_DOWN when there is none. */
static enum err take(struct worker *w, const struct task_job *job, struct queue_message *items,
                     size_t *count)
{
    *count = 0;
    if (!w->queue)
        return ERR_QUEUE_DOWN;
    struct queue_reader reader = {job->name, w->consumer, w->block_ms, w->reclaim_ms};
    enum err e = queue_take(w->queue, &reader, items, ITEMS_MAX, count);
    bool down = e != ERR_OK && e != ERR_EMPTY;
    if (down != w->queue_is_down)
        log_event(LOG_WARN, down ? "Redis is away, polling the database" : "Redis is back", "job",
                  job->name, (const char *)NULL);
    w->queue_is_down = down;
    return down ? ERR_QUEUE_DOWN : e;
}

/* The table itself: always without Redis, and for what nobody published with it. */
static size_t poll_table(struct worker *w, const struct task_job *job, bool queue_up,
                         struct queue_message *items)
{
    size_t count = 0;
    int64_t now = clock_mono_ms();
    if (queue_up && now - w->polled_ms < OVERDUE_MS)
        return 0;
    w->polled_ms = now;
    enum db_outcome o = pick(w, job, queue_up, items, &count);
    if (o != DB_ROW && o != DB_NO_ROW) {
        log_event(LOG_WARN, "the database does not answer", "error", db_conn_error(w->db),
                  (const char *)NULL);
        worker_sleep(DATABASE_PAUSE_MS);
    }
    return count;
}

static void loop(struct worker *w, const struct task_job *job, struct queue_message *items)
{
    while (!*w->stop) {
        size_t count = 0;
        enum err e = take(w, job, items, &count);
        process_all(w, job, items, count);
        if (count > 0)
            continue;
        count = poll_table(w, job, e != ERR_QUEUE_DOWN, items);
        process_all(w, job, items, count);
        if (count == 0 && w->once)
            break;
        if (count == 0 && e == ERR_QUEUE_DOWN)
            worker_sleep(w->block_ms < POLL_MS ? w->block_ms : POLL_MS);
    }
}

int runner_run(struct worker *w, const struct task_job *job)
{
    struct queue_message *items = calloc(ITEMS_MAX, sizeof *items);
    if (!items)
        return 1;
    loop(w, job, items);
    free(items);
    return 0;
}
