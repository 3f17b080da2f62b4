/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, pledges, blobs and policies. */
#include <stdlib.h>

#include "tests/support/cu.h"
#include "tests/support/market.h"
#include "tests/support/pg.h"

static char uri[256];
static PGconn *db;
static struct actor alice;
static struct actor bob;

static int open_db(void)
{
    db = market_db(uri, sizeof uri);
    market_actor(db, &alice, 0, 100 * CYS);
    market_actor(db, &bob, 0, 100 * CYS);
    return 0;
}

static int close_db(void)
{
    PQfinish(db);
    test_db_drop(uri);
    return 0;
}

#define EXPECT(answer, wanted) CU_ASSERT_STRING_EQUAL((answer).status, wanted)

static struct answer enroll(const struct actor *a, const char *idem, const uint8_t *node_key,
                            const char *name)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, idem, name);
    struct node_register_args n = {market_id_new(), name, node_key, "gpu",
                                   "zk.groth16",    true, false,    "{\"cores\":4}"};
    sql_node_register(&c, &who, &n);
    return sqlt_call(db, &c);
}

static void test_a_node_is_its_key(void)
{
    struct answer first = enroll(&alice, "n1", market_hash("machine"), "one");
    EXPECT(first, "ok");
    CU_ASSERT_TRUE(enroll(&alice, "n1", market_hash("machine"), "one").replayed);
    EXPECT(enroll(&alice, "n1", market_hash("machine"), "other"), "idempotency_mismatch");
    struct answer renamed = enroll(&alice, "n2", market_hash("machine"), "renamed");
    CU_ASSERT_TRUE(uuid_equal(&renamed.id, &first.id));
    CU_ASSERT_STRING_EQUAL(
        sqlt_text(db, "SELECT name FROM nodes WHERE id = '%s'", market_id(&first.id)), "renamed");
    EXPECT(enroll(&bob, NULL, market_hash("machine"), "mine"), "conflict");
    EXPECT(enroll(&bob, NULL, market_hash("x"), "-bad"), "bad_field");
}

static struct answer on_node(const char *what, const struct actor *a, const struct uuid *node,
                             int64_t amount_gwei)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, NULL, "");
    struct node_unreserve_args u = {market_id_new(), *node, amount_gwei, "development"};
    if (strcmp(what, "heartbeat") == 0)
        sql_node_heartbeat(&c, &who, node, amount_gwei != 0);
    else if (strcmp(what, "reserve") == 0)
        sql_node_reserve(&c, &who, node, amount_gwei);
    else if (strcmp(what, "unreserve") == 0)
        sql_node_unreserve(&c, &who, &u);
    else
        sql_node_retire(&c, &who, node);
    return sqlt_call(db, &c);
}

static void test_a_heartbeat_is_seen(void)
{
    struct uuid missing = market_id_new();
    sqlt_exec(db, "UPDATE nodes SET last_seen_at = NULL WHERE id = '%s'", market_id(&bob.node));
    EXPECT(on_node("heartbeat", &bob, &bob.node, 1), "ok");
    CU_ASSERT_EQUAL(sqlt_int(db,
                             "SELECT count(*) FROM nodes WHERE id = '%s' AND draining AND "
                             "last_seen_at > clock_timestamp() - interval '1 min'",
                             market_id(&bob.node)),
                    1);
    EXPECT(on_node("heartbeat", &bob, &bob.node, 0), "ok");
    EXPECT(on_node("heartbeat", &alice, &bob.node, 0), "forbidden");
    EXPECT(on_node("heartbeat", &alice, &missing, 0), "not_found");
}

