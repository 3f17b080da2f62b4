/* SPDX-License-Identifier: Apache-2.0 */
/* Many sessions at once: on one account, one key, one task, and against the closer. */
#include <pthread.h>
#include <stdlib.h>

#include "tests/support/cu.h"
#include "tests/support/market.h"
#include "tests/support/pg.h"

enum { SESSIONS = 64, TRIES_MAX = 200 };

static char uri[256];
static PGconn *db;
static struct actor requester;
static struct actor provider;

static int64_t deadlocks(void);

static int open_db(void)
{
    db = market_db(uri, sizeof uri);
    market_actor(db, &requester, 1000 * CYS, 0);
    market_actor(db, &provider, 0, 1000 * CYS);
    return 0;
}

static int close_db(void)
{
    SQLT_CHECK(deadlocks() == 0);
    SQLT_CHECK(market_violations(db, 0, true) == 0);
    PQfinish(db);
    test_db_drop(uri);
    return 0;
}

/* One call by each of the sessions; the answers come back in calls' order. */
struct session {
    pthread_t thread;
    pthread_barrier_t *start;
    struct db_call call;
    struct answer answer;
    bool failed;
};

static bool is_retry(const char *state)
{
    return strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0;
}

static void *run_session(void *arg)
{
    struct session *s = arg;
    PGconn *own = PQconnectdb(uri);
    s->failed = PQstatus(own) != CONNECTION_OK;
    pthread_barrier_wait(s->start);
    for (int i = 0; !s->failed && i < TRIES_MAX; i++) {
        const char *state = sqlt_batch(own, &s->call, 1, &s->answer);
        s->failed = state[0] != '\0' && !is_retry(state);
        if (state[0] == '\0' && strcmp(s->answer.status, "busy") != 0)
            break;
    }
    PQfinish(own);
    return NULL;
}

/* A deadlock heals by retrying, but it costs a second: the order of locks must not allow one. */
static int64_t deadlocks(void)
{
    return sqlt_int(db, "SELECT deadlocks FROM pg_stat_database WHERE datname = "
                        "current_database()");
}

static void run_all(struct session *sessions, int count)
{
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, (unsigned)count);
    for (int i = 0; i < count; i++) {
        sessions[i].start = &start;
        SQLT_CHECK(pthread_create(&sessions[i].thread, NULL, run_session, &sessions[i]) == 0);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(sessions[i].thread, NULL);
        CU_ASSERT_FALSE(sessions[i].failed);
    }
    pthread_barrier_destroy(&start);
}

static int count_status(const struct session *s, int count, const char *status)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        n += strcmp(s[i].answer.status, status) == 0;
    return n;
}

static struct session *sessions_new(void)
{
    struct session *s = calloc(SESSIONS, sizeof *s);
    SQLT_CHECK(s != NULL);
    return s;
}

static void test_one_account_is_never_overspent(void)
{
    struct actor a;
    struct session *s = sessions_new();
    market_actor(db, &a, 10 * CYS, 0);
    struct sql_caller who = market_caller(&a, NULL, "");
    for (int i = 0; i < SESSIONS; i++) {
        struct amount_args m = {market_id_new(), CYS};
        sql_stake(&s[i].call, &who, &m);
    }
    run_all(s, SESSIONS);
    CU_ASSERT_EQUAL(count_status(s, SESSIONS, "ok"), 10);
    CU_ASSERT_EQUAL(count_status(s, SESSIONS, "insufficient_funds"), SESSIONS - 10);
    CU_ASSERT_EQUAL(market_balance(db, &a, "available"), 0);
    CU_ASSERT_EQUAL(market_balance(db, &a, "reserve"), 10 * CYS);
    free(s);
}

static void test_one_key_does_one_thing(void)
{
    struct actor a;
    int replayed = 0;
    struct session *s = sessions_new();
    market_actor(db, &a, 0, 0);
    struct sql_caller who = market_caller(&a, "the key", "body");
    for (int i = 0; i < SESSIONS; i++) {
        struct amount_args m = {market_id_new(), CYS};
        sql_faucet(&s[i].call, &who, &m);
    }
    run_all(s, SESSIONS);
    CU_ASSERT_EQUAL(count_status(s, SESSIONS, "ok"), SESSIONS);
    for (int i = 0; i < SESSIONS; i++) {
        replayed += s[i].answer.replayed;
        CU_ASSERT_TRUE(uuid_equal(&s[i].answer.id, &s[0].answer.id));
    }
    CU_ASSERT_EQUAL(replayed, SESSIONS - 1);
    CU_ASSERT_EQUAL(market_balance(db, &a, "available"), CYS);
    free(s);
}

