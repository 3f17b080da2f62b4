/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and bids: escrow, terms, windows, locks, revisions, openings, cancels. */
#include "tests/support/cu.h"
#include "tests/support/market.h"
#include "tests/support/pg.h"

static char uri[256];
static PGconn *db;
static struct actor requester;
static struct actor provider;

static int open_db(void)
{
    db = market_db(uri, sizeof uri);
    market_actor(db, &requester, 1000 * CYS, 10 * CYS);
    market_actor(db, &provider, 0, 1000 * CYS);
    return 0;
}

static int close_db(void)
{
    SQLT_CHECK(market_violations(db, 0, true) == 0);
    PQfinish(db);
    test_db_drop(uri);
    return 0;
}

#define EXPECT(answer, wanted) CU_ASSERT_STRING_EQUAL((answer).status, wanted)

static struct answer create(const struct actor *a, const char *idem,
                            const struct task_create_args *t)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, idem, t->kind);
    sql_task_create(&c, &who, t);
    return sqlt_call(db, &c);
}

static void test_a_task_takes_its_escrow_once(void)
{
    struct task_create_args t = market_task_args();
    int64_t before = market_balance(db, &requester, "available");
    t.replicas = 2;
    struct answer first = create(&requester, "t1", &t);
    EXPECT(first, "ok");
    CU_ASSERT_STRING_EQUAL(first.wake, "open work");
    t.id = market_id_new();
    struct answer again = create(&requester, "t1", &t);
    CU_ASSERT_TRUE(again.replayed && uuid_equal(&first.id, &again.id));
    CU_ASSERT_STRING_EQUAL(first.detail, again.detail);
    /* two slots and twice five seats of one percent */
    CU_ASSERT_EQUAL(before - market_balance(db, &requester, "available"), 2 * CYS + CYS / 10);
    CU_ASSERT_EQUAL(sqlt_int(db,
                             "SELECT count(*) FROM work WHERE job = 'auction' AND subject_id = "
                             "'%s'",
                             market_id(&first.id)),
                    1);
    CU_ASSERT_STRING_EQUAL(sqlt_text(db,
                                     "SELECT kind || ' ' || to_state FROM events WHERE seq = 1 AND "
                                     "task_id = '%s'",
                                     market_id(&first.id)),
                           "opened open");
}

static void test_terms_are_judged_by_the_policy(void)
{
    struct task_create_args t = market_task_args();
    int64_t n = 500001;
    t.policy_name = "nothing";
    EXPECT(create(&requester, NULL, &t), "unknown_policy");
    t = market_task_args();
    t.max_price_gwei = 0;
    EXPECT(create(&requester, NULL, &t), "amount_range");
    t.max_price_gwei = 1000000 * CYS;
    EXPECT(create(&requester, NULL, &t), "insufficient_funds");
    t.max_price_gwei = INT64_C(1000000000000000000);
    t.replicas = 16;
    EXPECT(create(&requester, NULL, &t), "amount_range");
    t = market_task_args();
    t.replicas = 17;
    EXPECT(create(&requester, NULL, &t), "bad_field");
    t = market_task_args();
    t.rank_weight_ppm = &n;
    struct answer a = create(&requester, NULL, &t);
    EXPECT(a, "bad_field");
    CU_ASSERT_PTR_NOT_NULL(strstr(a.detail, "/rank_weight_ppm"));
    t = market_task_args();
    t.sealing = "operator"; /* not offered by the policy */
    EXPECT(create(&requester, NULL, &t), "bad_field");
    t = market_task_args();
    t.deadline_ms = 61000;
    EXPECT(create(&requester, NULL, &t), "bad_field");
    t = market_task_args();
    t.allow = "not a list";
    EXPECT(create(&requester, NULL, &t), "bad_field");
    t = market_task_args();
    struct uuid blob = market_id_new();
    t.input_blob_id = &blob;
    EXPECT(create(&requester, NULL, &t), "blob_incomplete");
}

