/* SPDX-License-Identifier: Apache-2.0 */
/* The database goes away, hangs, deadlocks or is not there; no callback is lost or doubled. */
#include "server/db/engine.h"

#include <unistd.h>

#include "tests/unit/db/engine_support.h"

enum { KILL_THREADS = 8, KILL_CALLS = 300 };

static char uri[256];

static int set_up(void)
{
    return make_database(uri, sizeof uri);
}

static int tear_down(void)
{
    test_db_drop(uri);
    return 0;
}

static const char KILL_ALL[] = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                               " WHERE application_name LIKE 'computefi-%'"
                               " AND datname = current_database()";

static bool wait_for(const char *sql, int64_t at_least)
{
    int64_t until = clock_mono_ms() + WAIT_MS;
    while (query(uri, sql) < at_least) {
        if (clock_mono_ms() > until)
            return false;
        usleep(2000);
    }
    return true;
}

static void a_backend_killed_in_flight_is_unknown(void)
{
    struct waiter sleeping;
    struct waiter waiting;
    struct waiter later;
    struct uuid ids[3] = {uuid_new(1), uuid_new(2), uuid_new(3)};
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.timeout_ms = 25000});
    waiter_init(&sleeping);
    waiter_init(&waiting);
    waiter_init(&later);
    struct db_call call = put_call(&ids[0], -3, NULL);
    CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, &sleeping), ERR_OK);
    CU_ASSERT(wait_for("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                       " AND datname = current_database()",
                       1));
    call = put_call(&ids[1], 1, NULL);
    CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, &waiting), ERR_OK);
    CU_ASSERT(query(uri, KILL_ALL) >= 2);
    CU_ASSERT(waiter_wait(&sleeping, 1));
    CU_ASSERT_EQUAL(sleeping.by_err[ERR_DB_RETRY], 1);
    CU_ASSERT(waiter_wait(&waiting, 1)); /* it had not been sent: nobody notices */
    CU_ASSERT_EQUAL(waiting.by_err[ERR_OK], 1);
    call = put_call(&ids[2], 1, NULL);
    CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, &later), ERR_OK);
    CU_ASSERT(waiter_wait(&later, 1));
    CU_ASSERT_EQUAL(later.by_err[ERR_OK], 1);
    CU_ASSERT(engine_stats(e).reconnects >= 1);
    db_engine_free(e);
}

/* Callbacks of one call: exactly one, and its answer. */
struct once {
    struct waiter *waiter;
    struct uuid id;
    atomic_int answers;
    enum err e;
};

static void count_once(void *arg, enum err e, struct db_rows *rows)
{
    struct once *o = arg;
    atomic_fetch_add(&o->answers, 1);
    o->e = e;
    waiter_count(o->waiter, e, rows);
}

struct load {
    struct db_engine *engine;
    struct once *calls;
};

static void *submit_steadily(void *arg)
{
    struct load *l = arg;
    for (int i = 0; i < KILL_CALLS; i++) {
        struct once *o = &l->calls[i];
        struct db_call call = put_call(&o->id, i, NULL);
        const struct db_call read = {.stmt = &DIVIDE, .params = {db_int(1), db_int(i)}};
        if (db_engine_submit(l->engine, i % 4 == 0 ? &read : &call, count_once, o) != ERR_OK)
            return arg;
        usleep(500);
    }
    return NULL;
}

static bool stored(struct db_conn *c, const struct uuid *id)
{
    static const struct db_stmt find = {.name = "find_thing",
                                        .sql = "SELECT 1 FROM things WHERE id = $1",
                                        .mode = DB_READ,
                                        .param_count = 1,
                                        .params = {DB_UUID}};
    const struct db_call call = {.stmt = &find, .params = {db_uuid(id)}};
    return db_run(c, &call, NULL) == DB_ROW;
}

