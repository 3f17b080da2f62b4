/* SPDX-License-Identifier: Apache-2.0 */
/* The role of the server does its work and cannot change the books. */
#include <stdlib.h>

#include "tests/support/cu.h"
#include "tests/support/market.h"
#include "tests/support/pg.h"

static char uri[256];
static PGconn *db;

static int open_db(void)
{
    db = market_db(uri, sizeof uri);
    return sqlt_exec(db, "SET ROLE computefi_app") ? 0 : -1;
}

static int close_db(void)
{
    PQfinish(db);
    test_db_drop(uri);
    return 0;
}

static void test_the_server_does_its_work(void)
{
    struct actor requester;
    struct actor provider;
    struct task_create_args args = market_task_args();
    market_actor(db, &requester, 100 * CYS, 0);
    market_actor(db, &provider, 0, 100 * CYS);
    struct uuid task = market_task(db, &requester, &args);
    struct answer bid = market_bid(db, &provider, &task, 7);
    CU_ASSERT_STRING_EQUAL(bid.status, "ok");
    struct db_call c;
    struct sql_caller who = market_caller(&requester, NULL, "");
    sql_task_cancel(&c, &who, &task);
    CU_ASSERT_STRING_EQUAL(sqlt_call(db, &c).status, "ok");
}

static void test_the_books_stay_as_they_are(void)
{
    static const char *const tables[] = {"entries",          "transfers", "events",  "settlements",
                                         "settlement_lines", "slashes",   "policies"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        CU_ASSERT_STRING_EQUAL(sqlt_state(db, "DELETE FROM %s", tables[i]), "42501");
        CU_ASSERT_STRING_EQUAL(sqlt_state(db, "TRUNCATE %s", tables[i]), "42501");
    }
    CU_ASSERT_STRING_EQUAL(sqlt_state(db, "UPDATE entries SET amount_gwei = 1"), "42501");
    CU_ASSERT_STRING_EQUAL(sqlt_state(db, "UPDATE events SET kind = 'x'"), "42501");
    CU_ASSERT_STRING_EQUAL(sqlt_state(db, "DELETE FROM tasks"), "42501");
    CU_ASSERT_STRING_EQUAL(sqlt_state(db, "ALTER TABLE entries DISABLE TRIGGER ALL"), "42501");
    CU_ASSERT_STRING_EQUAL(sqlt_state(db, "SET session_replication_role = replica"), "42501");
}

static void test_the_server_makes_no_operators(void)
{
    CU_ASSERT_STRING_EQUAL(sqlt_state(db, "UPDATE entities SET is_operator = true"), "42501");
    CU_ASSERT_STRING_EQUAL(
        sqlt_state(db, "INSERT INTO entities (id, name, is_operator, created_at) VALUES "
                       "(gen_random_uuid(), 'x', true, now())"),
        "42501");
    CU_ASSERT_STRING_EQUAL(sqlt_state(db, "SELECT operator_grant(nil_uuid())"), "42501");
}

/* Even the owner of the tables trips over the triggers. */
static void test_the_owner_is_warned(void)
{
    sqlt_exec(db, "RESET ROLE");
    CU_ASSERT_STRING_EQUAL(sqlt_state(db, "UPDATE entries SET amount_gwei = 1"), "42501");
    CU_ASSERT_STRING_EQUAL(sqlt_state(db, "DELETE FROM events"), "42501");
    sqlt_exec(db, "SET ROLE computefi_app");
}

CU_MAIN_WITH(open_db, close_db, "sql/roles",
             {"the server does its work", test_the_server_does_its_work},
             {"the books stay as they are", test_the_books_stay_as_they_are},
             {"the server makes no operators", test_the_server_makes_no_operators},
             {"the owner is warned", test_the_owner_is_warned})
