/* SPDX-License-Identifier: Apache-2.0 */
/* Reads in pipeline mode. A sync costs a system call on either side, so calls of one burst share
 * one; an error then aborts the calls behind it up to the sync, and those are sent again each with
 * a sync of its own: reads may be repeated. */
#include <stdlib.h>
#include <string.h>

#include "server/core/log.h"
#include "server/db/engine_impl.h"

static struct sent *push(struct db_engine *e, struct reader *r, enum sent_kind kind)
{
    struct sent *s = &r->sent[r->tail++ % SENT_MAX];
    *s = (struct sent){.kind = kind, .sent_ms = e->now_ms};
    return s;
}

/* Again with a sync of its own, or over. */
static void again_or(struct db_engine *e, struct job *j, enum err last)
{
    if (e->ending || j->tries >= READ_TRIES_MAX) {
        engine_answer(e, j, e->ending ? ERR_UNAVAILABLE : last, NULL);
        return;
    }
    j->alone = true;
    atomic_fetch_add(&e->retries, 1);
    jobs_push(&e->reads, j);
}

static void lose(struct db_engine *e, struct reader *r)
{
    log_event(LOG_WARN, "lost the database connection", "connection", r->link.role, "reason",
              PQerrorMessage(r->link.pg), NULL);
    link_close(&r->link);
    for (; r->head != r->tail; r->head++) {
        struct sent *s = &r->sent[r->head % SENT_MAX];
        if (s->kind == SENT_QUERY && s->job != NULL)
            again_or(e, s->job, ERR_DB_RETRY);
    }
    r->flight = 0;
    r->unsynced = 0;
}

static bool sync_now(struct db_engine *e, struct reader *r)
{
    if (r->unsynced == 0)
        return true;
    r->unsynced = 0;
    push(e, r, SENT_SYNC);
    return PQpipelineSync(r->link.pg) == 1;
}

static bool send_prepare(struct db_engine *e, struct reader *r, const struct db_stmt *s)
{
    Oid types[DB_PARAMS_MAX];
    if (session_is_prepared(&r->link.prepared, s))
        return true;
    /* remembered when sent: calls behind it in the pipeline rely on it */
    if (!session_remember(&r->link.prepared, s))
        return false;
    encode_types(s, false, types);
    push(e, r, SENT_PREPARE)->stmt = s;
    return PQsendPrepare(r->link.pg, s->name, s->sql, s->param_count, types) == 1;
}

static bool send_read(struct db_engine *e, struct reader *r, struct job *j)
{
    struct encoded p;
    bool ok = (!j->alone || sync_now(e, r)) && send_prepare(e, r, j->stmt);
    push(e, r, SENT_QUERY)->job = j;
    r->flight++;
    r->unsynced++;
    j->tries++;
    if (!ok)
        return false;
    encode_scalars(j->stmt, j->params, &p);
    ok = PQsendQueryPrepared(r->link.pg, j->stmt->name, j->stmt->param_count, p.values, p.lengths,
                             p.formats, 0) == 1;
    if (ok && (j->alone || r->unsynced >= READ_GROUP_MAX))
        ok = sync_now(e, r);
    return ok;
}

static struct reader *least_loaded(struct db_engine *e)
{
    struct reader *best = NULL;
    for (int i = 0; i < e->options.readers; i++) {
        struct reader *r = &e->readers[i];
        if (r->link.state == LINK_UP && r->flight < READ_FLIGHT_MAX &&
            (best == NULL || r->flight < best->flight))
            best = r;
    }
    return best;
}

void readers_start(struct db_engine *e)
{
    if (e->reads.head == NULL || e->ending)
        return;
    struct reader *r = least_loaded(e);
    while (r != NULL && e->reads.head != NULL) {
        if (!send_read(e, r, jobs_pop(&e->reads)))
            lose(e, r);
        r = least_loaded(e);
    }
    for (int i = 0; i < e->options.readers; i++) {
        r = &e->readers[i];
        if (r->link.state == LINK_UP && (!sync_now(e, r) || !link_flush(&r->link)))
            lose(e, r);
    }
}

static void fail_read(struct db_engine *e, struct job *j, const PGresult *result)
{
    switch (session_classify(PQresultErrorField(result, PG_DIAG_SQLSTATE))) {
    case FAILURE_RETRY:
    case FAILURE_LOCKED:
    case FAILURE_LOST:
        again_or(e, j, ERR_DB_RETRY);
        return;
    case FAILURE_TIMEOUT:
        engine_answer(e, j, ERR_TIMEOUT, NULL);
        return;
    case FAILURE_STALE:
        again_or(e, j, ERR_DB_FAULT);
        return;
    case FAILURE_CONFLICT:
    case FAILURE_FAULT:
        break;
    }
    engine_log_failure("a read failed", j->stmt, result);
    engine_answer(e, j, ERR_DB_FAULT, NULL);
}

