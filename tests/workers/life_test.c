/* SPDX-License-Identifier: Apache-2.0 */
/* A task from its auction to its settlement, the good way and every way that fails. */
#include "tests/support/cu.h"
#include "tests/support/bazaar.h"

#include "server/core/log.h"
#include "sql/worker_statements.h"

enum { PRICE = 1000000 };
static struct bazaar m;
static const struct bazaar_terms plain = {"test", PRICE, 1, 3600000, 1};

static int open_market(void)
{
    log_setup("test", LOG_ERROR, 1);
    if (!bazaar_open(&m, NULL))
        return 1;
    bazaar_sql(&m, "SELECT t_policy('test-quick', 'test', '{\"reveal_ms\":200}')");
    return m.failed;
}

static int close_market(void)
{
    bazaar_close(&m);
    return 0;
}

static bool ends(int task, const char *state)
{
    return bazaar_until(&m, "SELECT state = '%s' FROM tasks WHERE id = '%s'", state,
                        bazaar_task(task));
}

static int64_t settled(int task, const char *column)
{
    return bazaar_sql(&m, "SELECT %s FROM settlements WHERE task_id = '%s'", column,
                      bazaar_task(task));
}

static int64_t slashed(int task, const char *reason)
{
    return bazaar_sql(&m, "SELECT count(*) FROM slashes WHERE task_id = '%s' AND reason = '%s'",
                      bazaar_task(task), reason);
}

static int post(const struct bazaar_terms *t)
{
    bazaar_behave(&m);
    return bazaar_post(&m, t);
}

static void done(void)
{
    CU_ASSERT_EQUAL(bazaar_violations(&m), 0);
}

static void test_statements_compile(void)
{
    for (int i = 0; i < worker_statements_count; i++) {
        PGresult *r =
            PQprepare(m.sql, worker_statements[i]->name, worker_statements[i]->sql, 0, NULL);
        CU_ASSERT_EQUAL(PQresultStatus(r), PGRES_COMMAND_OK);
        PQclear(r);
    }
}

static void test_paid(void)
{
    int task = post(&plain);
    bazaar_bid(&m, task, 1, 900000);
    bazaar_bid(&m, task, 2, 500000);
    bazaar_bid(&m, task, 3, 700000);
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_STRING_EQUAL(
        bazaar_text(&m, "SELECT entity_id FROM jobs WHERE task_id = '%s'", bazaar_task(task)),
        bazaar_entity(2));
    CU_ASSERT_EQUAL(settled(task, "provider_gwei"), 475000);
    CU_ASSERT_EQUAL(settled(task, "fee_gwei"), 25000);
    CU_ASSERT(settled(task, "verifier_gwei") >= 50000);
    CU_ASSERT_EQUAL(
        bazaar_sql(&m, "SELECT unwitnessed FROM tasks WHERE id = '%s'", bazaar_task(task)), 0);
    CU_ASSERT_EQUAL(bazaar_sql(&m, "SELECT code FROM tasks WHERE id = '%s'", bazaar_task(task)),
                    100);
    done();
}

static void test_no_bids_expires(void)
{
    int task = post(&plain);
    CU_ASSERT(ends(task, "expired"));
    CU_ASSERT_EQUAL(settled(task, "refund_gwei"), settled(task, "escrow_gwei"));
    CU_ASSERT_EQUAL(bazaar_sql(&m, "SELECT code FROM tasks WHERE id = '%s'", bazaar_task(task)),
                    40);
    done();
}

static void test_no_bids_reopens_within_bounds(void)
{
    struct bazaar_terms t = plain;
    t.rounds = 2;
    int task = post(&t);
    CU_ASSERT(bazaar_until(&m, "SELECT round = 2 FROM tasks WHERE id = '%s'", bazaar_task(task)));
    bazaar_bid(&m, task, 1, 400000);
    CU_ASSERT(ends(task, "paid"));
    done();
}

static void test_unopened_bid_loses_its_lock(void)
{
    int task = post(&plain);
    bazaar_bid(&m, task, 1, 300000);
    bazaar_bid(&m, task, 2, 600000);
    m.people[1].opens = false;
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(slashed(task, "unopened"), 1);
    CU_ASSERT_EQUAL(settled(task, "provider_gwei"), 570000);
    done();
}

static void test_cancel_before_bids_is_free(void)
{
    int task = post(&plain);
    bazaar_sql(&m, "SELECT t_cancel('%s')", bazaar_task(task));
    CU_ASSERT(ends(task, "cancelled"));
    CU_ASSERT_EQUAL(settled(task, "refund_gwei"), settled(task, "escrow_gwei"));
    done();
}

