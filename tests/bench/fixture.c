/* SPDX-License-Identifier: Apache-2.0 */
/* fixture URI KEY_SECRET BIDDERS TASKS [REQUESTERS]: fills a migrated database with bidders that
 * may bid and tasks that take bids, through the same statements as the API, and prints what the
 * load generator needs: bidder NODE_ID NODE_KEY NODE_SECRET API_KEY task TASK_ID Every bidder's
 * node also gets one live job, so that a claim has something to find; the last bidder's has none.
 */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/key.h"
#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/db/engine.h"
#include "server/db/run.h"
#include "sql/writes.h"

enum {
    BIDDERS_MAX = 4096,
    TASKS_MAX = 100000,
    REQUESTERS_MAX = 1000,
    STAKE_GWEI = 1000000000,
    IDEM_MAX = 64
};
#define RICH_GWEI INT64_C(100000000000000)

struct bidder {
    struct uuid account;
    struct uuid key;
    struct uuid node;
    uint8_t node_key[PUBKEY_BYTES];
    uint8_t node_secret[crypto_sign_SECRETKEYBYTES];
};

struct fixture {
    struct db_engine *engine;
    const char *secret;
    int bidder_count;
    int requester_count;
    int task_count;
    struct bidder *bidders; /* then the requesters */
    struct uuid *tasks;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int waiting;
    int failed;
};

static const uint8_t ZERO_HASH[HASH_BYTES];

static void fail(const char *what)
{
    fprintf(stderr, "fixture: %s\n", what);
    exit(1);
}