static void bind_bid(struct db_call *c, const struct actor *a, const struct uuid *task)
{
    static const uint8_t signature[SIG_BYTES] = {1};
    struct sql_caller who = market_caller(a, NULL, "");
    struct bid_create_args bid = {.id = market_id_new(),
                                  .task_id = *task,
                                  .node_id = a->node,
                                  .commitment = market_hash("c"),
                                  .signature = signature,
                                  .node_key = a->node_key};
    sql_bid_create(c, &who, &bid);
}

static void test_one_task_takes_revisions_in_order(void)
{
    struct task_create_args args = market_task_args();
    struct uuid task = market_task(db, &requester, &args);
    int64_t before = market_balance(db, &provider, "reserve");
    struct session *s = sessions_new();
    for (int i = 0; i < SESSIONS; i++)
        bind_bid(&s[i].call, &provider, &task);
    run_all(s, SESSIONS);
    CU_ASSERT_EQUAL(count_status(s, SESSIONS, "ok"), SESSIONS);
    CU_ASSERT_EQUAL(
        sqlt_int(db, "SELECT max(revision) FROM bids WHERE task_id = '%s'", market_id(&task)),
        SESSIONS);
    CU_ASSERT_EQUAL(before - market_balance(db, &provider, "reserve"), CYS / 20);
    free(s);
}

static void test_cancels_agree(void)
{
    struct task_create_args args = market_task_args();
    struct uuid task = market_task(db, &requester, &args);
    struct sql_caller who = market_caller(&requester, NULL, "");
    struct session *s = sessions_new();
    for (int i = 0; i < SESSIONS; i++)
        sql_task_cancel(&s[i].call, &who, &task);
    run_all(s, SESSIONS);
    CU_ASSERT_EQUAL(count_status(s, SESSIONS, "ok"), SESSIONS);
    for (int i = 1; i < SESSIONS; i++)
        CU_ASSERT_STRING_EQUAL(s[i].answer.at, s[0].answer.at);
    CU_ASSERT_EQUAL(sqlt_int(db,
                             "SELECT count(*) FROM events WHERE kind = 'cancel_requested' AND "
                             "task_id = '%s'",
                             market_id(&task)),
                    1);
    free(s);
}

/* A closer holds the task while the window ends: a bid that arrives meanwhile is told to come back,
 * and then it is too late, whatever the clock said when it arrived. */
static void test_a_bid_that_waited_is_late(void)
{
    struct task_create_args args = market_task_args();
    struct uuid task = market_task(db, &requester, &args);
    struct db_call c;
    PGconn *closer = sqlt_open(uri);
    sqlt_exec(closer,
              "BEGIN; SELECT 1 FROM tasks WHERE id = '%s' FOR UPDATE; UPDATE tasks SET created_at "
              "= created_at - interval '1 h', closes_at = clock_timestamp() WHERE id = '%s'",
              market_id(&task), market_id(&task));
    bind_bid(&c, &provider, &task);
    CU_ASSERT_STRING_EQUAL(sqlt_call(db, &c).status, "busy");
    sqlt_exec(closer, "COMMIT");
    CU_ASSERT_STRING_EQUAL(sqlt_call(db, &c).status, "window_closed");
    PQfinish(closer);
}

/* Bids in flight while the closer takes the task: it sees every admitted bid, or the bid is late.
 */