static void test_cancel_after_bids_pays_bidders(void)
{
    int task = post(&plain);
    bazaar_bid(&m, task, 1, 300000);
    bazaar_bid(&m, task, 2, 600000);
    bazaar_sql(&m, "SELECT t_cancel('%s')", bazaar_task(task));
    CU_ASSERT(ends(task, "cancelled"));
    CU_ASSERT_EQUAL(settled(task, "provider_gwei"), 10000);
    done();
}

static void test_decline_is_taken_over(void)
{
    int task = post(&plain);
    bazaar_bid(&m, task, 1, 300000);
    bazaar_bid(&m, task, 2, 600000);
    m.people[1].works = WORKS_DECLINES;
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(settled(task, "provider_gwei"), 570000);
    CU_ASSERT_EQUAL(slashed(task, "no_show"), 1);
    done();
}

static void test_lapsed_lease_is_taken_over(void)
{
    int task = post(&plain);
    bazaar_bid(&m, task, 1, 300000);
    bazaar_bid(&m, task, 2, 600000);
    m.people[1].works = WORKS_NOT;
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(slashed(task, "no_show"), 1);
    CU_ASSERT_EQUAL(
        bazaar_sql(&m, "SELECT max(fence) FROM jobs WHERE task_id = '%s'", bazaar_task(task)), 2);
    /* the requester is made whole for the dearer takeover */
    CU_ASSERT_EQUAL(bazaar_sql(&m,
                               "SELECT sum(e.amount_gwei) FROM entries e JOIN transfers t ON "
                               "t.id = e.transfer_id JOIN ledger_accounts a ON a.id = e.account_id "
                               "WHERE t.task_id = '%s' AND t.kind = 'slash' AND "
                               "a.kind = 'available' AND a.owner = '%s'",
                               bazaar_task(task), bazaar_entity(PERSON_REQUESTER)),
                    300000);
    done();
}

static void test_committed_and_not_revealed_lapses(void)
{
    struct bazaar_terms t = plain;
    t.policy = "test-quick"; /* a short window to reveal in */
    int task = post(&t);
    bazaar_bid(&m, task, 1, 300000);
    bazaar_bid(&m, task, 2, 600000);
    m.people[1].works = WORKS_COMMITS_ONLY;
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(slashed(task, "no_show"), 1);
    done();
}

static void test_wrong_result_is_refused(void)
{
    int task = post(&plain);
    bazaar_bid(&m, task, 1, 300000);
    bazaar_bid(&m, task, 2, 600000);
    m.people[1].works = WORKS_WRONG;
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(slashed(task, "wrong_result"), 1);
    CU_ASSERT_EQUAL(bazaar_sql(&m,
                               "SELECT count(*) FROM rungs r JOIN jobs j ON j.id = r.job_id "
                               "WHERE j.task_id = '%s' AND j.state = 'wrong'",
                               bazaar_task(task)),
                    0);
    done();
}

static void test_nobody_left_is_refunded(void)
{
    int task = post(&plain);
    bazaar_bid(&m, task, 1, 300000);
    m.people[1].works = WORKS_WRONG;
    CU_ASSERT(ends(task, "refunded"));
    CU_ASSERT_EQUAL(settled(task, "refund_gwei"), settled(task, "escrow_gwei"));
    done();
}

static void test_nobody_left_reopens_once(void)
{
    struct bazaar_terms t = plain;
    t.rounds = 2;
    int task = post(&t);
    bazaar_bid(&m, task, 1, 300000);
    m.people[1].works = WORKS_NOT;
    CU_ASSERT(bazaar_until(&m, "SELECT round = 2 FROM tasks WHERE id = '%s'", bazaar_task(task)));
    bazaar_bid(&m, task, 2, 500000);
    CU_ASSERT(ends(task, "paid"));
    done();
}

static void test_deadline_passed_is_refunded(void)
{
    int task = post(&plain);
    for (int i = 1; i < 4; i++) {
        bazaar_bid(&m, task, i, 300000);
        m.people[i].works = WORKS_NOT;
    }
    CU_ASSERT(bazaar_until(&m, "SELECT state = 'assigned' FROM tasks WHERE id = '%s'",
                           bazaar_task(task)));
    bazaar_sql(&m, "UPDATE tasks SET deadline_at = clock_timestamp() WHERE id = '%s'",
               bazaar_task(task));
    CU_ASSERT(ends(task, "refunded"));
    CU_ASSERT_EQUAL(settled(task, "refund_gwei"), settled(task, "escrow_gwei"));
    CU_ASSERT_EQUAL(slashed(task, "no_show"), 1);
    done();
}