static void test_pledges_never_exceed_the_stake(void)
{
    struct actor c;
    struct answer u;
    market_actor(db, &c, 0, 100 * CYS); /* 1 CYS is pledged */
    EXPECT(on_node("reserve", &c, &c.node, 99 * CYS), "ok");
    EXPECT(on_node("reserve", &c, &c.node, 1), "insufficient_reserve");
    EXPECT(on_node("reserve", &c, &c.node, 0), "amount_range");
    EXPECT(on_node("reserve", &alice, &c.node, 1), "forbidden");
    u = on_node("unreserve", &c, &c.node, 40 * CYS);
    EXPECT(u, "ok");
    CU_ASSERT_PTR_NOT_NULL(strstr(u.detail, "\"releasing_gwei\" : 40000000000"));
    EXPECT(on_node("unreserve", &c, &c.node, 61 * CYS), "insufficient_reserve");
    EXPECT(on_node("reserve", &c, &c.node, 1), "insufficient_reserve"); /* still being released */
    CU_ASSERT_EQUAL(market_violations(db, 0, true), 0);
    struct db_call call;
    struct sql_caller who = market_caller(&c, NULL, "");
    struct unstake_args all = {market_id_new(), 1, "development"};
    sql_unstake(&call, &who, &all);
    EXPECT(sqlt_call(db, &call), "insufficient_reserve");
    sqlt_exec(db, "UPDATE unbondings SET requested_at = requested_at - interval '1 day', "
                  "due_at = due_at - interval '1 day'");
    sqlt_exec(db, "SELECT w_unbond(id) FROM work WHERE job = 'unbond'");
    EXPECT(sqlt_call(db, &call), "ok");
    all = (struct unstake_args){market_id_new(), 1, "no-such-policy"};
    sql_unstake(&call, &who, &all);
    EXPECT(sqlt_call(db, &call), "unknown_policy");
    CU_ASSERT_EQUAL(market_violations(db, 0, true), 0);
}

static void test_a_retired_node_is_out(void)
{
    struct actor c;
    market_actor(db, &c, 0, 10 * CYS);
    EXPECT(on_node("retire", &alice, &c.node, 0), "forbidden");
    struct answer first = on_node("retire", &c, &c.node, 0);
    struct answer again = on_node("retire", &c, &c.node, 0);
    EXPECT(first, "ok");
    EXPECT(again, "ok");
    CU_ASSERT_STRING_EQUAL(first.at, again.at);
    EXPECT(on_node("heartbeat", &c, &c.node, 0), "node_retired");
    EXPECT(on_node("reserve", &c, &c.node, 1), "node_retired");
    EXPECT(on_node("unreserve", &c, &c.node, CYS), "ok"); /* its pledge still comes back */
    EXPECT(enroll(&c, NULL, c.node_key, "again"), "node_retired");
}

static struct answer blob(const struct actor *a, const char *text, int64_t size)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, NULL, "");
    struct blob_create_args b = {market_id_new(), market_hash(text), size};
    sql_blob_create(&c, &who, &b);
    return sqlt_call(db, &c);
}

static struct answer part(const struct actor *a, const struct uuid *id, int64_t index,
                          const char *data, size_t len)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, NULL, "");
    struct blob_part_args p = {*id, index, {(const uint8_t *)data, len}};
    sql_blob_part(&c, &who, &p);
    return sqlt_call(db, &c);
}

static struct answer complete(const struct actor *a, const struct uuid *id)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, NULL, "");
    sql_blob_complete(&c, &who, id);
    return sqlt_call(db, &c);
}

static void test_a_blob_is_resumable(void)
{
    enum { PART = 1048576 };
    char *data = calloc(1, PART);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    struct answer b = blob(&alice, "big", PART + 5);
    struct answer again = blob(&alice, "big", PART + 5);
    EXPECT(b, "ok");
    CU_ASSERT_TRUE(uuid_equal(&b.id, &again.id));
    struct answer other = blob(&bob, "big", PART + 5);
    CU_ASSERT_FALSE(uuid_equal(&b.id, &other.id)); /* nobody learns what others have */
    EXPECT(part(&alice, &b.id, 0, data, PART - 1), "bad_field");
    EXPECT(part(&alice, &b.id, 2, data, 5), "bad_field");
    EXPECT(part(&bob, &b.id, 0, data, PART), "not_found");
    EXPECT(part(&alice, &b.id, 0, data, PART), "ok");
    EXPECT(part(&alice, &b.id, 1, "wrong", 5), "ok");
    EXPECT(part(&alice, &b.id, 1, "right", 5), "ok"); /* resent */
    EXPECT(complete(&bob, &b.id), "not_found");
    EXPECT(complete(&alice, &b.id), "ok");
    CU_ASSERT_STRING_EQUAL(complete(&alice, &b.id).status, "ok");
    CU_ASSERT_EQUAL(sqlt_int(db,
                             "SELECT count(*) FROM work WHERE job = 'blob' AND subject_id = "
                             "'%s'",
                             market_id(&b.id)),
                    1);
    EXPECT(part(&alice, &b.id, 1, "right", 5), "ok");
    EXPECT(part(&alice, &b.id, 1, "wrong", 5), "conflict");
    free(data);
}