static void test_a_bid_locks_reserve_once_a_round(void)
{
    struct task_create_args args = market_task_args();
    struct uuid task = market_task(db, &requester, &args);
    int64_t before = market_balance(db, &provider, "reserve");
    struct answer first = market_bid(db, &provider, &task, CYS / 2);
    struct answer second = market_bid(db, &provider, &task, CYS / 3);
    EXPECT(first, "ok");
    EXPECT(second, "ok");
    CU_ASSERT_PTR_NOT_NULL(strstr(first.detail, "\"revision\":1"));
    CU_ASSERT_PTR_NOT_NULL(strstr(second.detail, "\"revision\":2"));
    CU_ASSERT_PTR_NOT_NULL(strstr(second.detail, "\"lock_gwei\":0"));
    CU_ASSERT_EQUAL(before - market_balance(db, &provider, "reserve"), CYS / 20);
    EXPECT(market_open(db, &provider, &task, &second.id, CYS / 3), "window_not_open");
    market_close(db, &task);
    EXPECT(market_bid(db, &provider, &task, CYS / 4), "window_closed");
    EXPECT(market_open(db, &provider, &task, &second.id, CYS / 4), "commitment_mismatch");
    EXPECT(market_open(db, &provider, &task, &first.id, CYS / 2), "conflict");
    EXPECT(market_open(db, &requester, &task, &second.id, CYS / 3), "not_found");
    struct answer opened = market_open(db, &provider, &task, &second.id, CYS / 3);
    struct answer again = market_open(db, &provider, &task, &second.id, CYS / 3);
    EXPECT(opened, "ok");
    EXPECT(again, "ok");
    CU_ASSERT_STRING_EQUAL(opened.at, again.at);
    CU_ASSERT_STRING_EQUAL(opened.wake, "work"); /* everything is open: award now */
    CU_ASSERT_EQUAL(sqlt_int(db,
                             "SELECT count(*) FROM work WHERE job = 'auction' AND subject_id = '%s'"
                             " AND due_at <= clock_timestamp()",
                             market_id(&task)),
                    1);
}

static void test_an_opening_comes_too_late(void)
{
    struct task_create_args args = market_task_args();
    struct uuid task = market_task(db, &requester, &args);
    struct answer bid = market_bid(db, &provider, &task, 5);
    market_close(db, &task);
    sqlt_exec(db, "UPDATE tasks SET opens_until = clock_timestamp() WHERE id = '%s'",
              market_id(&task));
    EXPECT(market_open(db, &provider, &task, &bid.id, 5), "window_closed");
}

static void test_who_may_bid(void)
{
    struct task_create_args args = market_task_args();
    char only[64];
    struct uuid task = market_task(db, &requester, &args);
    struct uuid missing = market_id_new();
    EXPECT(market_bid(db, &requester, &task, 1), "own_task");
    EXPECT(market_bid(db, &provider, &missing, 1), "not_found");
    struct actor sub;
    market_actor(db, &sub, 0, 100 * CYS);
    sqlt_exec(db, "UPDATE entities SET owner_id = '%s' WHERE id = '%s'",
              market_id(&requester.entity), market_id(&sub.entity));
    EXPECT(market_bid(db, &sub, &task, 1), "own_task"); /* by its beneficial owner */
    sqlt_exec(db, "UPDATE entities SET owner_id = NULL, suspended_at = now() WHERE id = '%s'",
              market_id(&sub.entity));
    EXPECT(market_bid(db, &sub, &task, 1), "suspended");
    sqlt_exec(db, "UPDATE entities SET suspended_at = NULL WHERE id = '%s'",
              market_id(&sub.entity));
    sqlt_exec(db, "UPDATE pledges SET pledged_gwei = pledged_gwei - 1 WHERE node_id = '%s'",
              market_id(&sub.node));
    EXPECT(market_bid(db, &sub, &task, 1), "node_unpledged");
    sqlt_exec(db, "UPDATE pledges SET pledged_gwei = pledged_gwei + 1 WHERE node_id = '%s'",
              market_id(&sub.node));
    sqlt_exec(db, "UPDATE nodes SET kinds = '{ai.infer}' WHERE id = '%s'", market_id(&sub.node));
    EXPECT(market_bid(db, &sub, &task, 1), "node_incapable");
    sqlt_exec(db, "UPDATE nodes SET kinds = '{mining.sha256d}', retired_at = now() WHERE id = '%s'",
              market_id(&sub.node));
    EXPECT(market_bid(db, &sub, &task, 1), "node_retired");
    sqlt_exec(db, "UPDATE nodes SET retired_at = NULL WHERE id = '%s'", market_id(&sub.node));
    struct actor wrong_key = sub;
    wrong_key.node_key[0] ^= 1;
    EXPECT(market_bid(db, &wrong_key, &task, 1), "signature_invalid");
    struct actor wrong_node = sub;
    wrong_node.node = provider.node;
    EXPECT(market_bid(db, &wrong_node, &task, 1), "not_found");
    snprintf(only, sizeof only, "%s", market_id(&provider.entity));
    args = market_task_args();
    args.allow = only;
    task = market_task(db, &requester, &args);
    EXPECT(market_bid(db, &sub, &task, 1), "not_allowed");
    EXPECT(market_bid(db, &provider, &task, 1), "ok");
    args = market_task_args();
    args.deny = only;
    task = market_task(db, &requester, &args);
    EXPECT(market_bid(db, &provider, &task, 1), "not_allowed");
    EXPECT(market_bid(db, &sub, &task, 1), "ok");
}

