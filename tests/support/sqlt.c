/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sqlt.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include "server/core/buf.h"

enum { STATEMENT_MAX = 32768, BUFFERS = 8 };

void sqlt_check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    if (CU_get_current_test() == NULL)
        exit(1);
    CU_FAIL_FATAL("see the line above");
}

PGconn *sqlt_open(const char *uri)
{
    PGconn *db = PQconnectdb(uri);
    if (PQstatus(db) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(db));
        exit(1);
    }
    PQclear(PQexec(db, "SET client_min_messages = warning; SET timezone = 'UTC'"));
    return db;
}

static PGresult *run(PGconn *db, const char *format, va_list args)
{
    char *sql = malloc(STATEMENT_MAX);
    if (sql == NULL)
        abort();
    int n = vsnprintf(sql, STATEMENT_MAX, format, args);
    SQLT_CHECK(n >= 0 && n < STATEMENT_MAX);
    PGresult *r = PQexec(db, sql);
    free(sql);
    return r;
}

static bool ok(const PGresult *r)
{
    return PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;
}

static void report(const PGresult *r)
{
    if (!ok(r))
        fprintf(stderr, "%s", PQresultErrorMessage(r));
    SQLT_CHECK(ok(r));
}

bool sqlt_exec(PGconn *db, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PGresult *r = run(db, format, args);
    va_end(args);
    bool good = ok(r);
    report(r);
    PQclear(r);
    return good;
}

static char *buffer(void)
{
    static _Thread_local char buffers[BUFFERS][SQLT_TEXT_MAX];
    static _Thread_local int next;
    next = (next + 1) % BUFFERS;
    buffers[next][0] = '\0';
    return buffers[next];
}

const char *sqlt_state(PGconn *db, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PGresult *r = run(db, format, args);
    va_end(args);
    char *out = buffer();
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    snprintf(out, SQLT_TEXT_MAX, "%s", state != NULL ? state : "");
    PQclear(r);
    return out;
}

static const char *first(PGconn *db, const char *format, va_list args)
{
    PGresult *r = run(db, format, args);
    char *out = buffer();
    report(r);
    if (ok(r) && PQntuples(r) > 0 && PQnfields(r) > 0)
        snprintf(out, SQLT_TEXT_MAX, "%s", PQgetvalue(r, 0, 0));
    PQclear(r);
    return out;
}

const char *sqlt_text(PGconn *db, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *out = first(db, format, args);
    va_end(args);
    return out;
}

int64_t sqlt_int(PGconn *db, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *out = first(db, format, args);
    va_end(args);
    return strtoll(out, NULL, 10);
}

static void put_quoted(struct buf *b, struct bytes text)
{
    buf_adds(b, "\"");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            buf_adds(b, "\\");
        buf_add(b, text.data + i, 1);
    }
    buf_adds(b, "\"");
}

static void put_hex(struct buf *b, struct bytes data)
{
    char *hex = malloc(2 * data.len + 1);
    SQLT_CHECK(hex != NULL);
    hex_encode(data.data, data.len, hex);
    buf_addf(b, "\"\\\\x%s\"", hex);
    free(hex);
}

static void put_value(struct buf *b, enum db_type type, const struct db_value *v)
{
    char id[UUID_TEXT_MAX];
    if (v->is_null) {
        buf_adds(b, "NULL");
        return;
    }
    switch (type) {
    case DB_UUID:
        uuid_print(&v->uuid, id);
        buf_adds(b, id);
        break;
    case DB_INT:
        buf_addf(b, "%" PRId64, v->num);
        break;
    case DB_BOOL:
        buf_adds(b, v->num != 0 ? "t" : "f");
        break;
    case DB_TEXT:
        put_quoted(b, v->data);
        break;
    case DB_BYTES:
        put_hex(b, v->data);
        break;
    }
}

/* The array literal of one parameter over all calls. */
static void put_array(struct buf *b, const struct db_call *calls, int count, int param)
{
    enum db_type type = calls[0].stmt->params[param];
    buf_adds(b, "{");
    for (int i = 0; i < count; i++) {
        if (i > 0)
            buf_adds(b, ",");
        put_value(b, type, &calls[i].params[param]);
    }
    buf_adds(b, "}");
    SQLT_CHECK(buf_ok(b));
}

static void read_row(const PGresult *r, int row, struct answer *a)
{
    memset(a, 0, sizeof *a);
    snprintf(a->status, sizeof a->status, "%s", PQgetvalue(r, row, OUTCOME_STATUS));
    snprintf(a->at, sizeof a->at, "%s", PQgetvalue(r, row, OUTCOME_AT));
    snprintf(a->detail, sizeof a->detail, "%s", PQgetvalue(r, row, OUTCOME_DETAIL));
    snprintf(a->wake, sizeof a->wake, "%s", PQgetvalue(r, row, OUTCOME_WAKE));
    a->replayed = PQgetvalue(r, row, OUTCOME_REPLAYED)[0] == 't';
    a->has_id = uuid_parse(PQgetvalue(r, row, OUTCOME_ID), &a->id) == ERR_OK;
}

static void read_rows(const PGresult *r, int count, struct answer *out)
{
    bool seen[SQLT_BATCH_MAX] = {false};
    SQLT_CHECK(PQntuples(r) == count);
    SQLT_CHECK(PQnfields(r) == OUTCOME_COLUMNS);
    for (int row = 0; row < PQntuples(r); row++) {
        int ord = atoi(PQgetvalue(r, row, OUTCOME_ORD));
        SQLT_CHECK(ord >= 1 && ord <= count && !seen[ord - 1]);
        seen[ord - 1] = true;
        read_row(r, row, &out[ord - 1]);
    }
}

const char *sqlt_batch(PGconn *db, const struct db_call *calls, int count, struct answer *out)
{
    static const Oid oids[] = {
        [DB_UUID] = 2951, [DB_INT] = 1016, [DB_TEXT] = 1009, [DB_BYTES] = 1001, [DB_BOOL] = 1000};
    const struct db_stmt *stmt = calls[0].stmt;
    struct buf texts[DB_PARAMS_MAX];
    const char *values[DB_PARAMS_MAX];
    Oid types[DB_PARAMS_MAX];
    SQLT_CHECK(count <= SQLT_BATCH_MAX);
    for (int p = 0; p < stmt->param_count; p++) {
        buf_init(&texts[p], 64u * 1024 * 1024);
        put_array(&texts[p], calls, count, p);
        values[p] = texts[p].data;
        types[p] = oids[stmt->params[p]];
    }
    PGresult *r = PQexecParams(db, stmt->sql, stmt->param_count, types, values, NULL, NULL, 0);
    char *state = buffer();
    if (PQresultStatus(r) == PGRES_TUPLES_OK) {
        read_rows(r, count, out);
    } else {
        const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
        snprintf(state, SQLT_TEXT_MAX, "%s", code != NULL ? code : "?");
        fprintf(stderr, "%s: %s", stmt->name, PQresultErrorMessage(r));
    }
    PQclear(r);
    for (int p = 0; p < stmt->param_count; p++)
        buf_clear(&texts[p]);
    return state;
}

struct answer sqlt_call(PGconn *db, const struct db_call *call)
{
    struct answer a = {.status = "failed"};
    sqlt_batch(db, call, 1, &a);
    return a;
}
