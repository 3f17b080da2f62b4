/* SPDX-License-Identifier: Apache-2.0 */
/* A database with a batched function that does everything an engine may meet, and a counter of
 * callbacks. */
#ifndef COMPUTEFI_TESTS_UNIT_DB_ENGINE_SUPPORT_H
#define COMPUTEFI_TESTS_UNIT_DB_ENGINE_SUPPORT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "server/core/clock.h"
#include "server/db/engine.h"
#include "server/db/run.h"
#include "tests/support/cu.h"
#include "tests/support/pg.h"

enum { WAIT_MS = 30000 };

static const char TEST_SCHEMA[] =
    "CREATE TABLE things (id uuid CONSTRAINT things_pkey PRIMARY KEY, n bigint, note text,"
    " blob bytea, flag boolean, key text CONSTRAINT things_key UNIQUE);"
    "CREATE TABLE slots (n bigint PRIMARY KEY, hits int NOT NULL DEFAULT 0);"
    "INSERT INTO slots SELECT g FROM generate_series(1, 10) g;"
    /* -1 raises, -2 violates a constraint, -3 sleeps; answers in no order, as the engine must not
     * care */
    "CREATE FUNCTION put(p_id uuid[], p_n bigint[], p_note text[], p_blob bytea[],"
    " p_flag boolean[], p_key text[]) RETURNS TABLE (ord int, status text, id uuid,"
    " at timestamptz, detail text, replayed boolean, wake text) LANGUAGE plpgsql AS $$"
    "#variable_conflict use_column\n"
    "BEGIN"
    " IF -1 = ANY (p_n) THEN RAISE EXCEPTION 'bad row'; END IF;"
    " IF -2 = ANY (p_n) THEN RAISE EXCEPTION 'rule' USING ERRCODE = 'check_violation'; END IF;"
    " IF -3 = ANY (p_n) THEN PERFORM pg_sleep(20); END IF;"
    " RETURN QUERY WITH u AS (SELECT * FROM unnest(p_id, p_n, p_note, p_blob, p_flag, p_key)"
    "  WITH ORDINALITY AS t(id, n, note, blob, flag, key, ord)),"
    " old AS (SELECT u.ord, h.id FROM u JOIN things h ON h.key = u.key),"
    " new AS (INSERT INTO things SELECT u.id, u.n, u.note, u.blob, u.flag, u.key FROM u"
    "  WHERE u.ord NOT IN (SELECT ord FROM old) RETURNING id)"
    " SELECT u.ord::int, 'ok', coalesce(old.id, u.id), clock_timestamp(),"
    "  json_build_object('n', u.n, 'note', u.note, 'blob', encode(u.blob, 'hex'),"
    "   'flag', u.flag)::text, old.id IS NOT NULL,"
    "  CASE WHEN old.id IS NULL THEN 'open n:' || u.n END"
    " FROM u LEFT JOIN old USING (ord) ORDER BY random();"
    "END $$;"
    "CREATE FUNCTION hit(p_n bigint[]) RETURNS TABLE (ord int, status text, id uuid,"
    " at timestamptz, detail text, replayed boolean, wake text) LANGUAGE plpgsql AS $$"
    "#variable_conflict use_column\n"
    "BEGIN RETURN QUERY WITH u AS (SELECT * FROM unnest(p_n) WITH ORDINALITY AS t(n, ord)),"
    " held AS (SELECT n FROM slots WHERE n = ANY (p_n) ORDER BY n FOR UPDATE SKIP LOCKED),"
    " done AS (UPDATE slots SET hits = hits + (SELECT count(*) FROM u WHERE u.n = slots.n)"
    "  WHERE n IN (SELECT n FROM held) RETURNING n)"
    " SELECT u.ord::int, CASE WHEN done.n IS NULL THEN 'busy' ELSE 'ok' END, NULL::uuid,"
    "  clock_timestamp(), NULL::text, false, NULL::text FROM u LEFT JOIN done ON done.n = u.n;"
    "END $$";