static void bind_bid(struct db_call *c, const struct actor *a, const struct uuid *task,
                     const char *idem)
{
    static const uint8_t signature[SIG_BYTES] = {1};
    struct sql_caller who = market_caller(a, idem, "");
    struct bid_create_args bid = {.id = market_id_new(),
                                  .task_id = *task,
                                  .node_id = a->node,
                                  .commitment = market_hash("c"),
                                  .signature = signature,
                                  .node_key = a->node_key};
    sql_bid_create(c, &who, &bid);
}

/* Reserve for two locks, four bids in one batch: the third does not fit, what follows it is judged
 * again by the balance that is left. */
static void test_locks_run_along_in_a_batch(void)
{
    struct actor poor;
    struct db_call calls[4];
    struct answer out[4];
    struct task_create_args args = market_task_args();
    market_actor(db, &poor, 0, 2 * CYS);
    sqlt_exec(db, "UPDATE pledges SET pledged_gwei = %lld WHERE node_id = '%s'", (long long)CYS,
              market_id(&poor.node));
    int ok = 0;
    int busy = 0;
    int refused = 0;
    args.max_price_gwei = 20 * CYS; /* a lock of 1 CYS */
    for (int i = 0; i < 4; i++) {
        args.id = market_id_new();
        struct uuid task = market_task(db, &requester, &args);
        bind_bid(&calls[i], &poor, &task, NULL);
    }
    CU_ASSERT_STRING_EQUAL(sqlt_batch(db, calls, 4, out), "");
    for (int i = 0; i < 4; i++) {
        ok += strcmp(out[i].status, "ok") == 0;
        busy += strcmp(out[i].status, "busy") == 0;
        refused += strcmp(out[i].status, "insufficient_reserve") == 0;
        if (strcmp(out[i].status, "busy") == 0)
            EXPECT(sqlt_call(db, &calls[i]), "insufficient_reserve");
    }
    CU_ASSERT(ok == 2 && refused == 1 && busy == 1);
    CU_ASSERT_EQUAL(market_balance(db, &poor, "reserve"), 0);
}

static void test_revisions_in_one_batch_are_numbered(void)
{
    struct db_call calls[3];
    struct answer out[3];
    struct task_create_args args = market_task_args();
    struct uuid task = market_task(db, &requester, &args);
    for (int i = 0; i < 3; i++)
        bind_bid(&calls[i], &provider, &task, NULL);
    bind_bid(&calls[1], &requester, &task, NULL); /* a refusal between them takes no number */
    CU_ASSERT_STRING_EQUAL(sqlt_batch(db, calls, 3, out), "");
    EXPECT(out[0], "ok");
    EXPECT(out[1], "own_task");
    EXPECT(out[2], "ok");
    CU_ASSERT_STRING_EQUAL(
        sqlt_text(db,
                  "SELECT string_agg(revision || ':' || lock_gwei, ' ' ORDER BY revision) "
                  "FROM bids WHERE task_id = '%s'",
                  market_id(&task)),
        "1:50000000 2:0");
}

static void test_a_bid_repeats_and_mismatches(void)
{
    struct db_call c;
    struct task_create_args args = market_task_args();
    struct uuid task = market_task(db, &requester, &args);
    bind_bid(&c, &provider, &task, "bid-key");
    struct answer first = sqlt_call(db, &c);
    bind_bid(&c, &provider, &task, "bid-key");
    struct answer again = sqlt_call(db, &c);
    CU_ASSERT_TRUE(again.replayed && uuid_equal(&first.id, &again.id));
    CU_ASSERT_STRING_EQUAL(first.detail, again.detail);
    struct sql_caller who = market_caller(&provider, "bid-key", "another body");
    sql_bind_caller(&c, &sql_bid_create_stmt, &who);
    EXPECT(sqlt_call(db, &c), "idempotency_mismatch");
    CU_ASSERT_EQUAL(
        sqlt_int(db, "SELECT count(*) FROM bids WHERE task_id = '%s'", market_id(&task)), 1);
}

