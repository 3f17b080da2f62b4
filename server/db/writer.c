/* SPDX-License-Identifier: Apache-2.0 */
/* One batch is one SELECT of a function in autocommit: its transaction begins with the statement
 * and is committed by the Sync behind it. Results, then ReadyForQuery in state idle, and no warning
 * of class 57 (a wait for the standby given up) mean committed; an error means rolled back, for a
 * failed commit is an error before ReadyForQuery; anything else means unknown. A BEGIN and a COMMIT
 * around it would say the same for two more statements a batch. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/db/engine_impl.h"

/* Takes the flight down: the writer is free again. */
static struct batch *land(struct db_engine *e)
{
    struct writer *w = &e->writer;
    struct batch *b = w->flight;
    PQclear(w->rows);
    PQclear(w->error);
    w->rows = NULL;
    w->error = NULL;
    w->flight = NULL;
    w->step = WRITER_IDLE;
    atomic_store(&e->writer_busy, false);
    return b;
}

/* Rolled back or never sent: again, or over. */
static void again_or(struct db_engine *e, struct batch *b, enum err last)
{
    if (e->ending || b->tries >= BATCH_TRIES_MAX) {
        batch_answer(e, b, e->ending ? ERR_UNAVAILABLE : last);
        return;
    }
    int64_t wait_ms = b->tries == 0 ? 0 : (INT64_C(1) << b->tries) + randombytes_uniform(4);
    b->tries++;
    atomic_fetch_add(&e->retries, 1);
    pending_again(e, b, wait_ms);
}

static void lose(struct db_engine *e)
{
    struct writer *w = &e->writer;
    enum writer_step step = w->step;
    log_event(LOG_WARN, "lost the database connection", "connection", w->link.role, "reason",
              w->error != NULL ? PQresultErrorMessage(w->error) : PQerrorMessage(w->link.pg), NULL);
    struct batch *b = land(e);
    link_close(&w->link);
    if (b == NULL)
        return;
    if (step == WRITER_RUNNING)
        batch_answer(e, b, ERR_DB_RETRY); /* it may have been committed */
    else
        again_or(e, b, ERR_DB_RETRY);
}

static bool send_prepare(struct writer *w, const struct db_stmt *s)
{
    Oid types[DB_PARAMS_MAX];
    encode_types(s, true, types);
    w->step = WRITER_PREPARING;
    return PQsendPrepare(w->link.pg, s->name, s->sql, s->param_count, types) == 1;
}

static enum err send_query(struct writer *w, const struct batch *b)
{
    const struct db_value *calls[BATCH_MAX];
    struct encoded p;
    for (int i = 0; i < b->count; i++)
        calls[i] = b->jobs[i]->params;
    enum err e = encode_arrays(b->stmt, calls, b->count, &w->scratch, &p);
    if (e != ERR_OK)
        return e;
    w->step = WRITER_RUNNING;
    w->link.unsafe_notice = false;
    int sent = PQsendQueryPrepared(w->link.pg, b->stmt->name, b->stmt->param_count, p.values,
                                   p.lengths, p.formats, 0);
    return sent == 1 ? ERR_OK : ERR_IO;
}

static void send_batch(struct db_engine *e, struct batch *b)
{
    struct writer *w = &e->writer;
    enum err result = ERR_OK;
    w->flight = b;
    w->sent_ms = e->now_ms;
    atomic_store(&e->writer_busy, true);
    if (!session_is_prepared(&w->link.prepared, b->stmt))
        result = send_prepare(w, b->stmt) ? ERR_OK : ERR_IO;
    else
        result = send_query(w, b);
    if (result == ERR_OK && link_flush(&w->link))
        return;
    if (result == ERR_OK || result == ERR_IO) {
        /* without its Sync at the server nothing is committed: a failed send is safe to repeat, a
         * failed flush after it is not known */
        if (result == ERR_IO)
            w->step = WRITER_PREPARING;
        lose(e);
        return;
    }
    land(e);
    if (b->count == 1 || !pending_split(e, b))
        batch_answer(e, b, ERR_DB_FAULT);
}