static bool is_stale(const PGresult *result)
{
    return session_classify(PQresultErrorField(result, PG_DIAG_SQLSTATE)) == FAILURE_STALE;
}

/* Takes result. False: the connection must be made anew. */
static bool take_query(struct db_engine *e, struct sent *s, PGresult *result)
{
    struct job *j = s->job;
    ExecStatusType status = PQresultStatus(result);
    bool stale = false;
    s->job = NULL;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        struct db_rows *rows = rows_take(result);
        engine_answer(e, j, rows == NULL ? ERR_NO_MEMORY : ERR_OK, rows);
        db_rows_unref(rows);
        return true;
    }
    if (s->fate == FATE_DOOMED) {
        engine_answer(e, j, ERR_DB_FAULT, NULL);
    } else if (status == PGRES_PIPELINE_ABORTED || s->fate == FATE_ORPHANED) {
        j->tries--; /* not its fault */
        again_or(e, j, ERR_DB_RETRY);
    } else {
        stale = is_stale(result);
        fail_read(e, j, result);
    }
    PQclear(result);
    return !stale;
}

/* The calls behind a prepare that did not happen find no statement: those whose prepare failed fail
 * with it, those whose prepare was aborted by a neighbour are sent again. */
static void decide_followers(struct reader *r, const struct db_stmt *stmt, enum sent_fate fate)
{
    for (unsigned i = r->head + 1; i != r->tail; i++) {
        struct sent *s = &r->sent[i % SENT_MAX];
        if (s->kind == SENT_PREPARE && s->stmt == stmt)
            return;
        if (s->kind == SENT_QUERY && s->job->stmt == stmt)
            s->fate = fate;
    }
}

static void take_prepare(struct reader *r, const struct sent *s, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK) {
        bool aborted = status == PGRES_PIPELINE_ABORTED;
        session_forget(&r->link.prepared, s->stmt);
        decide_followers(r, s->stmt, aborted ? FATE_ORPHANED : FATE_DOOMED);
        if (!aborted)
            engine_log_failure("a statement cannot be prepared", s->stmt, result);
    }
    PQclear(result);
}

/* One non-NULL result for the entry at the head. False: the connection must be made anew. */
static bool take(struct db_engine *e, struct reader *r, PGresult *result)
{
    struct sent *s = &r->sent[r->head % SENT_MAX];
    bool is_sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    if (is_sync != (s->kind == SENT_SYNC) || s->answered) {
        PQclear(result);
        return false;
    }
    s->answered = true;
    switch (s->kind) {
    case SENT_SYNC:
        PQclear(result);
        r->head++; /* no NULL follows a sync */
        return true;
    case SENT_PREPARE:
        take_prepare(r, s, result);
        return true;
    case SENT_QUERY:
        break;
    }
    r->flight--;
    return take_query(e, s, result);
}

/* False: the connection is out of step or gone. */
static bool take_all(struct db_engine *e, struct reader *r)
{
    int nulls = 0;
    while (r->head != r->tail && PQisBusy(r->link.pg) == 0) {
        struct sent *s = &r->sent[r->head % SENT_MAX];
        PGresult *result = PQgetResult(r->link.pg);
        if (result != NULL) {
            nulls = 0;
            if (!take(e, r, result))
                return false;
        } else if (s->answered) {
            nulls = 0;
            r->head++;
        } else if (++nulls > 1) {
            return false;
        }
    }
    return true;
}

void readers_event(struct db_engine *e, struct reader *r, bool readable)
{
    if (r->link.state != LINK_UP) {
        link_step(&r->link, true);
        return;
    }
    bool alive = link_flush(&r->link) && (!readable || PQconsumeInput(r->link.pg) == 1);
    if (!take_all(e, r) || !alive || PQstatus(r->link.pg) != CONNECTION_OK)
        lose(e, r);
}

void readers_check(struct db_engine *e)
{
    int64_t hang_ms = e->options.timeout_ms + HANG_GRACE_MS;
    while (e->reads.head != NULL && e->now_ms - e->reads.head->submitted_ms > e->options.timeout_ms)
        engine_answer(e, jobs_pop(&e->reads), ERR_TIMEOUT, NULL);
    for (int i = 0; i < e->options.readers; i++) {
        struct reader *r = &e->readers[i];
        link_step(&r->link, false);
        if (r->head != r->tail && e->now_ms - r->sent[r->head % SENT_MAX].sent_ms > hang_ms)
            lose(e, r);
    }
}

int readers_flight(const struct db_engine *e)
{
    int n = 0;
    for (int i = 0; i < e->options.readers; i++)
        n += e->readers[i].flight;
    return n;
}
