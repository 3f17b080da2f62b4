/* SPDX-License-Identifier: Apache-2.0 */
/* The database accepts every statement the programs may send, with the parameter types they send.
 */
#include <stdlib.h>
#include <string.h>

#include "sql/all.h"
#include "sql/worker_statements.h"
#include "tests/support/cu.h"
#include "tests/support/pg.h"
#include "tests/support/sqlt.h"

static char uri[256];
static PGconn *db;

static int open_db(void)
{
    if (test_db_create(uri, sizeof uri) != 0)
        return -1;
    db = sqlt_open(uri);
    return 0;
}

static int close_db(void)
{
    PQfinish(db);
    test_db_drop(uri);
    return 0;
}

static void prepare(const struct db_stmt *s)
{
    static const Oid scalars[] = {
        [DB_UUID] = 2950, [DB_INT] = 20, [DB_TEXT] = 25, [DB_BYTES] = 17, [DB_BOOL] = 16};
    static const Oid arrays[] = {
        [DB_UUID] = 2951, [DB_INT] = 1016, [DB_TEXT] = 1009, [DB_BYTES] = 1001, [DB_BOOL] = 1000};
    Oid types[DB_PARAMS_MAX];
    for (int i = 0; i < s->param_count; i++)
        types[i] = s->mode == DB_BATCH ? arrays[s->params[i]] : scalars[s->params[i]];
    PGresult *r = PQprepare(db, s->name, s->sql, s->param_count, types);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fprintf(stderr, "%s: %s", s->name, PQresultErrorMessage(r));
    CU_ASSERT_EQUAL(PQresultStatus(r), PGRES_COMMAND_OK);
    PQclear(r);
    PQclear(PQexec(db, "DEALLOCATE ALL"));
}

static void test_every_statement_of_the_api_prepares(void)
{
    CU_ASSERT(sql_all_count > 40);
    for (int i = 0; i < sql_all_count; i++)
        prepare(sql_all[i]);
}

static void test_every_statement_of_the_workers_prepares(void)
{
    CU_ASSERT(worker_statements_count > 10);
    for (int i = 0; i < worker_statements_count; i++)
        prepare(worker_statements[i]);
}

static void test_names_are_unique(void)
{
    for (int i = 0; i < sql_all_count; i++)
        for (int k = 0; k < i; k++)
            CU_ASSERT_STRING_NOT_EQUAL(sql_all[i]->name, sql_all[k]->name);
}

/* A statement that a header declares and sql/all.c forgets would never be prepared here. */
static void test_the_list_is_complete(void)
{
    FILE *p = popen("grep -hoE '^extern const struct db_stmt sql_[a-z_]+' sql/*.h | wc -l", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    char line[32] = "";
    CU_ASSERT_PTR_NOT_NULL(fgets(line, sizeof line, p));
    pclose(p);
    CU_ASSERT_EQUAL(atoi(line), sql_all_count);
}

static void test_batches_answer_the_seven_columns(void)
{
    for (int i = 0; i < sql_all_count; i++)
        if (sql_all[i]->mode == DB_BATCH)
            CU_ASSERT_PTR_NOT_NULL(
                strstr(sql_all[i]->sql, "SELECT ord, status, id, at, detail, replayed, wake FROM"));
}

CU_MAIN_WITH(open_db, close_db, "sql/statements",
             {"every statement of the API prepares", test_every_statement_of_the_api_prepares},
             {"every statement of the workers prepares",
              test_every_statement_of_the_workers_prepares},
             {"names are unique", test_names_are_unique},
             {"the list is complete", test_the_list_is_complete},
             {"batches answer the seven columns", test_batches_answer_the_seven_columns})