void writer_start(struct db_engine *e)
{
    struct writer *w = &e->writer;
    while (w->step == WRITER_IDLE && w->link.state == LINK_UP && !e->ending) {
        struct batch *b = pending_take(e);
        if (b == NULL)
            return;
        send_batch(e, b);
    }
}

/* The answer of a single call whose statement failed for good. */
static enum err answer_of(enum session_failure f)
{
    switch (f) {
    case FAILURE_CONFLICT:
    case FAILURE_LOCKED:
        return ERR_DB_CONFLICT;
    case FAILURE_RETRY:
    case FAILURE_LOST:
        return ERR_DB_RETRY;
    case FAILURE_TIMEOUT:
        return ERR_TIMEOUT;
    case FAILURE_STALE:
    case FAILURE_FAULT:
        break;
    }
    return ERR_DB_FAULT;
}

/* How often a group is sent again as it is before it is cut in two. */
static int repeats_of(enum session_failure f)
{
    switch (f) {
    case FAILURE_RETRY:
        return BATCH_TRIES_MAX;
    case FAILURE_CONFLICT: /* a race with another writer: the second try sees its row */
    case FAILURE_LOCKED:
    case FAILURE_STALE:
        return 1;
    case FAILURE_TIMEOUT:
    case FAILURE_LOST:
    case FAILURE_FAULT:
        break;
    }
    return 0;
}

static void fail_batch(struct db_engine *e)
{
    struct writer *w = &e->writer;
    enum session_failure f = session_classify(PQresultErrorField(w->error, PG_DIAG_SQLSTATE));
    if (f == FAILURE_LOST || PQstatus(w->link.pg) != CONNECTION_OK) {
        lose(e);
        return;
    }
    bool prepared = w->step == WRITER_RUNNING;
    bool last = w->flight->count == 1 || !prepared;
    bool repeat = w->flight->tries < repeats_of(f);
    if (last && !repeat)
        engine_log_failure("a batched statement failed", w->flight->stmt, w->error);
    struct batch *b = land(e);
    if (f == FAILURE_STALE)
        link_close(&w->link);
    if (repeat)
        again_or(e, b, answer_of(f));
    else if (last || e->ending || !pending_split(e, b))
        batch_answer(e, b, answer_of(f));
}

static void wake_words(struct db_engine *e, const char *text)
{
    while (text != NULL && *text != '\0' && e->options.on_wake != NULL) {
        size_t len = strcspn(text, " ");
        if (len > 0)
            e->options.on_wake(e->options.on_wake_arg, text, len);
        text += len;
        text += strspn(text, " ");
    }
}

/* Row of each call by its ordinal, -1 when the function forgot it. */
static bool match_rows(const PGresult *rows, const struct batch *b, int row_of[BATCH_MAX])
{
    for (int i = 0; i < b->count; i++)
        row_of[i] = -1;
    if (PQnfields(rows) < OUTCOME_COLUMNS)
        return false;
    for (int r = 0; r < PQntuples(rows); r++) {
        long ord = strtol(PQgetvalue(rows, r, OUTCOME_ORD), NULL, 10);
        if (ord < 1 || ord > b->count || row_of[ord - 1] != -1)
            return false;
        row_of[ord - 1] = r;
    }
    return PQntuples(rows) == b->count;
}

static void deliver(struct db_engine *e, const struct batch *b, const int *row_of,
                    struct db_rows_set *set)
{
    const char *woken = "";
    for (int i = 0; i < b->count; i++) {
        if (b->jobs[i] == NULL)
            continue;
        struct db_rows *rows = set == NULL || row_of[i] < 0 ? NULL : rows_set_at(set, row_of[i]);
        const char *wake = rows == NULL ? NULL : db_rows_text(rows, 0, OUTCOME_WAKE);
        if (wake != NULL && strcmp(wake, woken) != 0) {
            wake_words(e, wake);
            woken = wake;
        }
        /* out of memory after the commit is "unknown" to the caller */
        enum err without = set == NULL ? ERR_DB_RETRY : ERR_DB_FAULT;
        engine_answer(e, b->jobs[i], rows == NULL ? without : ERR_OK, rows);
    }
}

