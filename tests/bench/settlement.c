/* SPDX-License-Identifier: Apache-2.0 */
/* settlement URI COUNT CONNECTIONS: finishes COUNT open tasks the naive way, one transaction each:
 * lock the task and the two accounts, write the transfer, its entries, the balances, the settlement
 * with its line, the event and the task's state, commit. Prints "rate=N". The rows are the same as
 * the settle worker's. */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/buf.h"
#include "server/core/clock.h"
#include "server/core/ids.h"

enum { CONNECTIONS_MAX = 64, COUNT_MAX = 100000, PARAMS_MAX = 6, BATCH = 128 };

struct statement {
    const char *name;
    const char *sql;
};

static const struct statement STATEMENTS[] = {
    {"task",
     "SELECT entity_id, escrow_gwei, ledger_id(entity_id, 'available', nil_uuid()),"
     " ledger_id(entity_id, 'escrow', id) FROM tasks WHERE id = $1::uuid FOR NO KEY UPDATE"},
    {"accounts", "SELECT id FROM ledger_accounts WHERE id IN ($1::uuid, $2::uuid) ORDER BY id"
                 " FOR NO KEY UPDATE"},
    {"transfer", "INSERT INTO transfers (id, key, kind, task_id, at) VALUES ($1::uuid,"
                 " 'task:' || $2 || ':settle', 'settle', $2::uuid, clock_timestamp())"},
    {"entry", "INSERT INTO entries (transfer_id, line, account_id, amount_gwei)"
              " VALUES ($1::uuid, $2::int, $3::uuid, $4::bigint)"},
    {"balance", "UPDATE ledger_accounts SET balance_gwei = balance_gwei + $2::bigint"
                " WHERE id = $1::uuid"},
    {"settlement", "INSERT INTO settlements (task_id, outcome, reason, escrow_gwei, provider_gwei,"
                   " fee_gwei, verifier_gwei, refund_gwei, transfer_id, at) VALUES ($1::uuid,"
                   " 'cancelled', 'cancelled', $2::bigint, 0, 0, 0, $2::bigint, $3::uuid,"
                   " clock_timestamp())"},
    {"line",
     "INSERT INTO settlement_lines (task_id, line, entity_id, account_kind, amount_gwei,"
     " rule) VALUES ($1::uuid, 1, $2::uuid, 'available', $3::bigint, 'the escrow returns')"},
    {"move", "SELECT task_move($1::uuid, 'cancelled', 'cancelled', clock_timestamp())"},
    {"work", "DELETE FROM work WHERE subject_id = $1::uuid"},
    {"plain", "INSERT INTO transfers (id, key, kind, task_id, at) VALUES ($1::uuid, $1, 'faucet',"
              " NULL, clock_timestamp())"},
    {"batch", "SELECT ledger_post(clock_timestamp(), array_agg(gen_random_uuid()::text),"
              " array_agg('faucet'::text), array_agg(NULL::uuid), (SELECT array_agg(ROW(u.i, v.o,"
              " 'available', nil_uuid(), v.a)::ledger_entry) FROM unnest($1::uuid[], $2::uuid[])"
              " WITH ORDINALITY AS u(f, t, i), LATERAL (VALUES (u.f, -1), (u.t, 1)) AS v(o, a)))"
              " FROM unnest($1::uuid[])"},
};

struct naive {
    const char *uri;
    const char *mode;
    char (*ids)[UUID_TEXT_MAX]; /* tasks, or accounts to move money between */
    int id_count;
    int count;
    atomic_int next;
    atomic_int settled;
};

static void fail(const char *what)
{
    fprintf(stderr, "settlement: %s\n", what);
    exit(1);
}

