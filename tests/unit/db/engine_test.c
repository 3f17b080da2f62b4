/* SPDX-License-Identifier: Apache-2.0 */
#include "server/db/engine.h"

#include <jansson.h>
#include <unistd.h>

#include "tests/unit/db/engine_support.h"

enum { THREADS = 64, CALLS_PER_THREAD = 40, BATCH = 128 };

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

/* One call and what must come back. */
struct probe {
    struct db_engine *engine;
    struct waiter *waiter;
    struct uuid id;
    int64_t n;
    char note[32];
    uint8_t blob[16];
    bool note_null;
    bool wrong;
};

static void check_probe(void *arg, enum err e, struct db_rows *rows)
{
    struct probe *p = arg;
    struct uuid id;
    char blob[33];
    json_t *detail =
        e != ERR_OK ? NULL : json_loads(db_rows_text(rows, 0, OUTCOME_DETAIL), 0, NULL);
    const char *note = json_string_value(json_object_get(detail, "note"));
    const char *hex = json_string_value(json_object_get(detail, "blob"));
    hex_encode(p->blob, sizeof p->blob, blob);
    p->wrong = detail == NULL || db_rows_count(rows) != 1 || hex == NULL ||
               json_integer_value(json_object_get(detail, "n")) != p->n ||
               (note == NULL) != p->note_null || (note != NULL && strcmp(note, p->note) != 0) ||
               json_is_null(json_object_get(detail, "flag")) != (p->n % 3 == 0) ||
               strcmp(hex, blob) != 0 || !db_rows_uuid(rows, 0, OUTCOME_ID, &id) ||
               !uuid_equal(&id, &p->id) || db_rows_bool(rows, 0, OUTCOME_REPLAYED);
    json_decref(detail);
    waiter_count(p->waiter, e, rows);
}

static enum err submit_probe(struct probe *p)
{
    struct db_call call = {.stmt = &PUT,
                           .params = {db_uuid(&p->id), db_int(p->n),
                                      p->note_null ? db_null() : db_text(p->note),
                                      db_bytes(p->blob, sizeof p->blob),
                                      p->n % 3 == 0 ? db_null() : db_bool(p->n % 2), db_null()}};
    return db_engine_submit(p->engine, &call, check_probe, p);
}

static void fill_probe(struct probe *p, struct db_engine *e, struct waiter *w, int64_t n)
{
    *p = (struct probe){.engine = e, .waiter = w, .id = uuid_new(clock_wall_ms()), .n = n};
    p->note_null = n % 5 == 0;
    snprintf(p->note, sizeof p->note, n % 7 == 0 ? "" : "note {\"%lld\"} \xc3\xa9,", (long long)n);
    for (size_t i = 0; i < sizeof p->blob; i++)
        p->blob[i] = (uint8_t)(n >> (i % 8));
}

static void *submit_many(void *arg)
{
    struct probe *probes = arg;
    for (int i = 0; i < CALLS_PER_THREAD; i++) {
        if (submit_probe(&probes[i]) != ERR_OK)
            return arg;
    }
    return NULL;
}

static void sixty_four_threads_each_get_their_own_row(void)
{
    static struct probe probes[THREADS][CALLS_PER_THREAD];
    pthread_t threads[THREADS];
    struct waiter w;
    void *failed = NULL;
    int wrong = 0;
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.readers = 1});
    waiter_init(&w);
    for (int t = 0; t < THREADS; t++) {
        for (int i = 0; i < CALLS_PER_THREAD; i++)
            fill_probe(&probes[t][i], e, &w, 1 + t * CALLS_PER_THREAD + i);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[t], NULL, submit_many, probes[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], &failed);
        CU_ASSERT_PTR_NULL(failed);
    }
    CU_ASSERT(waiter_wait(&w, THREADS * CALLS_PER_THREAD));
    struct db_engine_stats s = engine_stats(e);
    db_engine_free(e);
    for (int t = 0; t < THREADS; t++) {
        for (int i = 0; i < CALLS_PER_THREAD; i++)
            wrong += probes[t][i].wrong;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(w.done, THREADS * CALLS_PER_THREAD);
    CU_ASSERT_EQUAL(s.calls, THREADS * CALLS_PER_THREAD);
    CU_ASSERT_EQUAL(s.batch_rows, THREADS * CALLS_PER_THREAD);
    CU_ASSERT(s.batches < s.batch_rows / 4); /* they did travel together */
    CU_ASSERT_EQUAL(s.bisections, 0);
    CU_ASSERT_EQUAL(s.queued, 0);
    CU_ASSERT_EQUAL(query(uri, "SELECT count(*) FROM things"), THREADS * CALLS_PER_THREAD);
}

