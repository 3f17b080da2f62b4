/* SPDX-License-Identifier: Apache-2.0 */
/* The sweeper: releases, blobs, old keys, and streams that lost their messages. */
#include "tests/support/bazaar.h"
#include "tests/support/cu.h"

#include <stdio.h>

#include "server/core/log.h"
#include "tests/support/pg.h"

enum { PRICE = 1000000 };
static struct bazaar m;
static const char *const unstaker = "00000000-0000-7000-8000-000000aa0001";

static int open_market(void)
{
    char redis[256];
    log_setup("test", LOG_ERROR, 1);
    snprintf(redis, sizeof redis, "unix:%s", test_redis_path());
    static char address[256];
    snprintf(address, sizeof address, "%s", redis);
    return bazaar_open(&m, address) ? 0 : 1;
}

static int close_market(void)
{
    bazaar_close(&m);
    return 0;
}

static void done(void)
{
    CU_ASSERT_EQUAL(bazaar_violations(&m), 0);
}

/* Calls a function of the API for one person with one row of further arguments. */
#define CALL(person, function, ...)                                                                \
    bazaar_text(&m,                                                                                \
                "SELECT status FROM " function "(ARRAY['%s'::uuid], ARRAY['%s'::uuid], "           \
                "ARRAY[NULL::text], ARRAY[t_hash()], " __VA_ARGS__ ")",                            \
                bazaar_entity(person), bazaar_entity(person))

static void test_stake_leaves_after_its_delay(void)
{
    CU_ASSERT_STRING_EQUAL(CALL(17, "unstake",
                                "ARRAY['00000000-0000-7000-8000-000000aa0001'::uuid], "
                                "ARRAY[5000::bigint], ARRAY['test']"),
                           "ok");
    int64_t before = bazaar_sql(&m, "SELECT ledger_balance('%s', 'available')", bazaar_entity(17));
    sweeper_run(&m.worker);
    CU_ASSERT_EQUAL(
        bazaar_sql(&m, "SELECT released_at IS NULL FROM unbondings WHERE id = '%s'", unstaker), 1);
    bazaar_sql(&m, "UPDATE unbondings SET due_at = requested_at WHERE id = '%s'", unstaker);
    bazaar_sql(&m, "UPDATE work SET due_at = clock_timestamp() WHERE subject_id = '%s'", unstaker);
    sweeper_run(&m.worker);
    sweeper_run(&m.worker);
    CU_ASSERT_EQUAL(bazaar_sql(&m, "SELECT ledger_balance('%s', 'available')", bazaar_entity(17)),
                    before + 5000);
    CU_ASSERT_EQUAL(bazaar_sql(&m, "SELECT count(*) FROM work WHERE subject_id = '%s'", unstaker),
                    0);
    done();
}

static void test_pledge_is_released(void)
{
    CU_ASSERT_STRING_EQUAL(CALL(1, "node_unreserve",
                                "ARRAY['00000000-0000-7000-8000-000000aa0002'::uuid], "
                                "ARRAY[(SELECT id FROM nodes WHERE entity_id = "
                                "'00000000-0000-7000-8000-000000010001')], ARRAY[700::bigint], "
                                "ARRAY['test']"),
                           "ok");
    bazaar_sql(&m, "UPDATE unbondings SET due_at = requested_at");
    bazaar_sql(&m, "UPDATE work SET due_at = clock_timestamp()");
    sweeper_run(&m.worker);
    CU_ASSERT_EQUAL(bazaar_sql(&m, "SELECT sum(releasing_gwei) FROM pledges"), 0);
    done();
}

static void upload(const char *id, const char *digest_of)
{
    bazaar_sql(&m,
               "INSERT INTO blobs (id, entity_id, digest, size_bytes, state, created_at) "
               "VALUES ('%s', '%s', sha256('%s'), 6, 'checking', clock_timestamp())",
               id, bazaar_entity(0), digest_of);
    bazaar_sql(&m, "INSERT INTO blob_parts VALUES ('%s', 0, 'abc'), ('%s', 1, 'def')", id, id);
    bazaar_sql(&m, "SELECT work_ask('blob', '%s', clock_timestamp())", id);
}

static void test_blobs_are_checked(void)
{
    static const char *const good = "00000000-0000-7000-8000-000000bb0001";
    static const char *const bad = "00000000-0000-7000-8000-000000bb0002";
    upload(good, "abcdef");
    upload(bad, "something else");
    sweeper_run(&m.worker);
    CU_ASSERT_STRING_EQUAL(bazaar_text(&m, "SELECT state FROM blobs WHERE id = '%s'", good),
                           "complete");
    CU_ASSERT_STRING_EQUAL(bazaar_text(&m, "SELECT state FROM blobs WHERE id = '%s'", bad), "bad");
    CU_ASSERT_EQUAL(bazaar_sql(&m, "SELECT count(*) FROM work WHERE job = 'blob'"), 0);
    done();
}

static void test_old_keys_expire(void)
{
    bazaar_sql(&m,
               "INSERT INTO idempotency (entity_id, operation, key, body_hash, at) VALUES "
               "('%s', 'x', 'old', t_hash(), clock_timestamp() - interval '25 hours'), "
               "('%s', 'x', 'new', t_hash(), clock_timestamp())",
               bazaar_entity(0), bazaar_entity(0));
    sweeper_run(&m.worker);
    CU_ASSERT_STRING_EQUAL(
        bazaar_text(&m, "SELECT string_agg(key, ',') FROM idempotency WHERE operation = 'x'"),
        "new");
}

static void test_work_goes_through_the_stream(void)
{
    static const struct bazaar_terms plain = {"test", PRICE, 1, 3600000, 1};
    int task = bazaar_post(&m, &plain);
    int64_t depth = -1;
    bazaar_sql(&m, "UPDATE work SET due_at = clock_timestamp() WHERE subject_id = '%s'",
               bazaar_task(task));
    sweeper_run(&m.worker);
    CU_ASSERT_EQUAL(queue_depth(m.worker.queue, "auction", &depth), ERR_OK);
    CU_ASSERT_EQUAL(depth, 1);
    auction_run(&m.worker);
    CU_ASSERT_EQUAL(queue_depth(m.worker.queue, "auction", &depth), ERR_OK);
    CU_ASSERT_EQUAL(depth, 0);
    CU_ASSERT(
        bazaar_until(&m, "SELECT state = 'expired' FROM tasks WHERE id = '%s'", bazaar_task(task)));
    done();
}

static void test_whole_life_through_redis(void)
{
    static const struct bazaar_terms plain = {"test", PRICE, 1, 3600000, 1};
    int task = bazaar_post(&m, &plain);
    bazaar_bid(&m, task, 1, 300000);
    CU_ASSERT(
        bazaar_until(&m, "SELECT state = 'paid' FROM tasks WHERE id = '%s'", bazaar_task(task)));
    done();
}

CU_MAIN_WITH(open_market, close_market, "sweeper",
             {"stake leaves after its delay", test_stake_leaves_after_its_delay},
             {"pledge is released", test_pledge_is_released},
             {"blobs are checked", test_blobs_are_checked},
             {"old keys expire", test_old_keys_expire},
             {"work goes through the stream", test_work_goes_through_the_stream},
             {"whole life through redis", test_whole_life_through_redis})