static void check_against_table(struct once (*calls)[KILL_CALLS])
{
    struct db_conn *c = NULL;
    int wrong = 0;
    CU_ASSERT_EQUAL_FATAL(db_conn_open(uri, "check", &c), ERR_OK);
    for (int t = 0; t < KILL_THREADS; t++) {
        for (int i = 0; i < KILL_CALLS; i++) {
            const struct once *o = &calls[t][i];
            wrong += o->answers != 1 || (o->e != ERR_OK && o->e != ERR_DB_RETRY);
            if (i % 4 != 0 && o->e == ERR_OK)
                wrong += !stored(c, &o->id);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    db_conn_close(c);
}

static void nothing_is_lost_while_backends_are_killed(void)
{
    static struct once calls[KILL_THREADS][KILL_CALLS];
    struct load loads[KILL_THREADS];
    pthread_t threads[KILL_THREADS];
    struct waiter w;
    void *failed = NULL;
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.timeout_ms = 20000});
    waiter_init(&w);
    for (int t = 0; t < KILL_THREADS; t++) {
        for (int i = 0; i < KILL_CALLS; i++)
            calls[t][i] = (struct once){.waiter = &w, .id = uuid_new(clock_wall_ms())};
        loads[t] = (struct load){e, calls[t]};
        pthread_create(&threads[t], NULL, submit_steadily, &loads[t]);
    }
    for (int k = 0; k < 6; k++) {
        usleep(40000);
        CU_ASSERT(query(uri, KILL_ALL) >= 0);
    }
    for (int t = 0; t < KILL_THREADS; t++) {
        pthread_join(threads[t], &failed);
        CU_ASSERT_PTR_NULL(failed);
    }
    CU_ASSERT(waiter_wait(&w, KILL_THREADS * KILL_CALLS));
    CU_ASSERT(engine_stats(e).reconnects >= 2);
    db_engine_free(e);
    CU_ASSERT_EQUAL(w.done, KILL_THREADS * KILL_CALLS);
    CU_ASSERT(w.by_err[ERR_OK] > KILL_THREADS * KILL_CALLS / 2);
    check_against_table(calls);
}

static void calls_in_the_way_of_a_lock_time_out_alone(void)
{
    static const struct db_stmt lock_row = {
        .name = "lock_row",
        .sql = "SELECT t.ord::int, 'ok', NULL::uuid, now(), NULL::text, false, NULL::text"
               " FROM unnest($1) WITH ORDINALITY AS t(n, ord),"
               " LATERAL (SELECT 1 FROM slots s WHERE s.n = t.n FOR UPDATE) x",
        .mode = DB_BATCH,
        .param_count = 1,
        .params = {DB_INT}};
    struct waiter free_rows;
    struct waiter held;
    struct db_conn *locker = NULL;
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.timeout_ms = 20000});
    CU_ASSERT_EQUAL_FATAL(db_conn_open(uri, "locker", &locker), ERR_OK);
    CU_ASSERT_EQUAL(db_script(locker, "BEGIN; UPDATE slots SET hits = 0 WHERE n = 5"), DB_NO_ROW);
    waiter_init(&free_rows);
    waiter_init(&held);
    for (int n = 1; n <= 8; n++) {
        const struct db_call call = {.stmt = &lock_row, .params = {db_int(n)}};
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, n == 5 ? &held : &free_rows),
                        ERR_OK);
    }
    CU_ASSERT(waiter_wait(&free_rows, 7) && waiter_wait(&held, 1));
    CU_ASSERT_EQUAL(free_rows.by_err[ERR_OK], 7);
    CU_ASSERT_EQUAL(held.by_err[ERR_DB_CONFLICT], 1);
    db_engine_free(e);
    db_conn_close(locker);
}

static void statement_timeout_is_a_timeout(void)
{
    static const struct db_stmt nap = {
        .name = "nap", .sql = "SELECT pg_sleep(20)", .mode = DB_READ};
    const struct db_call read = {.stmt = &nap};
    struct uuid id = uuid_new(clock_wall_ms());
    struct db_call write = put_call(&id, -3, NULL);
    struct waiter w;
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.timeout_ms = 300});
    waiter_init(&w);
    CU_ASSERT_EQUAL(db_engine_submit(e, &read, waiter_count, &w), ERR_OK);
    CU_ASSERT_EQUAL(db_engine_submit(e, &write, waiter_count, &w), ERR_OK);
    CU_ASSERT(waiter_wait(&w, 2));
    CU_ASSERT_EQUAL(w.by_err[ERR_TIMEOUT], 2);
    db_engine_free(e);
    CU_ASSERT_EQUAL(query(uri, "SELECT count(*) FROM things WHERE n = -3"), 0);
}

static void without_a_database_calls_time_out(void)
{
    struct waiter w;
    struct uuid id = uuid_new(1);
    struct db_call write = put_call(&id, 1, NULL);
    const struct db_call read = {.stmt = &DIVIDE, .params = {db_int(1), db_int(1)}};
    struct db_engine *e =
        engine_start("host=/does/not/exist", (struct db_engine_options){.timeout_ms = 200});
    waiter_init(&w);
    int64_t start_ms = clock_mono_ms();
    CU_ASSERT_EQUAL(db_engine_submit(e, &write, waiter_count, &w), ERR_OK);
    CU_ASSERT_EQUAL(db_engine_submit(e, &read, waiter_count, &w), ERR_OK);
    CU_ASSERT(waiter_wait(&w, 2));
    CU_ASSERT(clock_mono_ms() - start_ms < 3000);
    CU_ASSERT_EQUAL(w.by_err[ERR_TIMEOUT], 2);
    CU_ASSERT(!engine_stats(e).connected);
    db_engine_free(e);
    CU_ASSERT_EQUAL(
        db_engine_new(
            &(struct db_engine_options){
                .uri = "nonsense=1", .readers = 1, .batch_max = 1, .queue_max = 1, .timeout_ms = 1},
            &e),
        ERR_PARSE);
}

