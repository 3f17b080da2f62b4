/* SPDX-License-Identifier: Apache-2.0 */
/* Rows per second through the engine, one call each, against what libpq does when it is handed
 * whole batches of 128 on one connection; and reads one by one against pipelined. Prints `bench
 * NAME ours=.. naive=.. ratio=..` as the median of paired rounds. */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/db/encode.h"
#include "server/db/engine.h"
#include "tests/support/pg.h"

enum { ROUNDS = 5, ROUND_MS = 700, BATCH = 128, OUTSTANDING = 256 };

static const char SCHEMA[] =
    "CREATE TABLE rows (id uuid PRIMARY KEY, task uuid NOT NULL, price bigint NOT NULL,"
    " note text NOT NULL, digest bytea NOT NULL);"
    "CREATE FUNCTION put(p_id uuid[], p_task uuid[], p_price bigint[], p_note text[],"
    " p_digest bytea[]) RETURNS TABLE (ord int, status text, id uuid, at timestamptz, detail text,"
    " replayed boolean, wake text) LANGUAGE plpgsql AS $$\n#variable_conflict use_column\n"
    "DECLARE v_at timestamptz := clock_timestamp(); BEGIN"
    " INSERT INTO rows SELECT * FROM unnest(p_id, p_task, p_price, p_note, p_digest);"
    " RETURN QUERY SELECT u.ord::int, 'ok', u.id, v_at, NULL::text, false, NULL::text"
    "  FROM unnest(p_id) WITH ORDINALITY AS u(id, ord);"
    "END $$";

static const struct db_stmt PUT = {
    .name = "put",
    .sql = "SELECT ord, status, id, at, detail, replayed, wake FROM put($1, $2, $3, $4, $5)",
    .mode = DB_BATCH,
    .param_count = 5,
    .params = {DB_UUID, DB_UUID, DB_INT, DB_TEXT, DB_BYTES}};
static const struct db_stmt GET = {.name = "get",
                                   .sql = "SELECT task, price FROM rows WHERE id = $1",
                                   .mode = DB_READ,
                                   .param_count = 1,
                                   .params = {DB_UUID}};

static const uint8_t DIGEST[HASH_BYTES] = {1, 2, 3};

static struct db_call put_call(void)
{
    struct uuid id = uuid_new(clock_wall_ms());
    return (struct db_call){.stmt = &PUT,
                            .params = {db_uuid(&id), db_uuid(&id), db_int(1000), db_text("a bid"),
                                       db_bytes(DIGEST, sizeof DIGEST)}};
}

/* ---- ours: OUTSTANDING callers, each submitting again when it is answered ---------------------
 */
struct pump {
    struct db_engine *engine;
    bool reading;
    struct uuid id; /* of some stored row */
    atomic_bool stop;
    atomic_int running;
    atomic_long answered;
    atomic_long failed;
};

static void again(void *arg, enum err e, struct db_rows *rows)
{
    struct pump *p = arg;
    if (rows != NULL)
        atomic_fetch_add(e == ERR_OK ? &p->answered : &p->failed, 1);
    struct db_call call = put_call();
    if (p->reading)
        call = (struct db_call){.stmt = &GET, .params = {db_uuid(&p->id)}};
    if (atomic_load(&p->stop) || db_engine_submit(p->engine, &call, again, p) != ERR_OK)
        atomic_fetch_sub(&p->running, 1);
}

static double ours(struct db_engine *e, bool reading, struct uuid id)
{
    struct pump p = {.engine = e, .reading = reading, .id = id, .running = OUTSTANDING};
    for (int i = 0; i < OUTSTANDING; i++)
        again(&p, ERR_OK, NULL);
    int64_t start = clock_mono_us();
    usleep(ROUND_MS * 1000);
    long n = atomic_load(&p.answered);
    double seconds = (double)(clock_mono_us() - start) / 1e6;
    atomic_store(&p.stop, true);
    while (atomic_load(&p.running) > 0)
        usleep(1000);
    if (atomic_load(&p.failed) > 0)
        fprintf(stderr, "%ld calls failed\n", atomic_load(&p.failed));
    return (double)n / seconds;
}