/* Submits count calls of which those at bad_at have number bad, as one batch. */
static void one_bad_row(int64_t bad, int bad_at, enum err expected)
{
    struct waiter good;
    struct waiter wrong;
    struct uuid ids[BATCH];
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.readers = 1});
    int64_t before = query(uri, "SELECT count(*) FROM things");
    waiter_init(&good);
    waiter_init(&wrong);
    for (int i = 0; i < BATCH; i++) {
        ids[i] = uuid_new(clock_wall_ms());
        struct db_call call = put_call(&ids[i], i == bad_at ? bad : i, NULL);
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, i == bad_at ? &wrong : &good),
                        ERR_OK);
    }
    CU_ASSERT(waiter_wait(&good, BATCH - 1));
    CU_ASSERT(waiter_wait(&wrong, 1));
    struct db_engine_stats s = engine_stats(e);
    db_engine_free(e);
    CU_ASSERT_EQUAL(good.by_err[ERR_OK], BATCH - 1);
    CU_ASSERT_EQUAL(wrong.by_err[expected], 1);
    CU_ASSERT(s.bisections >= 1 && s.bisections <= 2 * 7);
    CU_ASSERT_EQUAL(query(uri, "SELECT count(*) FROM things"), before + BATCH - 1);
}

static void one_bad_row_fails_alone(void)
{
    one_bad_row(-1, 0, ERR_DB_FAULT);
    one_bad_row(-1, 77, ERR_DB_FAULT);
    one_bad_row(-2, BATCH - 1, ERR_DB_CONFLICT);
}

static void text_that_is_no_utf8_fails_alone(void)
{
    struct waiter good;
    struct waiter wrong;
    struct uuid ids[10];
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.readers = 1});
    waiter_init(&good);
    waiter_init(&wrong);
    for (int i = 0; i < 10; i++) {
        ids[i] = uuid_new(clock_wall_ms());
        struct db_call call = put_call(&ids[i], i, NULL);
        if (i == 4)
            call.params[2] = db_text("\xff\xfe");
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, i == 4 ? &wrong : &good), ERR_OK);
    }
    CU_ASSERT(waiter_wait(&good, 9) && waiter_wait(&wrong, 1));
    db_engine_free(e);
    CU_ASSERT_EQUAL(good.by_err[ERR_OK], 9);
    CU_ASSERT_EQUAL(wrong.by_err[ERR_DB_FAULT], 1);
}

static void one_key_never_shares_a_batch(void)
{
    struct waiter w;
    struct uuid ids[60];
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.readers = 1});
    waiter_init(&w);
    for (int i = 0; i < 60; i++) { /* six keys, ten times each */
        static const char *const keys[] = {"k0", "k1", "k2", "k3", "k4", "k5"};
        ids[i] = uuid_new(clock_wall_ms());
        struct db_call call = put_call(&ids[i], i, keys[i % 6]);
        call.dedupe = (uint64_t)(i % 6) + 1;
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, &w), ERR_OK);
    }
    CU_ASSERT(waiter_wait(&w, 60));
    struct db_engine_stats s = engine_stats(e);
    db_engine_free(e);
    CU_ASSERT_EQUAL(w.by_err[ERR_OK], 60);
    CU_ASSERT_EQUAL(w.replayed, 54);
    CU_ASSERT_EQUAL(s.bisections + s.retries, 0); /* a shared batch would violate things_key */
    CU_ASSERT(s.batches >= 10);
    CU_ASSERT_EQUAL(query(uri, "SELECT count(*) FROM things WHERE key LIKE 'k_'"), 6);
}

static void submit_hits(struct db_engine *e, struct waiter *w, int64_t n, int count)
{
    for (int i = 0; i < count; i++) {
        const struct db_call call = {.stmt = &HIT, .params = {db_int(n)}};
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, w), ERR_OK);
    }
}