static void test_bids_and_the_closer_agree(void)
{
    struct task_create_args args = market_task_args();
    struct session *s = sessions_new();
    struct actor *bidders = calloc(SESSIONS, sizeof *bidders);
    SQLT_CHECK(bidders != NULL);
    for (int i = 0; i < SESSIONS; i += 4)
        market_actor(db, &bidders[i], 0, 10 * CYS);
    struct uuid task = market_task(db, &requester, &args);
    for (int i = 0; i < SESSIONS; i++)
        bind_bid(&s[i].call, &bidders[i / 4 * 4], &task);
    sqlt_exec(db,
              "UPDATE tasks SET created_at = created_at - interval '1 h', closes_at = "
              "clock_timestamp() + interval '150 ms' WHERE id = '%s'",
              market_id(&task));
    run_all(s, SESSIONS);
    sqlt_exec(db,
              "SELECT pg_sleep(greatest(0, extract(epoch FROM closes_at - clock_timestamp()))) "
              "FROM tasks WHERE id = '%s'",
              market_id(&task));
    int admitted = count_status(s, SESSIONS, "ok");
    CU_ASSERT_EQUAL(admitted + count_status(s, SESSIONS, "window_closed"), SESSIONS);
    CU_ASSERT_EQUAL(sqlt_int(db,
                             "SELECT count(*) FROM bids b JOIN tasks t ON t.id = b.task_id WHERE "
                             "t.id = '%s' AND b.at < t.closes_at",
                             market_id(&task)),
                    admitted);
    CU_ASSERT_EQUAL(
        sqlt_int(db, "SELECT count(*) FROM bids WHERE task_id = '%s'", market_id(&task)), admitted);
    free(bidders);
    free(s);
}

struct payer {
    pthread_t thread;
    const struct actor *from;
    const struct actor *to;
    int number;
    int failures;
};

enum { PAYERS = 8, PAYMENTS = 25 };

static void *pay_many(void *arg)
{
    struct payer *p = arg;
    PGconn *own = PQconnectdb(uri);
    for (int i = 0; i < PAYMENTS; i++) {
        char sql[512];
        snprintf(sql, sizeof sql,
                 "SELECT ledger_post(clock_timestamp(), ARRAY['pay:%d:%d'], ARRAY['pay'], "
                 "ARRAY[NULL::uuid], ARRAY[(1, '%s', 'available', nil_uuid(), -1)::ledger_entry, "
                 "(1, '%s', 'available', nil_uuid(), 1)::ledger_entry])",
                 p->number, i, market_id(&p->from->entity), market_id(&p->to->entity));
        PGresult *r = PQexec(own, sql);
        p->failures += PQresultStatus(r) != PGRES_TUPLES_OK;
        PQclear(r);
    }
    PQfinish(own);
    return NULL;
}

/* Accounts that pay each other in both directions: locks are taken in one order, nobody fails. */
static void test_transfers_in_both_directions(void)
{
    struct actor a;
    struct actor b;
    struct payer payers[PAYERS];
    market_actor(db, &a, 100 * CYS, 0);
    market_actor(db, &b, 100 * CYS, 0);
    for (int i = 0; i < PAYERS; i++) {
        payers[i] = (struct payer){.from = i % 2 == 0 ? &a : &b, .to = i % 2 == 0 ? &b : &a};
        payers[i].number = i;
        SQLT_CHECK(pthread_create(&payers[i].thread, NULL, pay_many, &payers[i]) == 0);
    }
    for (int i = 0; i < PAYERS; i++) {
        pthread_join(payers[i].thread, NULL);
        CU_ASSERT_EQUAL(payers[i].failures, 0);
    }
    CU_ASSERT_EQUAL(market_balance(db, &a, "available"), 100 * CYS);
    CU_ASSERT_EQUAL(market_balance(db, &b, "available"), 100 * CYS);
    CU_ASSERT_EQUAL(sqlt_int(db, "SELECT count(*) FROM transfers WHERE kind = 'pay'"),
                    PAYERS * PAYMENTS);
}

CU_MAIN_WITH(open_db, close_db, "sql/concurrency",
             {"one account is never overspent", test_one_account_is_never_overspent},
             {"one key does one thing", test_one_key_does_one_thing},
             {"one task takes revisions in order", test_one_task_takes_revisions_in_order},
             {"cancels agree", test_cancels_agree},
             {"a bid that waited is late", test_a_bid_that_waited_is_late},
             {"bids and the closer agree", test_bids_and_the_closer_agree},
             {"transfers in both directions", test_transfers_in_both_directions})