static void test_a_blob_that_lacks_a_part_is_incomplete(void)
{
    struct answer b = blob(&alice, "small", 5);
    EXPECT(complete(&alice, &b.id), "blob_incomplete");
    EXPECT(blob(&alice, "none", 0), "bad_field");
    EXPECT(blob(&alice, "huge", INT64_C(268435457)), "bad_field");
}

static void test_a_bad_blob_is_taken_up_again(void)
{
    struct answer b = blob(&alice, "torn", 4);
    EXPECT(part(&alice, &b.id, 0, "turn", 4), "ok");
    EXPECT(complete(&alice, &b.id), "ok");
    sqlt_exec(db, "UPDATE blobs SET state = 'bad' WHERE id = '%s'", market_id(&b.id));
    EXPECT(complete(&alice, &b.id), "blob_hash_mismatch");
    EXPECT(part(&alice, &b.id, 0, "torn", 4), "blob_hash_mismatch");
    EXPECT(blob(&alice, "torn", 4), "ok");
    EXPECT(part(&alice, &b.id, 0, "torn", 4), "ok");
    EXPECT(complete(&alice, &b.id), "ok");
}

static struct answer policy(const struct actor *a, const char *patch)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, NULL, "");
    struct policy_create_args p = {market_id_new(), NULL};
    p.body = sqlt_text(db,
                       "SELECT to_jsonb(p) - 'id' - 'version' - 'created_at' || '%s' "
                       "FROM policies p WHERE name = 'development'",
                       patch);
    sql_policy_create(&c, &who, &p);
    return sqlt_call(db, &c);
}

static void test_operators_write_policies(void)
{
    struct actor op;
    market_actor(db, &op, 0, 0);
    EXPECT(policy(&op, "{\"name\":\"mine\"}"), "forbidden");
    sqlt_exec(db, "SELECT operator_grant('%s')", market_id(&op.entity));
    struct answer first = policy(&op, "{\"name\":\"mine\"}");
    EXPECT(first, "ok");
    CU_ASSERT_PTR_NOT_NULL(strstr(first.detail, "\"version\" : 1"));
    struct answer second = policy(&op, "{\"name\":\"mine\",\"bidding_ms\":3000}");
    CU_ASSERT_PTR_NOT_NULL(strstr(second.detail, "\"version\" : 2"));
    EXPECT(policy(&op, "{\"name\":\"mine\",\"fee_ppm\":500001}"), "bad_field");
    EXPECT(policy(&op, "{\"name\":\"mine\",\"fee_ppm\":null}"), "bad_field");
    EXPECT(policy(&op, "{\"name\":\"mine\",\"colour\":1}"), "bad_field");
    EXPECT(policy(&op, "{\"name\":\"mine\",\"fee_ppm\":\"much\"}"), "bad_field");
    EXPECT(policy(&op, "{\"name\":\"mine\",\"rung_quorums\":[5]}"), "bad_field");
    CU_ASSERT_EQUAL(sqlt_int(db, "SELECT count(*) FROM policies WHERE name = 'mine'"), 2);
    CU_ASSERT_STRING_EQUAL(sqlt_state(db, "UPDATE policies SET fee_ppm = 0"), "42501");
}

CU_MAIN_WITH(open_db, close_db, "sql/nodes", {"a node is its key", test_a_node_is_its_key},
             {"a heartbeat is seen", test_a_heartbeat_is_seen},
             {"pledges never exceed the stake", test_pledges_never_exceed_the_stake},
             {"a retired node is out", test_a_retired_node_is_out},
             {"a blob is resumable", test_a_blob_is_resumable},
             {"a blob that lacks a part is incomplete",
              test_a_blob_that_lacks_a_part_is_incomplete},
             {"a bad blob is taken up again", test_a_bad_blob_is_taken_up_again},
             {"operators write policies", test_operators_write_policies})
