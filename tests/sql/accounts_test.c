/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts, keys, money and stake: each write succeeds, repeats, mismatches and is refused. */
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
    return 0;
}

static int close_db(void)
{
    PQfinish(db);
    test_db_drop(uri);
    return 0;
}

static void fresh(void)
{
    market_actor(db, &alice, 1000 * CYS, 0);
    market_actor(db, &bob, 0, 0);
}

#define EXPECT(answer, wanted) CU_ASSERT_STRING_EQUAL((answer).status, wanted)

static struct answer create_account(const char *idem, const char *body, const char *name)
{
    struct db_call c;
    struct sql_caller nobody = {{{0}}, {{0}}, idem, market_hash(body)};
    struct account_create_args a = {market_id_new(), name, market_id_new(), market_hash("s"), 7};
    sql_account_create(&c, &nobody, &a);
    return sqlt_call(db, &c);
}

static void test_an_account_is_made_once_per_key(void)
{
    struct answer first = create_account("acc-1", "body", "carol");
    struct answer again = create_account("acc-1", "body", "carol");
    struct answer other = create_account("acc-1", "other body", "carol");
    EXPECT(first, "ok");
    EXPECT(again, "ok");
    CU_ASSERT_FALSE(first.replayed);
    CU_ASSERT_TRUE(again.replayed);
    CU_ASSERT_TRUE(uuid_equal(&first.id, &again.id));
    CU_ASSERT_STRING_EQUAL(first.at, again.at);
    CU_ASSERT_STRING_EQUAL(first.detail, again.detail);
    EXPECT(other, "idempotency_mismatch");
    EXPECT(create_account("acc-2", "body", "-bad name"), "bad_field");
    CU_ASSERT_EQUAL(sqlt_int(db, "SELECT count(*) FROM entities WHERE name = 'carol'"), 1);
    CU_ASSERT_EQUAL(
        sqlt_int(db, "SELECT count(*) FROM api_keys WHERE entity_id = '%s'", market_id(&first.id)),
        1);
}

static struct answer create_key(const struct actor *a, const char *idem, int64_t scopes,
                                const int64_t *expires_ms, struct uuid *id)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, idem, "key");
    struct key_create_args k = {market_id_new(), "second", market_hash("k"), scopes, expires_ms};
    sql_key_create(&c, &who, &k);
    *id = k.id;
    return sqlt_call(db, &c);
}

static struct answer revoke_key(const struct actor *a, const struct uuid *id)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, NULL, "");
    sql_key_revoke(&c, &who, id);
    return sqlt_call(db, &c);
}

static void test_keys_are_made_and_revoked(void)
{
    struct uuid id;
    struct uuid unused;
    int64_t hour = 3600000;
    fresh();
    EXPECT(create_key(&alice, "k1", 3, &hour, &id), "ok");
    struct answer again = create_key(&alice, "k1", 3, &hour, &unused);
    CU_ASSERT_TRUE(again.replayed && uuid_equal(&again.id, &id));
    EXPECT(create_key(&alice, "k2", 0x100, NULL, &unused), "forbidden"); /* a scope it lacks */
    EXPECT(revoke_key(&bob, &id), "not_found");
    struct answer first = revoke_key(&alice, &id);
    struct answer second = revoke_key(&alice, &id);
    EXPECT(first, "ok");
    EXPECT(second, "ok");
    CU_ASSERT_STRING_EQUAL(first.at, second.at);
    struct actor with_old_key = alice;
    with_old_key.key = id;
    EXPECT(create_key(&with_old_key, "k3", 1, NULL, &unused), "key_revoked");
}

static void test_an_expired_or_foreign_key_is_dead(void)
{
    struct uuid id;
    struct uuid unused;
    int64_t one = 1;
    fresh();
    EXPECT(create_key(&alice, NULL, 1, &one, &id), "ok");
    sqlt_exec(db, "UPDATE api_keys SET expires_at = clock_timestamp() WHERE id = '%s'",
              market_id(&id));
    struct actor expired = alice;
    expired.key = id;
    EXPECT(create_key(&expired, NULL, 1, NULL, &unused), "key_revoked");
    struct actor stranger = bob;
    stranger.key = alice.key;
    EXPECT(create_key(&stranger, NULL, 1, NULL, &unused), "key_revoked");
}

static void test_keys_are_limited(void)
{
    struct uuid unused;
    fresh();
    for (int i = 1; i < 100; i++)
        EXPECT(create_key(&alice, NULL, 1, NULL, &unused), "ok");
    EXPECT(create_key(&alice, NULL, 1, NULL, &unused), "limit_reached");
}

static struct answer move_amount(const struct actor *a, const char *what, const char *idem,
                                 int64_t amount_gwei)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, idem, what);
    struct amount_args m = {market_id_new(), amount_gwei};
    struct unstake_args u = {m.id, amount_gwei, "development"};
    if (strcmp(what, "faucet") == 0)
        sql_faucet(&c, &who, &m);
    else if (strcmp(what, "stake") == 0)
        sql_stake(&c, &who, &m);
    else
        sql_unstake(&c, &who, &u);
    return sqlt_call(db, &c);
}