/* ---- by hand ----------------------------------------------------------------------------------
 */
static void must(PGconn *c, PGresult *r)
{
    if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK) {
        fprintf(stderr, "%s\n", PQerrorMessage(c));
        exit(1);
    }
    PQclear(r);
}

static double by_hand_writes(PGconn *c)
{
    static struct db_call calls[BATCH];
    const struct db_value *params[BATCH];
    struct encoded p;
    struct buf scratch;
    long n = 0;
    buf_init(&scratch, ENCODE_MAX_BYTES);
    int64_t start = clock_mono_us();
    while (clock_mono_us() - start < ROUND_MS * 1000) {
        for (int i = 0; i < BATCH; i++) {
            calls[i] = put_call();
            params[i] = calls[i].params;
        }
        if (encode_arrays(&PUT, params, BATCH, &scratch, &p) != ERR_OK)
            exit(1);
        must(c, PQexecPrepared(c, "put", PUT.param_count, p.values, p.lengths, p.formats, 0));
        n += BATCH;
    }
    buf_clear(&scratch);
    return (double)n / ((double)(clock_mono_us() - start) / 1e6);
}

static double by_hand_reads(PGconn *c, struct uuid id)
{
    struct encoded p;
    const struct db_value v = db_uuid(&id);
    long n = 0;
    encode_scalars(&GET, &v, &p);
    int64_t start = clock_mono_us();
    for (; clock_mono_us() - start < ROUND_MS * 1000; n++)
        must(c, PQexecPrepared(c, "get", 1, p.values, p.lengths, p.formats, 0));
    return (double)n / ((double)(clock_mono_us() - start) / 1e6);
}

static void prepare(PGconn *c, const struct db_stmt *s)
{
    Oid types[DB_PARAMS_MAX];
    encode_types(s, s->mode == DB_BATCH, types);
    must(c, PQprepare(c, s->name, s->sql, s->param_count, types));
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double v[ROUNDS])
{
    qsort(v, ROUNDS, sizeof v[0], by_value);
    return v[ROUNDS / 2];
}

static void report(const char *name, double a[ROUNDS], double b[ROUNDS])
{
    double ratio[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        ratio[i] = a[i] / b[i];
    double x = median(a);
    double y = median(b);
    printf("bench %s ours=%.0f naive=%.0f ratio=%.2f\n", name, x, y, median(ratio));
}

static void run(struct db_engine *e, PGconn *c, struct uuid id)
{
    double writes[2][ROUNDS];
    double reads[2][ROUNDS];
    ours(e, false, id); /* prepares and warms up */
    for (int i = 0; i < ROUNDS; i++) {
        writes[0][i] = ours(e, false, id);
        writes[1][i] = by_hand_writes(c);
        reads[0][i] = ours(e, true, id);
        reads[1][i] = by_hand_reads(c, id);
    }
    report("engine_rows_vs_unnest_128", writes[0], writes[1]);
    report("engine_reads_vs_one_by_one", reads[0], reads[1]);
}

int main(int argc, char **argv)
{
    char uri[256];
    struct db_engine *e = NULL;
    struct uuid id = uuid_new(clock_wall_ms());
    log_setup("bench", LOG_WARN, 1);
    if (argc > 1)
        snprintf(uri, sizeof uri, "%s", argv[1]);
    else if (test_db_create_empty(uri, sizeof uri) != 0)
        return 1;
    PGconn *c = PQconnectdb(uri);
    must(c, PQexec(c, SCHEMA));
    prepare(c, &PUT);
    prepare(c, &GET);
    const struct db_engine_options o = {
        .uri = uri, .readers = 1, .batch_max = BATCH, .queue_max = 10000, .timeout_ms = 10000};
    if (db_engine_new(&o, &e) != ERR_OK)
        return 1;
    run(e, c, id);
    db_engine_free(e);
    must(c, PQexec(c, "DROP FUNCTION put; DROP TABLE rows"));
    PQfinish(c);
    if (argc == 1)
        test_db_drop(uri);
    return 0;
}