static void test_replicas_of_distinct_entities(void)
{
    struct bazaar_terms t = plain;
    t.replicas = 3;
    int task = post(&t);
    for (int i = 1; i <= 4; i++)
        bazaar_bid(&m, task, i, 200000 + 100000 * i);
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(bazaar_sql(&m,
                               "SELECT count(DISTINCT entity_id) FROM jobs WHERE task_id = '%s' "
                               "AND state = 'paid'",
                               bazaar_task(task)),
                    3);
    done();
}

static void test_replicas_with_one_lapse(void)
{
    struct bazaar_terms t = plain;
    t.replicas = 2;
    int task = post(&t);
    for (int i = 1; i <= 4; i++)
        bazaar_bid(&m, task, i, 200000 + 100000 * i);
    m.people[1].works = WORKS_NOT;
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(slashed(task, "no_show"), 1);
    done();
}

static void test_too_few_bids_for_the_replicas(void)
{
    struct bazaar_terms t = plain;
    t.replicas = 2;
    int task = post(&t);
    bazaar_bid(&m, task, 1, 200000);
    CU_ASSERT(ends(task, "expired"));
    done();
}

static void test_cysic_preset(void)
{
    struct bazaar_terms t = {"test-cysic", PRICE, 3, 3600000, 1};
    int task = post(&t);
    bazaar_bid(&m, task, 1, 400000);
    bazaar_bid(&m, task, 2, 300000);
    bazaar_bid(&m, task, 3, 500000);
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_STRING_EQUAL(
        bazaar_text(&m,
                    "SELECT string_agg(price_gwei::text, ',' ORDER BY slot) FROM jobs "
                    "WHERE task_id = '%s'",
                    bazaar_task(task)),
        "400000,400000");
    CU_ASSERT_EQUAL(settled(task, "provider_gwei"), 640000);
    CU_ASSERT(settled(task, "verifier_gwei") > 159900 && settled(task, "verifier_gwei") <= 160000);
    done();
}

static void test_skipped_without_reserve(void)
{
    int task = post(&plain);
    bazaar_bid(&m, task, 1, 300000);
    bazaar_bid(&m, task, 2, 600000);
    /* the bond is half of the price: leave provider 1 less than that */
    bazaar_sql(&m,
               "SELECT ledger_post(clock_timestamp(), ARRAY['drain'], ARRAY['drain'], "
               "ARRAY[NULL::uuid], ARRAY[(1, '%s', 'reserve', nil_uuid(), -x)::ledger_entry, "
               "(1, '%s', 'unbonding', nil_uuid(), x)::ledger_entry]) "
               "FROM (SELECT ledger_balance('%s', 'reserve') - 1000 AS x) b",
               bazaar_entity(1), bazaar_entity(1), bazaar_entity(1));
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_STRING_EQUAL(bazaar_text(&m,
                                       "SELECT verdict FROM bids WHERE task_id = '%s' AND "
                                       "entity_id = '%s'",
                                       bazaar_task(task), bazaar_entity(1)),
                           "skipped");
    CU_ASSERT_EQUAL(settled(task, "provider_gwei"), 570000);
    bazaar_sql(&m,
               "SELECT ledger_post(clock_timestamp(), ARRAY['refill'], ARRAY['refill'], "
               "ARRAY[NULL::uuid], ARRAY[(1, '%s', 'unbonding', nil_uuid(), -x)::ledger_entry, "
               "(1, '%s', 'reserve', nil_uuid(), x)::ledger_entry]) "
               "FROM (SELECT ledger_balance('%s', 'unbonding') AS x) b",
               bazaar_entity(1), bazaar_entity(1), bazaar_entity(1));
    done();
}

CU_MAIN_WITH(open_market, close_market, "a task's life",
             {"statements compile", test_statements_compile}, {"paid", test_paid},
             {"no bids expires", test_no_bids_expires},
             {"no bids reopens within bounds", test_no_bids_reopens_within_bounds},
             {"unopened bid loses its lock", test_unopened_bid_loses_its_lock},
             {"cancel before bids is free", test_cancel_before_bids_is_free},
             {"cancel after bids pays bidders", test_cancel_after_bids_pays_bidders},
             {"decline is taken over", test_decline_is_taken_over},
             {"lapsed lease is taken over", test_lapsed_lease_is_taken_over},
             {"committed and not revealed lapses", test_committed_and_not_revealed_lapses},
             {"wrong result is refused", test_wrong_result_is_refused},
             {"nobody left is refunded", test_nobody_left_is_refunded},
             {"nobody left reopens once", test_nobody_left_reopens_once},
             {"deadline passed is refunded", test_deadline_passed_is_refunded},
             {"replicas of distinct entities", test_replicas_of_distinct_entities},
             {"replicas with one lapse", test_replicas_with_one_lapse},
             {"too few bids for the replicas", test_too_few_bids_for_the_replicas},
             {"cysic preset", test_cysic_preset},
             {"skipped without reserve", test_skipped_without_reserve})