static void test_money_moves_once_per_key(void)
{
    fresh();
    EXPECT(move_amount(&bob, "faucet", "m1", 70 * CYS), "ok");
    struct answer again = move_amount(&bob, "faucet", "m1", 70 * CYS);
    CU_ASSERT_TRUE(again.replayed);
    CU_ASSERT_EQUAL(market_balance(db, &bob, "available"), 70 * CYS);
    EXPECT(move_amount(&bob, "faucet", NULL, 0), "amount_range");
    EXPECT(move_amount(&bob, "faucet", NULL, INT64_MAX), "amount_range");
    EXPECT(move_amount(&bob, "stake", "m1", 30 * CYS), "ok"); /* keys are per operation */
    EXPECT(move_amount(&bob, "stake", NULL, 41 * CYS), "insufficient_funds");
    EXPECT(move_amount(&bob, "stake", NULL, -1), "amount_range");
    CU_ASSERT_EQUAL(market_balance(db, &bob, "available"), 40 * CYS);
    CU_ASSERT_EQUAL(market_balance(db, &bob, "reserve"), 30 * CYS);
    EXPECT(move_amount(&bob, "unstake", NULL, 31 * CYS), "insufficient_reserve");
    EXPECT(move_amount(&bob, "unstake", "m1", 10 * CYS), "ok");
    CU_ASSERT_EQUAL(market_balance(db, &bob, "unbonding"), 10 * CYS);
    CU_ASSERT_EQUAL(sqlt_int(db,
                             "SELECT total_gwei FROM stake_history WHERE entity_id = '%s' "
                             "ORDER BY at DESC LIMIT 1",
                             market_id(&bob.entity)),
                    20 * CYS);
    CU_ASSERT_EQUAL(market_violations(db, 0, true), 0);
}

static void test_an_unbonding_is_released_when_due(void)
{
    fresh();
    market_actor(db, &bob, 0, 50 * CYS);
    EXPECT(move_amount(&bob, "unstake", NULL, 20 * CYS), "ok");
    const char *work = "SELECT id FROM work WHERE job = 'unbond' ORDER BY created_at DESC LIMIT 1";
    CU_ASSERT_STRING_EQUAL(sqlt_text(db, "SELECT w_unbond((%s))", work), "f"); /* not yet */
    sqlt_exec(db, "UPDATE unbondings SET requested_at = requested_at - interval '1 day', due_at = "
                  "due_at - interval '1 day'");
    CU_ASSERT_STRING_EQUAL(sqlt_text(db, "SELECT w_unbond((%s))", work), "t");
    CU_ASSERT_EQUAL(market_balance(db, &bob, "available"), 20 * CYS);
    CU_ASSERT_EQUAL(market_balance(db, &bob, "unbonding"), 0);
    CU_ASSERT_EQUAL(market_violations(db, 0, true), 0);
}

static void test_balances_run_along_in_a_batch(void)
{
    fresh();
    struct db_call calls[4];
    struct answer out[4];
    struct sql_caller who = market_caller(&alice, NULL, "");
    static const int64_t amounts[] = {600 * CYS, 500 * CYS, 400 * CYS, 1};
    for (int i = 0; i < 4; i++) {
        struct amount_args a = {market_id_new(), amounts[i]};
        sql_stake(&calls[i], &who, &a);
    }
    CU_ASSERT_STRING_EQUAL(sqlt_batch(db, calls, 4, out), "");
    EXPECT(out[0], "ok");
    EXPECT(out[1], "insufficient_funds");
    EXPECT(out[2], "ok");
    EXPECT(out[3], "insufficient_funds");
    CU_ASSERT_EQUAL(market_balance(db, &alice, "available"), 0);
    CU_ASSERT_EQUAL(market_balance(db, &alice, "reserve"), 1000 * CYS);
}

static void test_a_key_twice_in_a_batch_waits(void)
{
    fresh();
    struct db_call calls[2];
    struct answer out[2];
    struct sql_caller who = market_caller(&alice, "twice", "");
    for (int i = 0; i < 2; i++) {
        struct amount_args a = {market_id_new(), CYS};
        sql_faucet(&calls[i], &who, &a);
    }
    CU_ASSERT_EQUAL(calls[0].dedupe, calls[1].dedupe);
    CU_ASSERT_NOT_EQUAL(calls[0].dedupe, 0);
    CU_ASSERT_STRING_EQUAL(sqlt_batch(db, calls, 2, out), "");
    EXPECT(out[0], "ok");
    EXPECT(out[1], "busy");
    CU_ASSERT_TRUE(sqlt_call(db, &calls[1]).replayed);
}

CU_MAIN_WITH(open_db, close_db, "sql/accounts",
             {"an account is made once per key", test_an_account_is_made_once_per_key},
             {"keys are made and revoked", test_keys_are_made_and_revoked},
             {"an expired or foreign key is dead", test_an_expired_or_foreign_key_is_dead},
             {"keys are limited", test_keys_are_limited},
             {"money moves once per key", test_money_moves_once_per_key},
             {"an unbonding is released when due", test_an_unbonding_is_released_when_due},
             {"balances run along in a batch", test_balances_run_along_in_a_batch},
             {"a key twice in a batch waits", test_a_key_twice_in_a_batch_waits})
