/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger against a model, what it refuses, and what SQL and C must compute alike. */
#include <stdlib.h>

#include "tests/support/cu.h"
#include "tests/support/market.h"
#include "tests/support/pg.h"

enum { ACTORS = 5, ROUNDS = 120 };

static char uri[256];
static PGconn *db;
static struct actor actors[ACTORS];

static int open_db(void)
{
    db = market_db(uri, sizeof uri);
    for (int i = 0; i < ACTORS; i++)
        market_actor(db, &actors[i], 1000, 0);
    return 0;
}

static int close_db(void)
{
    PQfinish(db);
    test_db_drop(uri);
    return 0;
}

/* A fixed sequence: the same run every time. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static const char *post(const char *key, const char *entries)
{
    return sqlt_state(db,
                      "SELECT ledger_post(clock_timestamp(), ARRAY['%s'], ARRAY['test'], "
                      "ARRAY[NULL::uuid], ARRAY[%s]::ledger_entry[])",
                      key, entries);
}

/* Random payments, some of them too large: balances follow the model, refusals change nothing. */
static void test_balances_follow_a_model(void)
{
    int64_t model[ACTORS];
    uint32_t seed = 7;
    int refused = 0;
    for (int i = 0; i < ACTORS; i++)
        model[i] = 1000;
    for (int i = 0; i < ROUNDS; i++) {
        char key[32];
        char entries[512];
        size_t from = next_random(&seed) % ACTORS;
        size_t to = (from + 1 + next_random(&seed) % (ACTORS - 1)) % ACTORS;
        int64_t amount = 1 + next_random(&seed) % 700;
        snprintf(key, sizeof key, "model:%d", i);
        snprintf(entries, sizeof entries,
                 "(1,'%s','available',nil_uuid(),%lld), (1,'%s','available',nil_uuid(),%lld)",
                 market_id(&actors[from].entity), -(long long)amount, market_id(&actors[to].entity),
                 (long long)amount);
        const char *state = post(key, entries);
        if (amount > model[from]) {
            CU_ASSERT_STRING_EQUAL(state, "23514");
            refused++;
            continue;
        }
        CU_ASSERT_STRING_EQUAL(state, "");
        model[from] -= amount;
        model[to] += amount;
    }
    for (int i = 0; i < ACTORS; i++)
        CU_ASSERT_EQUAL(market_balance(db, &actors[i], "available"), model[i]);
    CU_ASSERT(refused > 0 && refused < ROUNDS);
    CU_ASSERT_EQUAL(market_violations(db, 0, true), 0);
}

static void test_what_the_ledger_refuses(void)
{
    char e[512];
    const char *a = market_id(&actors[0].entity);
    snprintf(e, sizeof e, "(1,'%s','available',nil_uuid(),-1), (1,'%s','reserve',nil_uuid(),1)", a,
             a); /* sums to zero, but not per asset */
    CU_ASSERT_STRING_EQUAL(post("bad:1", e), "23514");
    snprintf(e, sizeof e, "(1,'%s','available',nil_uuid(),1)", a);
    CU_ASSERT_STRING_EQUAL(post("bad:2", e), "23514");
    snprintf(e, sizeof e, "(1,'%s','available',nil_uuid(),0)", a);
    CU_ASSERT_STRING_EQUAL(post("bad:3", e), "23514"); /* no lines are left */
    snprintf(e, sizeof e, "(1,'%s','pocket',nil_uuid(),1), (1,'%s','available',nil_uuid(),-1)", a,
             a);
    CU_ASSERT_STRING_EQUAL(post("bad:4", e), "23514");
    snprintf(e, sizeof e,
             "(1,'%s','available',nil_uuid(),1), (1,nil_uuid(),'external',nil_uuid(),-1)", a);
    CU_ASSERT_STRING_EQUAL(post("once", e), "");
    CU_ASSERT_STRING_EQUAL(post("once", e), "23505");
    CU_ASSERT_EQUAL(sqlt_int(db, "SELECT count(*) FROM transfers WHERE key LIKE 'bad:%%'"), 0);
    CU_ASSERT_EQUAL(market_violations(db, 0, true), 0);
}

static int64_t smallest(const struct actor *a, int window_ms)
{
    return sqlt_int(db, "SELECT stake_minimum('%s', now(), %d)", market_id(&a->entity), window_ms);
}

static void test_the_smallest_stake_of_a_window(void)
{
    struct actor a;
    market_actor(db, &a, 0, 10 * CYS);
    const char *id = market_id(&a.entity);
    sqlt_exec(db,
              "DELETE FROM stake_history WHERE entity_id = '%s'; INSERT INTO stake_history VALUES "
              "('%s', now() - interval '3 h', nil_uuid(), 500), "
              "('%s', now() - interval '1 h', nil_uuid(), 200), ('%s', now(), nil_uuid(), 900)",
              id, id, id, id);
    CU_ASSERT_EQUAL(smallest(&a, 0), 900);
    CU_ASSERT_EQUAL(smallest(&a, 60000), 200);
    CU_ASSERT_EQUAL(smallest(&a, 2 * 3600000), 200);
    CU_ASSERT_EQUAL(smallest(&a, 4 * 3600000), 0); /* it was not there yet */
}

static void test_sql_and_c_compute_alike(void)
{
    char text[TYPEID_TEXT_MAX];
    char hex[2 * HASH_BYTES + 1];
    uint8_t hash[HASH_BYTES];
    struct uuid id = market_id_new();
    typeid_print("task", &id, text);
    CU_ASSERT_STRING_EQUAL(sqlt_text(db, "SELECT typeid('task', '%s')", market_id(&id)), text);
    const struct bytes parts[] = {{id.b, UUID_BYTES}, {(const uint8_t *)"", 0}};
    hash_tagged("computefi/test/1", parts, 2, hash);
    hex_encode(hash, HASH_BYTES, hex);
    CU_ASSERT_STRING_EQUAL(
        sqlt_text(db,
                  "SELECT encode(hash_tagged('computefi/test/1', ARRAY[uuid_send('%s'), '']), "
                  "'hex')",
                  market_id(&id)),
        hex);
    CU_ASSERT_EQUAL(sqlt_int(db, "SELECT count(DISTINCT x) FROM unnest(uuid_v7s(now(), 4096)) x "
                                 "WHERE substr(x::text, 15, 1) = '7' AND substr(x::text, 20, 1) IN "
                                 "('8', '9', 'a', 'b')"),
                    4096);
}

CU_MAIN_WITH(open_db, close_db, "sql/ledger",
             {"balances follow a model", test_balances_follow_a_model},
             {"what the ledger refuses", test_what_the_ledger_refuses},
             {"the smallest stake of a window", test_the_smallest_stake_of_a_window},
             {"SQL and C compute alike", test_sql_and_c_compute_alike})