static void test_operator_sealing_takes_the_opening_with_the_bid(void)
{
    struct db_call c;
    struct task_create_args args = market_task_args();
    int64_t price = CYS / 2;
    args.policy_name = "development-fast";
    struct uuid task = market_task(db, &requester, &args);
    bind_bid(&c, &provider, &task, NULL);
    EXPECT(sqlt_call(db, &c), "bad_field"); /* no opening */
    static const uint8_t signature[SIG_BYTES] = {1};
    uint8_t commitment[HASH_BYTES];
    market_bid_commitment(&provider, &task, price, commitment);
    struct sql_caller who = market_caller(&provider, NULL, "");
    struct bid_create_args bid = {market_id_new(), task,   provider.node,       commitment,
                                  signature,       &price, market_hash("salt"), provider.node_key};
    sql_bid_create(&c, &who, &bid);
    EXPECT(sqlt_call(db, &c), "ok");
    price = CYS + 1;
    bid.id = market_id_new();
    sql_bid_create(&c, &who, &bid);
    EXPECT(sqlt_call(db, &c), "price_too_high");
    price = 0;
    sql_bid_create(&c, &who, &bid);
    EXPECT(sqlt_call(db, &c), "amount_range");
    CU_ASSERT_EQUAL(sqlt_int(db,
                             "SELECT count(*) FROM bids WHERE task_id = '%s' AND opened_at = at "
                             "AND price_gwei = %lld",
                             market_id(&task), (long long)(CYS / 2)),
                    1);
}

static struct answer cancel(const struct actor *a, const struct uuid *task, const char *idem)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, idem, "");
    sql_task_cancel(&c, &who, task);
    return sqlt_call(db, &c);
}

static void test_a_cancel_is_intent(void)
{
    struct task_create_args args = market_task_args();
    struct uuid task = market_task(db, &requester, &args);
    struct uuid missing = market_id_new();
    EXPECT(cancel(&provider, &task, NULL), "forbidden");
    EXPECT(cancel(&requester, &missing, NULL), "not_found");
    struct answer first = cancel(&requester, &task, "c");
    EXPECT(first, "ok");
    CU_ASSERT_TRUE(cancel(&requester, &task, "c").replayed);
    struct answer again = cancel(&requester, &task, NULL);
    EXPECT(again, "ok");
    CU_ASSERT_STRING_EQUAL(first.at, again.at);
    CU_ASSERT_EQUAL(sqlt_int(db,
                             "SELECT count(*) FROM work WHERE job = 'settle' AND subject_id = "
                             "'%s'",
                             market_id(&task)),
                    1);
    CU_ASSERT_EQUAL(sqlt_int(db,
                             "SELECT count(*) FROM events WHERE kind = 'cancel_requested' AND "
                             "task_id = '%s'",
                             market_id(&task)),
                    1);
    sqlt_exec(db, "SELECT test_settle('%s', 'cancelled')", market_id(&task));
    EXPECT(cancel(&requester, &task, NULL), "task_final");
}

static void test_an_assigned_task_is_not_cancelled(void)
{
    struct task_create_args args = market_task_args();
    struct uuid task = market_task(db, &requester, &args);
    struct answer bid = market_bid(db, &provider, &task, CYS / 2);
    market_close(db, &task);
    EXPECT(market_open(db, &provider, &task, &bid.id, CYS / 2), "ok");
    market_award(db, &task, &bid.id, 0);
    EXPECT(cancel(&requester, &task, NULL), "conflict");
}

CU_MAIN_WITH(open_db, close_db, "sql/bids",
             {"a task takes its escrow once", test_a_task_takes_its_escrow_once},
             {"terms are judged by the policy", test_terms_are_judged_by_the_policy},
             {"a bid locks reserve once a round", test_a_bid_locks_reserve_once_a_round},
             {"an opening comes too late", test_an_opening_comes_too_late},
             {"who may bid", test_who_may_bid},
             {"locks run along in a batch", test_locks_run_along_in_a_batch},
             {"revisions in one batch are numbered", test_revisions_in_one_batch_are_numbered},
             {"a bid repeats and mismatches", test_a_bid_repeats_and_mismatches},
             {"operator sealing takes the opening with the bid",
              test_operator_sealing_takes_the_opening_with_the_bid},
             {"a cancel is intent", test_a_cancel_is_intent},
             {"an assigned task is not cancelled", test_an_assigned_task_is_not_cancelled})