static void delay_busy(struct db_engine *e, struct batch *b, const int *row_of, const PGresult *r)
{
    for (int i = 0; i < b->count && !e->ending; i++) {
        struct job *j = b->jobs[i];
        if (row_of[i] < 0 || j->tries >= BUSY_TRIES_MAX ||
            strcmp(PQgetvalue(r, row_of[i], OUTCOME_STATUS), "busy") != 0)
            continue;
        b->jobs[i] = NULL;
        pending_delay(e, j);
        atomic_fetch_add(&e->busy_requeues, 1);
    }
}

static void commit_batch(struct db_engine *e)
{
    struct writer *w = &e->writer;
    int row_of[BATCH_MAX];
    PGresult *rows = w->rows;
    w->rows = NULL;
    struct batch *b = land(e);
    if (!match_rows(rows, b, row_of))
        log_event(LOG_ERROR, "a batched function did not answer one row per call", "statement",
                  b->stmt->name, NULL);
    delay_busy(e, b, row_of, rows);
    struct db_rows_set *set = rows_set_take(rows);
    atomic_fetch_add(&e->batches, 1);
    atomic_fetch_add(&e->batch_rows, (uint64_t)b->count);
    /* the database works on the next batch while we tell the callers of this one */
    engine_collect(e);
    writer_start(e);
    deliver(e, b, row_of, set);
    if (set != NULL)
        rows_set_unref(set);
    free(b);
}

static void finish(struct db_engine *e)
{
    struct writer *w = &e->writer;
    bool told = w->step == WRITER_PREPARING || w->rows != NULL;
    bool idle = PQtransactionStatus(w->link.pg) == PQTRANS_IDLE;
    if (w->error != NULL) {
        fail_batch(e);
    } else if (!told || !idle || w->link.unsafe_notice) {
        lose(e);
    } else if (w->step == WRITER_PREPARING) {
        struct batch *b = land(e);
        if (session_remember(&w->link.prepared, b->stmt)) {
            send_batch(e, b);
            return;
        }
        link_close(&w->link); /* too many statements: begin afresh */
        again_or(e, b, ERR_DB_FAULT);
    } else {
        commit_batch(e);
    }
}

static void keep(struct writer *w, PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);
    bool fine = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    PGresult **place = fine ? &w->rows : &w->error;
    if (*place != NULL || status == PGRES_COMMAND_OK) {
        PQclear(r);
        return;
    }
    *place = r;
}

void writer_event(struct db_engine *e, bool readable)
{
    struct writer *w = &e->writer;
    if (w->link.state != LINK_UP) {
        link_step(&w->link, true);
        return;
    }
    if (!link_flush(&w->link) || (readable && PQconsumeInput(w->link.pg) != 1)) {
        /* what arrived before the end still counts: an error that was the server's last word */
        while (w->flight != NULL && w->error == NULL && PQisBusy(w->link.pg) == 0) {
            PGresult *r = PQgetResult(w->link.pg);
            if (r == NULL)
                break;
            keep(w, r);
        }
        lose(e);
        return;
    }
    while (w->flight != NULL && w->link.state == LINK_UP && PQisBusy(w->link.pg) == 0) {
        PGresult *r = PQgetResult(w->link.pg);
        if (r == NULL)
            finish(e);
        else
            keep(w, r);
    }
}

void writer_check(struct db_engine *e)
{
    struct writer *w = &e->writer;
    link_step(&w->link, false);
    if (w->flight != NULL && e->now_ms - w->sent_ms > e->options.timeout_ms + HANG_GRACE_MS)
        lose(e);
}