static void busy_rows_are_tried_again_not_for_ever(void)
{
    struct waiter held;
    struct waiter other;
    struct waiter later;
    struct db_conn *locker = NULL;
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.readers = 1});
    CU_ASSERT_EQUAL_FATAL(db_conn_open(uri, "locker", &locker), ERR_OK);
    CU_ASSERT_EQUAL(db_script(locker, "BEGIN; UPDATE slots SET hits = 0 WHERE n = 1"), DB_NO_ROW);
    waiter_init(&held);
    waiter_init(&other);
    waiter_init(&later);
    submit_hits(e, &held, 1, 5);
    submit_hits(e, &other, 2, 5);
    CU_ASSERT(waiter_wait(&other, 5));
    CU_ASSERT_EQUAL(other.by_err[ERR_OK], 5);
    CU_ASSERT_EQUAL(other.busy, 0);
    CU_ASSERT(waiter_wait(&held, 5)); /* twenty tries, then the caller is told */
    CU_ASSERT_EQUAL(held.by_err[ERR_OK], 5);
    CU_ASSERT_EQUAL(held.busy, 5);
    submit_hits(e, &later, 1, 5);
    while (engine_stats(e).busy_requeues < 20 * 5 + 5)
        usleep(1000);
    CU_ASSERT_EQUAL(db_script(locker, "COMMIT"), DB_NO_ROW);
    CU_ASSERT(waiter_wait(&later, 5));
    CU_ASSERT_EQUAL(later.busy, 0);
    db_engine_free(e);
    db_conn_close(locker);
    CU_ASSERT_EQUAL(query(uri, "SELECT hits FROM slots WHERE n = 1"), 5);
    CU_ASSERT_EQUAL(query(uri, "SELECT hits FROM slots WHERE n = 2"), 5);
}

struct ordered {
    struct waiter waiter;
    int64_t last;
    int out_of_order;
};

static void check_order(void *arg, enum err e, struct db_rows *rows)
{
    struct ordered *o = arg;
    int64_t n = e == ERR_OK ? db_rows_int(rows, 0, 0) : -1;
    o->out_of_order += n <= o->last;
    o->last = n;
    waiter_count(&o->waiter, e, rows);
}

static void reads_come_back_in_order(void)
{
    struct ordered o = {.last = 0};
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.readers = 1});
    waiter_init(&o.waiter);
    for (int i = 1; i <= 3000; i++) {
        const struct db_call call = {.stmt = &DIVIDE, .params = {db_int(3), db_int(i)}};
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, check_order, &o), ERR_OK);
    }
    CU_ASSERT(waiter_wait(&o.waiter, 3000));
    db_engine_free(e);
    CU_ASSERT_EQUAL(o.waiter.by_err[ERR_OK], 3000);
    CU_ASSERT_EQUAL(o.out_of_order, 0);
}

static void a_failing_read_fails_alone(void)
{
    static const struct db_stmt missing = {
        .name = "missing", .sql = "SELECT 1 FROM no_such_table", .mode = DB_READ};
    struct waiter good;
    struct waiter bad;
    struct waiter unprepared;
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.readers = 2});
    waiter_init(&good);
    waiter_init(&bad);
    waiter_init(&unprepared);
    for (int i = 0; i < 1000; i++) {
        struct db_call call = {.stmt = &DIVIDE,
                               .params = {db_int(i % 100 == 50 ? 0 : 7), db_int(i)}};
        struct waiter *w = i % 100 == 50 ? &bad : &good;
        if (i % 100 == 70) {
            call.stmt = &missing;
            w = &unprepared;
        }
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, w), ERR_OK);
    }
    CU_ASSERT(waiter_wait(&good, 980) && waiter_wait(&bad, 10) && waiter_wait(&unprepared, 10));
    struct db_engine_stats s = engine_stats(e);
    db_engine_free(e);
    CU_ASSERT_EQUAL(good.by_err[ERR_OK], 980);
    CU_ASSERT_EQUAL(bad.by_err[ERR_DB_FAULT], 10);
    CU_ASSERT_EQUAL(unprepared.by_err[ERR_DB_FAULT], 10);
    CU_ASSERT_EQUAL(s.reconnects, 0);
}