static void answered(void *arg, enum err e, struct db_rows *rows)
{
    struct fixture *f = arg;
    bool ok = e == ERR_OK && strcmp(db_rows_text(rows, 0, OUTCOME_STATUS), "ok") == 0;
    if (!ok && rows != NULL)
        fprintf(stderr, "fixture: refused: %s %s\n", db_rows_text(rows, 0, OUTCOME_STATUS),
                db_rows_text(rows, 0, OUTCOME_DETAIL));
    pthread_mutex_lock(&f->lock);
    f->waiting--;
    f->failed += !ok;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void submit(struct fixture *f, const struct db_call *call)
{
    pthread_mutex_lock(&f->lock);
    f->waiting++;
    pthread_mutex_unlock(&f->lock);
    if (db_engine_submit(f->engine, call, answered, f) != ERR_OK)
        fail("the engine takes no more calls");
}

static void settle(struct fixture *f, const char *what)
{
    pthread_mutex_lock(&f->lock);
    while (f->waiting > 0)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
    if (f->failed > 0)
        fail(what);
}

/* Each call has a key of its own; the text must live until settle. */
static char *idem(const char *what, int i)
{
    char *text = malloc(IDEM_MAX);
    if (text == NULL)
        fail("no memory");
    snprintf(text, IDEM_MAX, "bench-%s-%016d", what, i);
    return text;
}

static struct sql_caller caller(const struct bidder *b, const char *what, int i)
{
    return (struct sql_caller){b->account, b->key, idem(what, i), ZERO_HASH};
}

static void make_accounts(struct fixture *f)
{
    for (int i = 0; i < f->bidder_count + f->requester_count; i++) {
        struct bidder *b = &f->bidders[i];
        uint8_t secret[KEY_SECRET_BYTES];
        uint8_t *hash = malloc(HASH_BYTES);
        struct db_call call = {.dedupe = 0};
        const struct sql_caller nobody = {.idem = idem("account", i), .hash = ZERO_HASH};
        b->account = uuid_new(clock_wall_ms());
        b->key = uuid_new(clock_wall_ms());
        b->node = uuid_new(clock_wall_ms());
        crypto_sign_keypair(b->node_key, b->node_secret);
        key_secret(f->secret, &b->key, secret);
        key_secret_hash(secret, hash);
        const struct account_create_args a = {b->account, "bench", b->key, hash, SCOPES_OWNER};
        sql_account_create(&call, &nobody, &a);
        submit(f, &call);
    }
    settle(f, "accounts");
}

static void make_money(struct fixture *f)
{
    struct db_call call = {.dedupe = 0};
    for (int i = 0; i < f->bidder_count + f->requester_count; i++) {
        const struct sql_caller who = caller(&f->bidders[i], "faucet", i);
        const struct amount_args a = {uuid_new(clock_wall_ms()),
                                      i >= f->bidder_count ? RICH_GWEI : 2 * STAKE_GWEI};
        sql_faucet(&call, &who, &a);
        submit(f, &call);
    }
    settle(f, "faucet");
    for (int i = 0; i < f->bidder_count; i++) {
        const struct sql_caller who = caller(&f->bidders[i], "stake", i);
        const struct amount_args a = {uuid_new(clock_wall_ms()), 2 * STAKE_GWEI};
        sql_stake(&call, &who, &a);
        submit(f, &call);
    }
    settle(f, "stake");
}

static void make_nodes(struct fixture *f)
{
    struct db_call call = {.dedupe = 0};
    for (int i = 0; i < f->bidder_count; i++) {
        const struct bidder *b = &f->bidders[i];
        const struct sql_caller who = caller(b, "node", i);
        const struct node_register_args a = {b->node,          "bench", b->node_key, "cpu",
                                             "mining.sha256d", true,    false,       "{}"};
        sql_node_register(&call, &who, &a);
        submit(f, &call);
    }
    settle(f, "nodes");
    for (int i = 0; i < f->bidder_count; i++) {
        const struct bidder *b = &f->bidders[i];
        const struct sql_caller who = caller(b, "pledge", i);
        sql_node_reserve(&call, &who, &b->node, STAKE_GWEI);
        submit(f, &call);
    }
    settle(f, "pledges");
}

static void make_tasks(struct fixture *f)
{
    struct db_call call = {.dedupe = 0};
    for (int i = 0; i < f->task_count; i++) {
        const struct sql_caller who =
            caller(&f->bidders[f->bidder_count + i % f->requester_count], "task", i);
        static const int64_t bidding_ms = 3600 * 1000;
        f->tasks[i] = uuid_new(clock_wall_ms());
        const struct task_create_args a = {
            .id = f->tasks[i],
            .kind = "mining.sha256d",
            .kind_version = 1,
            .policy_name = "development",
            .input = "{}",
            .input_hash = ZERO_HASH,
            .hardware_class = "any",
            .work_units = 1,
            .unit = "hash",
            .max_price_gwei = 1000000,
            .replicas = 1,
            .bidding_ms = &bidding_ms,
            .deadline_ms = 3 * bidding_ms,
            .rounds_max = 1,
        };
        sql_task_create(&call, &who, &a);
        submit(f, &call);
    }
    settle(f, "tasks");
}

/* Awards are the auction worker's business; a claim only reads the row. */
static void make_jobs(struct fixture *f, const char *uri)
{
    struct db_conn *c = NULL;
    char sql[1024];
    snprintf(sql, sizeof sql,
             "SET session_replication_role = replica;"
             "INSERT INTO jobs (id, task_id, slot, fence, round, bid_id, entity_id, node_id,"
             " price_gwei, bond_gwei, state, awarded_at, lease_until)"
             " SELECT gen_random_uuid(), t.id, 0, 1, 1, gen_random_uuid(), n.entity_id, n.id, 1, 1,"
             " 'assigned', now(), now() + interval '1 hour'"
             " FROM (SELECT *, row_number() OVER (ORDER BY id) AS i FROM nodes) n"
             " JOIN (SELECT *, row_number() OVER (ORDER BY id) AS i FROM tasks) t USING (i)"
             " WHERE i < %d; RESET session_replication_role; ANALYZE",
             f->bidder_count);
    if (db_conn_open(uri, "fixture", &c) != ERR_OK || db_script(c, sql) != DB_NO_ROW)
        fail("jobs");
    db_conn_close(c);
}

static void print_all(const struct fixture *f)
{
    for (int i = 0; i < f->bidder_count; i++) {
        const struct bidder *b = &f->bidders[i];
        char node[TYPEID_TEXT_MAX];
        char key[KEY_TEXT_MAX];
        char public_hex[2 * PUBKEY_BYTES + 1];
        char secret_hex[2 * crypto_sign_SECRETKEYBYTES + 1];
        typeid_print("node", &b->node, node);
        key_print(f->secret, &b->key, key);
        hex_encode(b->node_key, PUBKEY_BYTES, public_hex);
        hex_encode(b->node_secret, sizeof b->node_secret, secret_hex);
        printf("bidder %s %s %s %s\n", node, public_hex, secret_hex, key);
    }
    for (int i = 0; i < f->task_count; i++) {
        char task[TYPEID_TEXT_MAX];
        typeid_print("task", &f->tasks[i], task);
        printf("task %s\n", task);
    }
}

int main(int argc, char **argv)
{
    struct fixture f = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    log_setup("fixture", LOG_WARN, 1);
    if (argc < 5 || sodium_init() < 0)
        fail("usage: fixture URI KEY_SECRET BIDDERS TASKS [REQUESTERS]");
    f.secret = argv[2];
    f.bidder_count = (int)strtol(argv[3], NULL, 10);
    f.task_count = (int)strtol(argv[4], NULL, 10);
    f.requester_count = argc > 5 ? (int)strtol(argv[5], NULL, 10) : 1;
    if (f.bidder_count < 1 || f.bidder_count > BIDDERS_MAX || f.task_count < f.bidder_count ||
        f.task_count > TASKS_MAX || f.requester_count < 1 || f.requester_count > REQUESTERS_MAX)
        fail("out of range");
    f.bidders = calloc((size_t)f.bidder_count + (size_t)f.requester_count, sizeof *f.bidders);
    f.tasks = calloc((size_t)f.task_count, sizeof *f.tasks);
    const struct db_engine_options o = {
        .uri = argv[1], .readers = 1, .batch_max = 256, .queue_max = 200000, .timeout_ms = 60000};
    if (f.bidders == NULL || f.tasks == NULL || db_engine_new(&o, &f.engine) != ERR_OK)
        fail("cannot start");
    make_accounts(&f);
    make_money(&f);
    make_nodes(&f);
    make_tasks(&f);
    db_engine_free(f.engine);
    make_jobs(&f, argv[1]);
    print_all(&f);
    free(f.tasks);
    free(f.bidders);
    return 0;
}