static PGresult *run(PGconn *c, const char *name, const char *const params[PARAMS_MAX], int count)
{
    PGresult *r = PQexecPrepared(c, name, count, params, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail(PQerrorMessage(c));
    return r;
}

static void touch(PGconn *c, const char *name, const char *const params[PARAMS_MAX], int count)
{
    PGresult *r = run(c, name, params, count);
    if (PQresultStatus(r) == PGRES_COMMAND_OK && strcmp(PQcmdTuples(r), "0") == 0)
        fail("a statement touched nothing");
    PQclear(r);
}

static void simple(PGconn *c, const char *sql)
{
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail(PQerrorMessage(c));
    PQclear(r);
}

static void settle_one(PGconn *c, const char *task)
{
    char transfer[UUID_TEXT_MAX];
    char minus[32];
    struct uuid id = uuid_new(clock_wall_ms());
    uuid_print(&id, transfer);
    simple(c, "BEGIN");
    PGresult *r = run(c, "task", (const char *[PARAMS_MAX]){task}, 1);
    const char *entity = PQgetvalue(r, 0, 0);
    const char *amount = PQgetvalue(r, 0, 1);
    const char *available = PQgetvalue(r, 0, 2);
    const char *escrow = PQgetvalue(r, 0, 3);
    snprintf(minus, sizeof minus, "-%s", amount);
    touch(c, "accounts", (const char *[PARAMS_MAX]){available, escrow}, 2);
    touch(c, "transfer", (const char *[PARAMS_MAX]){transfer, task}, 2);
    touch(c, "entry", (const char *[PARAMS_MAX]){transfer, "1", escrow, minus}, 4);
    touch(c, "entry", (const char *[PARAMS_MAX]){transfer, "2", available, amount}, 4);
    touch(c, "balance", (const char *[PARAMS_MAX]){escrow, minus}, 2);
    touch(c, "balance", (const char *[PARAMS_MAX]){available, amount}, 2);
    touch(c, "settlement", (const char *[PARAMS_MAX]){task, amount, transfer}, 3);
    touch(c, "line", (const char *[PARAMS_MAX]){task, entity, amount}, 3);
    touch(c, "move", (const char *[PARAMS_MAX]){task}, 1);
    touch(c, "work", (const char *[PARAMS_MAX]){task}, 1);
    simple(c, "COMMIT");
    PQclear(r);
}

/* From one account to the next but one, around the circle of all. */
static const char *account(const struct naive *n, int i)
{
    return n->ids[i % n->id_count];
}

static void transfer_one(PGconn *c, const struct naive *n, int i)
{
    char transfer[UUID_TEXT_MAX];
    const char *from = account(n, i);
    const char *to = account(n, i + 2);
    struct uuid id = uuid_new(clock_wall_ms());
    uuid_print(&id, transfer);
    simple(c, "BEGIN");
    touch(c, "accounts", (const char *[PARAMS_MAX]){from, to}, 2);
    touch(c, "plain", (const char *[PARAMS_MAX]){transfer}, 1);
    touch(c, "entry", (const char *[PARAMS_MAX]){transfer, "1", from, "-1"}, 4);
    touch(c, "entry", (const char *[PARAMS_MAX]){transfer, "2", to, "1"}, 4);
    touch(c, "balance", (const char *[PARAMS_MAX]){from, "-1"}, 2);
    touch(c, "balance", (const char *[PARAMS_MAX]){to, "1"}, 2);
    simple(c, "COMMIT");
}

static void transfer_batch(PGconn *c, const struct naive *n, int first)
{
    struct buf from;
    struct buf to;
    buf_init(&from, BATCH * UUID_TEXT_MAX + 2);
    buf_init(&to, BATCH * UUID_TEXT_MAX + 2);
    for (int i = 0; i < BATCH; i++) {
        buf_addf(&from, "%c%s", i == 0 ? '{' : ',', account(n, first + i));
        buf_addf(&to, "%c%s", i == 0 ? '{' : ',', account(n, first + i + 2));
    }
    buf_adds(&from, "}");
    buf_adds(&to, "}");
    PQclear(run(c, "batch", (const char *[PARAMS_MAX]){from.data, to.data}, 2));
    buf_clear(&from);
    buf_clear(&to);
}

static PGconn *connect_to(const char *uri)
{
    PGconn *c = PQconnectdb(uri);
    if (PQstatus(c) != CONNECTION_OK)
        fail(PQerrorMessage(c));
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof STATEMENTS[0]; i++) {
        PGresult *r = PQprepare(c, STATEMENTS[i].name, STATEMENTS[i].sql, 0, NULL);
        if (PQresultStatus(r) != PGRES_COMMAND_OK)
            fail(PQerrorMessage(c));
        PQclear(r);
    }
    return c;
}

static void *work(void *arg)
{
    struct naive *n = arg;
    PGconn *c = connect_to(n->uri);
    bool batches = strcmp(n->mode, "batches") == 0;
    int step = batches ? BATCH : 1;
    for (int i = atomic_fetch_add(&n->next, step); i < n->count;
         i = atomic_fetch_add(&n->next, step)) {
        if (batches)
            transfer_batch(c, n, i);
        else if (strcmp(n->mode, "tasks") == 0)
            settle_one(c, n->ids[i]);
        else
            transfer_one(c, n, i);
        atomic_fetch_add(&n->settled, step);
    }
    PQfinish(c);
    return NULL;
}

static void load_ids(struct naive *n)
{
    char sql[256];
    bool tasks = strcmp(n->mode, "tasks") == 0;
    bool batches = strcmp(n->mode, "batches") == 0;
    PGconn *c = connect_to(n->uri);
    if (tasks)
        snprintf(sql, sizeof sql,
                 "SELECT id FROM tasks WHERE state = 'open' AND cancel_requested_at IS NULL"
                 " ORDER BY id LIMIT %d",
                 n->count);
    else /* ledger_post names accounts by their owner */
        snprintf(sql, sizeof sql,
                 "SELECT %s FROM ledger_accounts WHERE kind = 'available' AND balance_gwei > 10000"
                 " ORDER BY id LIMIT 1000",
                 batches ? "owner" : "id");
    PGresult *r = PQexec(c, sql);
    n->id_count = PQntuples(r);
    if (n->id_count < (tasks ? n->count : 3))
        fail("there are too few open tasks or accounts");
    for (int i = 0; i < n->id_count; i++)
        snprintf(n->ids[i], UUID_TEXT_MAX, "%s", PQgetvalue(r, i, 0));
    PQclear(r);
    PQfinish(c);
}

int main(int argc, char **argv)
{
    static struct naive n;
    pthread_t threads[CONNECTIONS_MAX];
    int connections = argc == 5 ? (int)strtol(argv[4], NULL, 10) : 0;
    if (connections < 1 || connections > CONNECTIONS_MAX)
        fail("usage: settlement MODE URI COUNT CONNECTIONS");
    n.mode = argv[1];
    n.uri = argv[2];
    n.count = (int)strtol(argv[3], NULL, 10);
    n.ids = n.count < 1 || n.count > COUNT_MAX ? NULL : calloc(COUNT_MAX, sizeof *n.ids);
    if (n.ids == NULL)
        fail("COUNT is out of range");
    load_ids(&n);
    int64_t start_us = clock_mono_us();
    for (int i = 0; i < connections; i++) {
        if (pthread_create(&threads[i], NULL, work, &n) != 0)
            fail("no thread");
    }
    for (int i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    printf("rate=%.1f\n", (double)n.settled * 1e6 / (double)(clock_mono_us() - start_us));
    free(n.ids);
    return 0;
}
