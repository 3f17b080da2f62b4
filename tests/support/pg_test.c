/* SPDX-License-Identifier: Apache-2.0 */
/* The tests' own servers: a fresh database is fresh, and Redis answers on its socket. */
#include "tests/support/pg.h"

#include <unistd.h>

#include <libpq-fe.h>

#include "tests/support/cu.h"

static void test_empty_database_is_made_and_dropped(void)
{
    char uri[256] = "";
    CU_ASSERT_EQUAL_FATAL(test_db_create_empty(uri, sizeof uri), 0);
    PGconn *conn = PQconnectdb(uri);
    CU_ASSERT_EQUAL(PQstatus(conn), CONNECTION_OK);
    PQfinish(conn);
    test_db_drop(uri);
    conn = PQconnectdb(uri);
    CU_ASSERT_EQUAL(PQstatus(conn), CONNECTION_BAD);
    PQfinish(conn);
}

static void test_a_uri_that_does_not_fit_is_refused(void)
{
    char uri[8];
    CU_ASSERT_EQUAL(test_db_create_empty(uri, sizeof uri), -1);
}

static void test_redis_listens_on_its_socket(void)
{
    CU_ASSERT_EQUAL(access(test_redis_path(), R_OK | W_OK), 0);
}

CU_MAIN("support/pg",
        {"empty database is made and dropped", test_empty_database_is_made_and_dropped},
        {"a uri that does not fit is refused", test_a_uri_that_does_not_fit_is_refused},
        {"redis listens on its socket", test_redis_listens_on_its_socket})