static const struct db_stmt PUT = {
    .name = "put",
    .sql = "SELECT ord, status, id, at, detail, replayed, wake FROM put($1, $2, $3, $4, $5, $6)",
    .mode = DB_BATCH,
    .param_count = 6,
    .params = {DB_UUID, DB_INT, DB_TEXT, DB_BYTES, DB_BOOL, DB_TEXT}};
static const struct db_stmt HIT = {
    .name = "hit",
    .sql = "SELECT ord, status, id, at, detail, replayed, wake FROM hit($1)",
    .mode = DB_BATCH,
    .param_count = 1,
    .params = {DB_INT}};
static const struct db_stmt DIVIDE = {.name = "divide",
                                      .sql = "SELECT $2, 1000 / $1",
                                      .mode = DB_READ,
                                      .param_count = 2,
                                      .params = {DB_INT, DB_INT}};

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int done;
    int by_err[ERR_COUNT];
    int busy;
    int replayed;
};

static inline void waiter_init(struct waiter *w)
{
    *w = (struct waiter){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
}

static inline void waiter_count(void *arg, enum err e, struct db_rows *rows)
{
    struct waiter *w = arg;
    pthread_mutex_lock(&w->lock);
    w->done++;
    w->by_err[e]++;
    if (rows != NULL && db_rows_columns(rows) == OUTCOME_COLUMNS) {
        w->busy += strcmp(db_rows_text(rows, 0, OUTCOME_STATUS), "busy") == 0;
        w->replayed += db_rows_bool(rows, 0, OUTCOME_REPLAYED);
    }
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* False when count callbacks did not arrive in time. */
static inline bool waiter_wait(struct waiter *w, int count)
{
    struct timespec until;
    int late = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&w->lock);
    while (w->done < count && late == 0)
        late = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    bool all = w->done >= count;
    pthread_mutex_unlock(&w->lock);
    return all;
}

static inline struct db_call put_call(const struct uuid *id, int64_t n, const char *key)
{
    return (struct db_call){.stmt = &PUT,
                            .params = {db_uuid(id), db_int(n), db_text("note"), db_bytes("b", 1),
                                       db_bool(true), db_text(key)}};
}

static inline struct db_engine *engine_start(const char *uri, struct db_engine_options o)
{
    struct db_engine *e = NULL;
    o.uri = uri;
    o.readers = o.readers == 0 ? 2 : o.readers;
    o.batch_max = o.batch_max == 0 ? 128 : o.batch_max;
    o.queue_max = o.queue_max == 0 ? 20000 : o.queue_max;
    o.timeout_ms = o.timeout_ms == 0 ? 10000 : o.timeout_ms;
    CU_ASSERT_EQUAL_FATAL(db_engine_new(&o, &e), ERR_OK);
    return e;
}

static inline struct db_engine_stats engine_stats(struct db_engine *e)
{
    struct db_engine_stats s;
    db_engine_stats(e, &s);
    return s;
}

/* First column of the first row as a number, -1 without one. */
static inline int64_t query(const char *uri, const char *sql)
{
    struct db_conn *c = NULL;
    struct db_rows *rows = NULL;
    const struct db_stmt s = {.name = "query", .sql = sql, .mode = DB_READ};
    const struct db_call call = {.stmt = &s};
    int64_t n = -1;
    if (db_conn_open(uri, "query", &c) == ERR_OK && db_run(c, &call, &rows) == DB_ROW)
        n = db_rows_int(rows, 0, 0);
    db_rows_unref(rows);
    db_conn_close(c);
    return n;
}

static inline int make_database(char *uri, size_t cap)
{
    struct db_conn *c = NULL;
    if (test_db_create_empty(uri, cap) != 0 || db_conn_open(uri, "setup", &c) != ERR_OK)
        return -1;
    enum db_outcome o = db_script(c, TEST_SCHEMA);
    if (o != DB_NO_ROW)
        fprintf(stderr, "schema: %s\n", db_conn_error(c));
    db_conn_close(c);
    return o == DB_NO_ROW ? 0 : -1;
}

#endif
