/* SPDX-License-Identifier: Apache-2.0 */
/* Branches on SQLSTATE only. A connection that failed is closed at once; what it had prepared is
 * forgotten with it. */
#include "server/db/run.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/core/log.h"
#include "server/db/encode.h"
#include "server/db/rows.h"
#include "server/db/session.h"

enum {
    STATEMENT_TIMEOUT_MS = 30000,
    LOCK_TIMEOUT_MS = 2000,
    TRIES_MAX = 8,
    BACKOFF_MS = 5, /* doubles per try: 5..320 ms, 635 ms in all */
    ERROR_MAX_BYTES = 512,
    CONSTRAINT_MAX_BYTES = 64
};

struct db_conn {
    PGconn *pg; /* NULL: broken */
    char *uri;
    char *application;
    struct session_prepared prepared;
    bool in_transaction;
    bool committing;
    bool warned; /* during the COMMIT in flight */
    int64_t affected;
    char sqlstate[SQLSTATE_MAX];
    char constraint[CONSTRAINT_MAX_BYTES];
    char error[ERROR_MAX_BYTES];
};

static void on_notice(void *arg, const PGresult *notice)
{
    struct db_conn *c = arg;
    c->warned = c->warned || c->committing;
    log_event(LOG_WARN, "database warning", "message",
              PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY), NULL);
}

static void drop(struct db_conn *c)
{
    PQfinish(c->pg);
    c->pg = NULL;
    c->prepared = (struct session_prepared){.count = 0};
}

static enum err connect_now(struct db_conn *c)
{
    struct session_params params;
    const struct session_settings settings = {.uri = c->uri,
                                              .application = c->application,
                                              .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
                                              .lock_timeout_ms = LOCK_TIMEOUT_MS,
                                              /* plpgsql would plan its large statements anew for
                                               * every task, which costs more than running them */
                                              .generic_plans = true};
    drop(c);
    enum err e = session_params_init(&settings, &params);
    if (e != ERR_OK) {
        snprintf(c->error, sizeof c->error, "malformed connection string");
        return e;
    }
    c->pg = PQconnectdbParams(params.keys, params.values, 1);
    session_params_clear(&params);
    if (c->pg != NULL && PQstatus(c->pg) == CONNECTION_OK) {
        PQsetNoticeReceiver(c->pg, on_notice, c);
        return ERR_OK;
    }
    snprintf(c->error, sizeof c->error, "%s", c->pg == NULL ? "no memory" : PQerrorMessage(c->pg));
    drop(c);
    return ERR_DB_FAULT;
}