static void a_full_queue_refuses_and_an_end_answers_all(void)
{
    struct waiter w;
    struct uuid id = uuid_new(1);
    struct db_call call = put_call(&id, 1, NULL);
    struct db_engine *e =
        engine_start("host=/does/not/exist", (struct db_engine_options){.queue_max = 10});
    waiter_init(&w);
    for (int i = 0; i < 10; i++)
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, &w), ERR_OK);
    CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, &w), ERR_UNAVAILABLE);
    CU_ASSERT_EQUAL(engine_stats(e).queued, 10);
    db_engine_free(e);
    CU_ASSERT_EQUAL(w.by_err[ERR_UNAVAILABLE], 10);
}

static void an_end_waits_for_the_batch_in_flight(void)
{
    struct waiter w;
    struct uuid ids[200];
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.batch_max = 16});
    int64_t before = query(uri, "SELECT count(*) FROM things");
    waiter_init(&w);
    for (int i = 0; i < 200; i++) {
        ids[i] = uuid_new(clock_wall_ms());
        struct db_call call = put_call(&ids[i], i, NULL);
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, &w), ERR_OK);
    }
    CU_ASSERT(waiter_wait(&w, 1));
    db_engine_free(e);
    CU_ASSERT_EQUAL(w.done, 200);
    CU_ASSERT_EQUAL(w.by_err[ERR_OK] + w.by_err[ERR_UNAVAILABLE], 200);
    CU_ASSERT_EQUAL(query(uri, "SELECT count(*) FROM things"), before + w.by_err[ERR_OK]);
}

static void both(struct db_engine *e, struct waiter *w, const struct uuid *id)
{
    static const struct db_stmt shape = {
        .name = "shape", .sql = "SELECT * FROM slots", .mode = DB_READ};
    const struct db_call read = {.stmt = &shape};
    struct db_call write = put_call(id, 1, NULL);
    CU_ASSERT_EQUAL(db_engine_submit(e, &write, waiter_count, w), ERR_OK);
    CU_ASSERT_EQUAL(db_engine_submit(e, &read, waiter_count, w), ERR_OK);
}

static void replaced_functions_do_not_stick(void)
{
    struct waiter w;
    struct uuid ids[2] = {uuid_new(clock_wall_ms()), uuid_new(clock_wall_ms())};
    struct db_conn *c = NULL;
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.readers = 1});
    CU_ASSERT_EQUAL_FATAL(db_conn_open(uri, "ddl", &c), ERR_OK);
    waiter_init(&w);
    both(e, &w, &ids[0]);
    CU_ASSERT(waiter_wait(&w, 2));
    const char *start = strstr(TEST_SCHEMA, "CREATE FUNCTION put");
    char *text = strndup(start, (size_t)(strstr(start, "CREATE FUNCTION hit") - start));
    CU_ASSERT_EQUAL(db_script(c, "ALTER TABLE slots ADD extra int; DROP FUNCTION put"), DB_NO_ROW);
    CU_ASSERT_EQUAL(db_script(c, text), DB_NO_ROW);
    free(text);
    both(e, &w, &ids[1]);
    CU_ASSERT(waiter_wait(&w, 4));
    CU_ASSERT_EQUAL(w.by_err[ERR_OK], 4);
    db_engine_free(e);
    db_conn_close(c);
}

CU_MAIN_WITH(
    set_up, tear_down, "engine faults",
    {"a backend killed in flight is unknown", a_backend_killed_in_flight_is_unknown},
    {"nothing is lost while backends are killed", nothing_is_lost_while_backends_are_killed},
    {"calls in the way of a lock time out alone", calls_in_the_way_of_a_lock_time_out_alone},
    {"statement timeout is a timeout", statement_timeout_is_a_timeout},
    {"without a database calls time out", without_a_database_calls_time_out},
    {"a full queue refuses, and an end answers all", a_full_queue_refuses_and_an_end_answers_all},
    {"an end waits for the batch in flight", an_end_waits_for_the_batch_in_flight},
    {"replaced functions do not stick", replaced_functions_do_not_stick})
