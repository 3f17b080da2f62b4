/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/market.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/domain/protocol.h"
#include "server/workload/workload.h"
#include "tests/support/pg.h"

enum { BUFFERS = 16, FILE_MAX = 256 * 1024, INVARIANT_TIMED = 21 };

/* The whole of a file below the repository, or the end of the program. */
static char *read_file(const char *path)
{
    char *text = calloc(1, FILE_MAX);
    FILE *f = fopen(path, "r");
    if (f == NULL || text == NULL) {
        fprintf(stderr, "%s cannot be read; run the test in the repository\n", path);
        exit(1);
    }
    text[fread(text, 1, FILE_MAX - 1, f)] = '\0';
    fclose(f);
    return text;
}

PGconn *market_db(char *uri, size_t cap)
{
    if (test_db_create(uri, cap) != 0)
        exit(1);
    PGconn *db = sqlt_open(uri);
    char *sql = read_file("tests/support/market.sql");
    PGresult *r = PQexec(db, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
        fprintf(stderr, "%s", PQresultErrorMessage(r));
        exit(1);
    }
    PQclear(r);
    free(sql);
    return db;
}

struct uuid market_id_new(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return uuid_new((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

const char *market_id(const struct uuid *id)
{
    static _Thread_local char buffers[BUFFERS][UUID_TEXT_MAX];
    static _Thread_local int next;
    next = (next + 1) % BUFFERS;
    uuid_print(id, buffers[next]);
    return buffers[next];
}

const uint8_t *market_hash(const char *text)
{
    static _Thread_local uint8_t buffers[BUFFERS][HASH_BYTES];
    static _Thread_local int next;
    next = (next + 1) % BUFFERS;
    hash_plain(text, strlen(text), buffers[next]);
    return buffers[next];
}

struct sql_caller market_caller(const struct actor *a, const char *idem, const char *body)
{
    return (struct sql_caller){a->entity, a->key, idem, market_hash(body)};
}

static void expect_ok(PGconn *db, const struct db_call *call)
{
    struct answer a = sqlt_call(db, call);
    if (strcmp(a.status, "ok") != 0)
        fprintf(stderr, "%s: %s %s\n", call->stmt->name, a.status, a.detail);
    SQLT_CHECK(strcmp(a.status, "ok") == 0);
}

static void add_node(PGconn *db, struct actor *a)
{
    struct sql_caller who = market_caller(a, NULL, "");
    struct db_call c;
    struct node_register_args node = {market_id_new(),
                                      "node",
                                      a->node_key,
                                      "cpu",
                                      "mining.sha256d,mining.scrypt,zk.groth16",
                                      true,
                                      true,
                                      "{}"};
    a->node = node.id;
    sql_node_register(&c, &who, &node);
    expect_ok(db, &c);
    sql_node_heartbeat(&c, &who, &a->node, false);
    expect_ok(db, &c);
    sql_node_reserve(&c, &who, &a->node, CYS);
    expect_ok(db, &c);
}

void market_actor(PGconn *db, struct actor *a, int64_t available_gwei, int64_t stake_gwei)
{
    struct db_call c;
    memset(a, 0, sizeof *a);
    struct sql_caller nobody = {{{0}}, {{0}}, NULL, market_hash("")};
    struct account_create_args account = {market_id_new(), "actor", market_id_new(),
                                          market_hash("secret"), 255};
    sql_account_create(&c, &nobody, &account);
    expect_ok(db, &c);
    a->entity = account.id;
    a->key = account.key_id;
    hash_plain(a->entity.b, UUID_BYTES, a->node_key);
    struct sql_caller who = market_caller(a, NULL, "");
    struct amount_args money = {market_id_new(), available_gwei + stake_gwei};
    sql_faucet(&c, &who, &money);
    if (money.amount_gwei > 0)
        expect_ok(db, &c);
    if (stake_gwei == 0)
        return;
    struct amount_args stake = {market_id_new(), stake_gwei};
    sql_stake(&c, &who, &stake);
    expect_ok(db, &c);
    add_node(db, a);
}

int64_t market_balance(PGconn *db, const struct actor *a, const char *kind)
{
    return sqlt_int(db, "SELECT ledger_balance('%s', '%s')", market_id(&a->entity), kind);
}

struct task_create_args market_task_args(void)
{
    static const int64_t bidding_ms = 60000;
    return (struct task_create_args){.id = market_id_new(),
                                     .kind = "mining.sha256d",
                                     .kind_version = 1,
                                     .policy_name = "development",
                                     .input = "{}",
                                     .input_hash = market_hash("{}"),
                                     .hardware_class = "any",
                                     .work_units = 1000,
                                     .unit = "hashes",
                                     .max_price_gwei = CYS,
                                     .replicas = 1,
                                     .bidding_ms = &bidding_ms,
                                     .deadline_ms = 600000,
                                     .rounds_max = 1};
}

struct uuid market_task(PGconn *db, const struct actor *requester,
                        const struct task_create_args *args)
{
    struct db_call c;
    struct sql_caller who = market_caller(requester, NULL, "");
    sql_task_create(&c, &who, args);
    expect_ok(db, &c);
    return args->id;
}

void market_bid_commitment(const struct actor *a, const struct uuid *task, int64_t price_gwei,
                           uint8_t out[HASH_BYTES])
{
    struct protocol_bid b = {
        .market_id = MARKET_ID, .task = *task, .entity = a->entity, .node = a->node};
    b.price_gwei = price_gwei;
    memcpy(b.salt, market_hash("salt"), sizeof b.salt);
    protocol_bid_commitment(&b, out);
}

struct answer market_bid(PGconn *db, const struct actor *a, const struct uuid *task,
                         int64_t price_gwei)
{
    struct db_call c;
    uint8_t commitment[HASH_BYTES];
    uint8_t signature[SIG_BYTES] = {1};
    struct sql_caller who = market_caller(a, NULL, "");
    market_bid_commitment(a, task, price_gwei, commitment);
    struct bid_create_args bid = {.id = market_id_new(),
                                  .task_id = *task,
                                  .node_id = a->node,
                                  .commitment = commitment,
                                  .signature = signature,
                                  .node_key = a->node_key};
    sql_bid_create(&c, &who, &bid);
    return sqlt_call(db, &c);
}

struct answer market_open(PGconn *db, const struct actor *a, const struct uuid *task,
                          const struct uuid *bid, int64_t price_gwei)
{
    struct db_call c;
    uint8_t commitment[HASH_BYTES];
    struct sql_caller who = market_caller(a, NULL, "");
    market_bid_commitment(a, task, price_gwei, commitment);
    struct bid_open_args open = {*bid, price_gwei, market_hash("salt"), commitment, *task, a->node};
    sql_bid_open(&c, &who, &open);
    return sqlt_call(db, &c);
}

void market_close(PGconn *db, const struct uuid *task)
{
    const char *id = market_id(task);
    sqlt_exec(db,
              "BEGIN; SET LOCAL session_replication_role = replica; "
              "UPDATE bids SET at = at - interval '60 s' WHERE task_id = '%s'; "
              "UPDATE events SET at = at - interval '60 s' WHERE task_id = '%s'; "
              "UPDATE tasks SET created_at = created_at - interval '60 s', closes_at = "
              "clock_timestamp(), opens_until = clock_timestamp() + interval '60 s' "
              "WHERE id = '%s'; COMMIT",
              id, id, id);
}

struct uuid market_award(PGconn *db, const struct uuid *task, const struct uuid *bid, int slot)
{
    struct uuid job = market_id_new();
    sqlt_exec(
        db,
        "BEGIN; INSERT INTO jobs (id, task_id, slot, fence, round, bid_id, entity_id, node_id,"
        " price_gwei, bond_gwei, state, awarded_at, lease_until) SELECT '%s', task_id, %d, 1,"
        " round, id, entity_id, node_id, price_gwei, %lld, 'assigned', clock_timestamp(),"
        " clock_timestamp() + interval '60 s' FROM bids WHERE id = '%s'; "
        "SELECT test_lock('award', '%s', entity_id, task_id, bond_gwei) FROM jobs "
        "WHERE id = '%s'; "
        "SELECT test_unlock_bid(id) FROM bids WHERE task_id = '%s' AND lock_state = 'held'; "
        "UPDATE bids SET verdict = 'won', reason = 'cheapest', rank = 1 WHERE id = '%s'; "
        "SELECT task_move(id, 'assigned', 'awarded', clock_timestamp()) FROM tasks "
        "WHERE id = '%s' AND state <> 'assigned'; COMMIT",
        market_id(&job), slot, (long long)(CYS / 2), market_id(bid), market_id(&job),
        market_id(&job), market_id(task), market_id(bid), market_id(task));
    return job;
}

void market_result_commitment(const struct actor *a, const struct uuid *task, int slot, int fence,
                              const char *result, uint8_t out[HASH_BYTES])
{
    struct workload_opening o = {.task = *task, .slot = slot, .fence = fence};
    memcpy(o.node_key, a->node_key, sizeof o.node_key);
    memcpy(o.salt, market_hash("salt"), sizeof o.salt);
    memcpy(o.result_digest, market_hash(result), sizeof o.result_digest);
    workload_commitment(&o, out);
}

void market_deliver(PGconn *db, const struct actor *a, const struct uuid *task,
                    const struct uuid *job, const char *result)
{
    struct db_call c;
    uint8_t commitment[HASH_BYTES];
    uint8_t signature[SIG_BYTES] = {2};
    struct sql_caller who = market_caller(a, NULL, "");
    market_result_commitment(a, task, 0, 1, result, commitment);
    struct job_commit_args commit = {{*job, 1}, commitment, signature, a->node_key};
    sql_job_commit(&c, &who, &commit);
    expect_ok(db, &c);
    struct job_reveal_args reveal = {.job = {*job, 1},
                                     .commitment = commitment,
                                     .salt = market_hash("salt"),
                                     .digest = market_hash(result),
                                     .result = {(const uint8_t *)result, strlen(result)},
                                     .task_id = *task,
                                     .node_key = a->node_key};
    sql_job_reveal(&c, &who, &reveal);
    expect_ok(db, &c);
}

struct uuid market_rung(PGconn *db, const struct uuid *task, const struct uuid *job,
                        const struct actor *who, int count, struct uuid *seats)
{
    struct uuid rung = market_id_new();
    sqlt_exec(
        db,
        "INSERT INTO rungs (id, task_id, job_id, slot, fence, rung, seat_count, quorum, final,"
        " seed, snapshot, snapshot_root, drawn_at, commit_until, reveal_until) "
        "SELECT '%s', task_id, id, slot, fence, 1, %d, %d, false, sha256('seed'), '[]', "
        "sha256('root'), clock_timestamp(), clock_timestamp() + interval '60 s', "
        "clock_timestamp() + interval '120 s' FROM jobs WHERE id = '%s'",
        market_id(&rung), count, count, market_id(job));
    for (int i = 0; i < count; i++) {
        seats[i] = market_id_new();
        sqlt_exec(db,
                  "BEGIN; INSERT INTO seats (id, rung_id, task_id, entity_id, node_id, weight, "
                  "seated_at, commit_until) VALUES ('%s', '%s', '%s', '%s', '%s', 1, "
                  "clock_timestamp(), clock_timestamp() + interval '60 s'); "
                  "UPDATE rungs SET snapshot = snapshot || jsonb_build_object('entity', '%s', "
                  "'units', 1000) WHERE id = '%s'; "
                  "SELECT test_lock('seat', '%s', '%s', '%s', %lld); COMMIT",
                  market_id(&seats[i]), market_id(&rung), market_id(task),
                  market_id(&who[i].entity), market_id(&who[i].node), market_id(&who[i].entity),
                  market_id(&rung), market_id(&seats[i]), market_id(&who[i].entity),
                  market_id(task), (long long)CYS);
    }
    sqlt_exec(db, "SELECT task_move('%s', 'verifying', 'drawn', clock_timestamp())",
              market_id(task));
    return rung;
}

void market_vote_commitment(const struct actor *a, const struct uuid *task, const struct uuid *seat,
                            bool yes, uint8_t out[HASH_BYTES])
{
    struct protocol_vote v = {.task = *task, .fence = 1, .rung = 1, .seat = *seat, .yes = yes};
    memcpy(v.node_key, a->node_key, sizeof v.node_key);
    memcpy(v.salt, market_hash("salt"), sizeof v.salt);
    protocol_vote_commitment(&v, out);
}

struct answer market_vote_commit(PGconn *db, const struct actor *a, const struct uuid *task,
                                 const struct uuid *seat, bool yes)
{
    struct db_call c;
    uint8_t commitment[HASH_BYTES];
    uint8_t signature[SIG_BYTES] = {3};
    struct sql_caller who = market_caller(a, NULL, "");
    market_vote_commitment(a, task, seat, yes, commitment);
    struct vote_commit_args commit = {*seat, commitment, signature, a->node_key};
    sql_vote_commit(&c, &who, &commit);
    return sqlt_call(db, &c);
}

struct answer market_vote_reveal(PGconn *db, const struct actor *a, const struct uuid *task,
                                 const struct uuid *seat, bool yes)
{
    struct db_call c;
    uint8_t commitment[HASH_BYTES];
    struct sql_caller who = market_caller(a, NULL, "");
    market_vote_commitment(a, task, seat, yes, commitment);
    struct vote_reveal_args reveal = {*seat, yes, "seen", market_hash("salt"), commitment, *task,
                                      0,     1,   1,      a->node_key};
    sql_vote_reveal(&c, &who, &reveal);
    return sqlt_call(db, &c);
}

static int count_rows(const PGresult *r, int invariant, bool print)
{
    int found = 0;
    for (int i = 0; i < PQntuples(r); i++) {
        int number = atoi(PQgetvalue(r, i, 0));
        bool counts = number == invariant || (invariant == 0 && number != INVARIANT_TIMED);
        found += counts;
        if (print && counts)
            fprintf(stderr, "  %d %s: %s\n", number, PQgetvalue(r, i, 1), PQgetvalue(r, i, 2));
    }
    return found;
}

int market_violations(PGconn *db, int invariant, bool print)
{
    static const char start[] = "\n-- invariant: ";
    int found = 0;
    char *text = read_file("sql/invariants.sql");
    PQclear(PQexec(db, "SET computefi.market_id = '" MARKET_ID "'"));
    for (char *q = strstr(text, start), *next; q != NULL; q = next) {
        next = strstr(q + 1, start);
        if (invariant != 0 && atoi(q + sizeof start - 1) != invariant)
            continue;
        if (next != NULL)
            *next = '\0';
        PGresult *r = PQexec(db, q);
        if (PQresultStatus(r) != PGRES_TUPLES_OK)
            fprintf(stderr, "%s", PQresultErrorMessage(r));
        SQLT_CHECK(PQresultStatus(r) == PGRES_TUPLES_OK);
        found += count_rows(r, invariant, print);
        PQclear(r);
        if (next != NULL)
            *next = '\n';
    }
    free(text);
    return found;
}