static void a_batched_statement_that_cannot_be_prepared_fails(void)
{
    static const struct db_stmt missing = {.name = "missing_batch",
                                           .sql = "SELECT * FROM no_such_function($1)",
                                           .mode = DB_BATCH,
                                           .param_count = 1,
                                           .params = {DB_INT}};
    struct waiter bad;
    struct waiter good;
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.readers = 1});
    waiter_init(&bad);
    waiter_init(&good);
    for (int i = 0; i < 3; i++) {
        const struct db_call call = {.stmt = &missing, .params = {db_int(1)}};
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, &bad), ERR_OK);
        submit_hits(e, &good, 3, 1);
        CU_ASSERT(waiter_wait(&bad, i + 1) && waiter_wait(&good, i + 1));
    }
    db_engine_free(e);
    CU_ASSERT_EQUAL(bad.by_err[ERR_DB_FAULT], 3);
    CU_ASSERT_EQUAL(good.by_err[ERR_OK], 3);
}

struct heard {
    atomic_int open;
    atomic_int numbered;
    atomic_int bursts;
};

static void on_wake(void *arg, const char *topic, size_t len)
{
    struct heard *h = arg;
    if (len == 4 && memcmp(topic, "open", 4) == 0)
        h->open++;
    if (len == 4 && memcmp(topic, "n:", 2) == 0)
        h->numbered++;
}

static void on_burst_end(void *arg)
{
    struct heard *h = arg;
    h->bursts++;
}

static void wakes_and_bursts(void)
{
    struct heard h = {.open = 0};
    struct waiter w;
    struct uuid ids[50];
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.on_wake = on_wake,
                                                                       .on_wake_arg = &h,
                                                                       .on_burst_end = on_burst_end,
                                                                       .on_burst_end_arg = &h});
    waiter_init(&w);
    for (int i = 0; i < 50; i++) {
        ids[i] = uuid_new(clock_wall_ms());
        struct db_call call = put_call(&ids[i], 10 + i, NULL);
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, waiter_count, &w), ERR_OK);
    }
    CU_ASSERT(waiter_wait(&w, 50));
    db_engine_free(e);
    CU_ASSERT_EQUAL(h.open, 50);
    CU_ASSERT_EQUAL(h.numbered, 50);
    CU_ASSERT(h.bursts >= 1 && h.bursts <= 50);
}

struct keeper {
    struct waiter waiter;
    struct db_rows *rows[20];
};

static void keep_rows(void *arg, enum err e, struct db_rows *rows)
{
    struct keeper *k = arg;
    if (e == ERR_OK)
        k->rows[k->waiter.done] = db_rows_ref(rows);
    waiter_count(&k->waiter, e, rows);
}

static void kept_rows_outlive_the_engine(void)
{
    struct keeper k = {.rows = {NULL}};
    struct uuid ids[20];
    struct uuid id;
    struct db_engine *e = engine_start(uri, (struct db_engine_options){.readers = 1});
    waiter_init(&k.waiter);
    for (int i = 0; i < 20; i++) {
        ids[i] = uuid_new(clock_wall_ms());
        struct db_call call = put_call(&ids[i], i, NULL);
        CU_ASSERT_EQUAL(db_engine_submit(e, &call, keep_rows, &k), ERR_OK);
    }
    CU_ASSERT(waiter_wait(&k.waiter, 20));
    db_engine_free(e);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(k.rows[i]);
        CU_ASSERT(db_rows_uuid(k.rows[i], 0, OUTCOME_ID, &id) && uuid_equal(&id, &ids[i]));
        db_rows_unref(k.rows[i]);
    }
}

CU_MAIN_WITH(set_up, tear_down, "engine",
             {"64 threads each get their own row", sixty_four_threads_each_get_their_own_row},
             {"one bad row fails alone", one_bad_row_fails_alone},
             {"text that is no UTF-8 fails alone", text_that_is_no_utf8_fails_alone},
             {"one key never shares a batch", one_key_never_shares_a_batch},
             {"busy rows are tried again, not for ever", busy_rows_are_tried_again_not_for_ever},
             {"reads come back in order", reads_come_back_in_order},
             {"a failing read fails alone", a_failing_read_fails_alone},
             {"a batched statement that cannot be prepared fails",
              a_batched_statement_that_cannot_be_prepared_fails},
             {"wakes and bursts", wakes_and_bursts},
             {"kept rows outlive the engine", kept_rows_outlive_the_engine})