enum err db_conn_open(const char *uri, const char *application, struct db_conn **out)
{
    struct db_conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_NO_MEMORY;
    c->uri = strdup(uri);
    c->application = strdup(application);
    enum err e = c->uri == NULL || c->application == NULL ? ERR_NO_MEMORY : connect_now(c);
    if (e != ERR_OK) {
        log_event(LOG_ERROR, "cannot connect to the database", "reason", c->error, NULL);
        db_conn_close(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

void db_conn_close(struct db_conn *c)
{
    if (c == NULL)
        return;
    drop(c);
    if (c->uri != NULL) /* may hold a password */
        explicit_bzero(c->uri, strlen(c->uri));
    free(c->uri);
    free(c->application);
    free(c);
}

enum err db_conn_ensure(struct db_conn *c)
{
    if (c->pg != NULL && PQstatus(c->pg) == CONNECTION_OK)
        return ERR_OK;
    return connect_now(c);
}

const char *db_conn_constraint(const struct db_conn *c)
{
    return c->constraint;
}

const char *db_conn_error(const struct db_conn *c)
{
    return c->error;
}

const char *db_conn_sqlstate(const struct db_conn *c)
{
    return c->sqlstate;
}

int64_t db_conn_affected(const struct db_conn *c)
{
    return c->affected;
}

static void copy_field(char *out, size_t cap, const PGresult *r, int field)
{
    const char *text = r == NULL ? NULL : PQresultErrorField(r, field);
    snprintf(out, cap, "%s", text == NULL ? "" : text);
}

static void forget_error(struct db_conn *c)
{
    c->sqlstate[0] = '\0';
    c->constraint[0] = '\0';
    c->error[0] = '\0';
    c->affected = 0;
}

/* Outside a transaction a lost statement may have been committed: only the caller knows how to
 * re-read. Inside one it was rolled back with the connection. */
static enum db_outcome fail(struct db_conn *c, PGresult *r)
{
    copy_field(c->sqlstate, sizeof c->sqlstate, r, PG_DIAG_SQLSTATE);
    copy_field(c->constraint, sizeof c->constraint, r, PG_DIAG_CONSTRAINT_NAME);
    copy_field(c->error, sizeof c->error, r, PG_DIAG_MESSAGE_PRIMARY);
    if (c->error[0] == '\0')
        snprintf(c->error, sizeof c->error, "%s", PQerrorMessage(c->pg));
    PQclear(r);
    enum session_failure failure = session_classify(c->sqlstate);
    if (PQstatus(c->pg) != CONNECTION_OK || failure == FAILURE_LOST || failure == FAILURE_STALE) {
        drop(c);
        return c->in_transaction || failure == FAILURE_STALE ? DB_RETRY : DB_FAULT;
    }
    switch (failure) {
    case FAILURE_CONFLICT:
        return DB_CONFLICT;
    case FAILURE_RETRY:
    case FAILURE_LOCKED:
        return DB_RETRY;
    case FAILURE_TIMEOUT:
    case FAILURE_LOST:
    case FAILURE_STALE:
    case FAILURE_FAULT:
        break;
    }
    return DB_FAULT;
}

static enum db_outcome no_connection(struct db_conn *c)
{
    if (c->error[0] == '\0')
        snprintf(c->error, sizeof c->error, "not connected");
    return c->in_transaction ? DB_RETRY : DB_FAULT;
}

static enum db_outcome prepare(struct db_conn *c, const struct db_stmt *s)
{
    Oid types[DB_PARAMS_MAX];
    if (session_is_prepared(&c->prepared, s))
        return DB_NO_ROW;
    encode_types(s, false, types);
    PGresult *r = PQprepare(c->pg, s->name, s->sql, s->param_count, types);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        return fail(c, r);
    PQclear(r);
    bool room = session_remember(&c->prepared, s);
    assert(room);
    return DB_NO_ROW;
}

static enum db_outcome take(struct db_conn *c, PGresult *r, struct db_rows **rows)
{
    ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        return fail(c, r);
    c->affected = strtoll(PQcmdTuples(r), NULL, 10);
    bool some = status == PGRES_TUPLES_OK ? PQntuples(r) > 0 : c->affected > 0;
    if (!some || rows == NULL) {
        PQclear(r);
        return some ? DB_ROW : DB_NO_ROW;
    }
    struct db_rows *taken = rows_take(r);
    if (taken == NULL)
        return DB_FAULT;
    *rows = taken;
    return DB_ROW;
}

enum db_outcome db_run(struct db_conn *c, const struct db_call *call, struct db_rows **rows)
{
    struct encoded p;
    const struct db_stmt *s = call->stmt;
    forget_error(c);
    /* a transaction that lost its connection must not go on with the next one */
    if (c->in_transaction ? c->pg == NULL : db_conn_ensure(c) != ERR_OK)
        return no_connection(c);
    enum db_outcome o = prepare(c, s);
    if (o != DB_NO_ROW)
        return o;
    encode_scalars(s, call->params, &p);
    PGresult *r = PQexecPrepared(c->pg, s->name, s->param_count, p.values, p.lengths, p.formats, 0);
    return take(c, r, rows);
}

enum db_outcome db_script(struct db_conn *c, const char *sql)
{
    forget_error(c);
    if (c->in_transaction ? c->pg == NULL : db_conn_ensure(c) != ERR_OK)
        return no_connection(c);
    PGresult *r = PQexec(c->pg, sql);
    enum db_outcome o = take(c, r, NULL);
    return o == DB_ROW ? DB_NO_ROW : o;
}

static enum db_outcome commit(struct db_conn *c)
{
    c->warned = false;
    c->committing = true;
    PGresult *r = PQexec(c->pg, "COMMIT");
    c->committing = false;
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;
    if (ok && strcmp(PQcmdStatus(r), "COMMIT") == 0 && !c->warned) {
        PQclear(r);
        return DB_NO_ROW;
    }
    c->in_transaction = false; /* from here a lost connection is "unknown", not "rolled back" */
    if (!ok)
        return fail(c, r);
    snprintf(c->error, sizeof c->error, "COMMIT answered %s%s", PQcmdStatus(r),
             c->warned ? " with a warning" : "");
    PQclear(r);
    return DB_FAULT;
}

static enum db_outcome attempt(struct db_conn *c, db_body body, void *arg)
{
    if (db_conn_ensure(c) != ERR_OK)
        return DB_RETRY;
    enum db_outcome begun = db_script(c, "BEGIN");
    if (begun != DB_NO_ROW)
        return c->pg == NULL ? DB_RETRY : begun; /* nothing was done yet */
    c->in_transaction = true;
    enum db_outcome o = body(c, arg);
    if (c->pg == NULL)
        o = DB_RETRY;
    else if (o == DB_ROW || o == DB_NO_ROW) {
        enum db_outcome committed = commit(c);
        o = committed == DB_NO_ROW ? o : committed;
    } else {
        PQclear(PQexec(c->pg, "ROLLBACK"));
        if (PQtransactionStatus(c->pg) != PQTRANS_IDLE)
            drop(c);
    }
    c->in_transaction = false;
    return o;
}

static void pause_before(int try_count)
{
    uint32_t base_ms = (uint32_t)BACKOFF_MS << (try_count - 1);
    uint32_t ms = base_ms / 2 + randombytes_uniform(base_ms);
    struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&ts, NULL);
}

enum db_outcome db_transaction(struct db_conn *c, db_body body, void *arg)
{
    assert(!c->in_transaction);
    enum db_outcome o = DB_RETRY;
    for (int i = 0; i < TRIES_MAX && o == DB_RETRY; i++) {
        if (i > 0)
            pause_before(i);
        o = attempt(c, body, arg);
    }
    return o;
}
