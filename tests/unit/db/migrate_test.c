/* SPDX-License-Identifier: Apache-2.0 */
#include "server/db/migrate.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cu.h"
#include "tests/support/pg.h"

static char dir[] = "/tmp/computefi-migrate-XXXXXX";
static char uri[256];
static char printed[4096];
static struct db_conn *conn;

static const struct db_stmt COUNT_ROWS = {
    .name = "count_rows", .sql = "SELECT count(*) FROM schema_migrations", .mode = DB_READ};
static const struct db_stmt ANSWER = {.name = "answer", .sql = "SELECT answer()", .mode = DB_READ};

static void path_of(char out[300], const char *name)
{
    snprintf(out, 300, "%s/%s", dir, name);
}

static void write_file(const char *name, const char *text)
{
    char path[300];
    path_of(path, name);
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static void remove_file(const char *name)
{
    char path[300];
    path_of(path, name);
    CU_ASSERT_EQUAL(remove(path), 0);
}

static int set_up(void)
{
    char path[300];
    if (mkdtemp(dir) == NULL || test_db_create_empty(uri, sizeof uri) != 0)
        return -1;
    path_of(path, "migrations");
    mkdir(path, 0700);
    path_of(path, "functions");
    mkdir(path, 0700);
    return db_conn_open(uri, "migrate_test", &conn) != ERR_OK;
}

static int tear_down(void)
{
    static const char *const files[] = {"migrations/0001_a.sql",
                                        "migrations/0002_b.sql",
                                        "functions/f.sql",
                                        "migrations",
                                        "functions",
                                        ""};
    char path[300];
    db_conn_close(conn);
    test_db_drop(uri);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        path_of(path, files[i]);
        remove(path);
    }
    return 0;
}

static enum err run(enum err (*what)(struct db_conn *, const char *, FILE *))
{
    printed[0] = '\0';
    FILE *out = fmemopen(printed, sizeof printed, "w");
    enum err e = what(conn, dir, out);
    fclose(out);
    return e;
}

static int64_t number(const struct db_stmt *s)
{
    const struct db_call call = {.stmt = s};
    struct db_rows *rows = NULL;
    if (db_run(conn, &call, &rows) != DB_ROW)
        return -1;
    int64_t n = db_rows_int(rows, 0, 0);
    db_rows_unref(rows);
    return n;
}

static void first_run_applies_everything_once(void)
{
    write_file("migrations/0001_a.sql", "CREATE TABLE a (x int); INSERT INTO a VALUES (1);");
    write_file(
        "functions/f.sql",
        "CREATE OR REPLACE FUNCTION answer() RETURNS int LANGUAGE sql AS 'SELECT 41' -- end");
    CU_ASSERT_EQUAL(run(migrate_verify), ERR_CONFLICT);
    CU_ASSERT_PTR_NOT_NULL(strstr(printed, "0001_a.sql: pending"));
    CU_ASSERT_EQUAL(run(migrate_up), ERR_OK);
    CU_ASSERT_EQUAL(run(migrate_up), ERR_OK);
    CU_ASSERT_STRING_EQUAL(printed, "");
    CU_ASSERT_EQUAL(number(&COUNT_ROWS), 2);
    CU_ASSERT_EQUAL(number(&ANSWER), 41);
    CU_ASSERT_EQUAL(run(migrate_verify), ERR_OK);
    CU_ASSERT_EQUAL(run(migrate_status), ERR_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(printed, "0001_a.sql: applied"));
}

static void changed_functions_are_created_again(void)
{
    write_file("functions/f.sql",
               "CREATE OR REPLACE FUNCTION answer() RETURNS int LANGUAGE sql AS 'SELECT 42';");
    CU_ASSERT_EQUAL(run(migrate_verify), ERR_CONFLICT);
    CU_ASSERT_PTR_NOT_NULL(strstr(printed, "functions: edited"));
    CU_ASSERT_EQUAL(run(migrate_up), ERR_OK);
    CU_ASSERT_EQUAL(number(&ANSWER), 42);
    CU_ASSERT_EQUAL(run(migrate_verify), ERR_OK);
}

static void a_broken_file_leaves_nothing_behind(void)
{
    write_file("migrations/0002_b.sql", "CREATE TABLE b (x int); SELECT 1 / 0;");
    CU_ASSERT_EQUAL(run(migrate_up), ERR_DB_FAULT);
    CU_ASSERT_PTR_NOT_NULL(strstr(printed, "0002_b.sql: failed"));
    CU_ASSERT_PTR_NOT_NULL(strstr(printed, "22012"));
    CU_ASSERT_EQUAL(number(&COUNT_ROWS), 2);
    CU_ASSERT_EQUAL(db_script(conn, "SELECT 1 FROM b"), DB_FAULT);
    write_file("migrations/0002_b.sql", "CREATE TABLE b (x int);");
    CU_ASSERT_EQUAL(run(migrate_up), ERR_OK);
    CU_ASSERT_EQUAL(db_script(conn, "SELECT 1 FROM b"), DB_NO_ROW);
}

static void an_edited_file_is_refused(void)
{
    write_file("migrations/0001_a.sql", "CREATE TABLE a (x bigint);");
    CU_ASSERT_EQUAL(run(migrate_up), ERR_CONFLICT);
    CU_ASSERT_PTR_NOT_NULL(strstr(printed, "0001_a.sql: was edited"));
    CU_ASSERT_EQUAL(run(migrate_verify), ERR_CONFLICT);
    write_file("migrations/0001_a.sql", "CREATE TABLE a (x int); INSERT INTO a VALUES (1);");
    CU_ASSERT_EQUAL(run(migrate_verify), ERR_OK);
}

static void an_older_program_tolerates_newer_rows_only(void)
{
    remove_file("migrations/0002_b.sql");
    CU_ASSERT_EQUAL(run(migrate_verify), ERR_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(printed, "0002_b.sql: newer"));
    remove_file("migrations/0001_a.sql");
    write_file("migrations/0002_b.sql", "CREATE TABLE b (x int);");
    CU_ASSERT_EQUAL(run(migrate_verify), ERR_CONFLICT);
    CU_ASSERT_PTR_NOT_NULL(strstr(printed, "0001_a.sql: its file is missing"));
    write_file("migrations/0001_a.sql", "CREATE TABLE a (x int); INSERT INTO a VALUES (1);");
}

static void numbers_are_checked(void)
{
    write_file("migrations/0002_twin.sql", "SELECT 1;");
    CU_ASSERT_EQUAL(run(migrate_up), ERR_CONFLICT);
    remove_file("migrations/0002_twin.sql");
    write_file("migrations/what.sql", "SELECT 1;");
    CU_ASSERT_EQUAL(run(migrate_up), ERR_CONFLICT);
    remove_file("migrations/what.sql");
    CU_ASSERT_EQUAL(migrate_up(conn, "/does/not/exist", stdout), ERR_IO);
}

static void *migrate_elsewhere(void *arg)
{
    struct db_conn *c = NULL;
    FILE *out = fopen("/dev/null", "w");
    if (db_conn_open(arg, "migrate_test", &c) == ERR_OK && migrate_up(c, dir, out) == ERR_OK)
        arg = NULL;
    db_conn_close(c);
    fclose(out);
    return arg;
}

static void four_at_once_apply_once(void)
{
    char fresh[256];
    pthread_t threads[4];
    void *failed = NULL;
    CU_ASSERT_EQUAL_FATAL(test_db_create_empty(fresh, sizeof fresh), 0);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, migrate_elsewhere, fresh);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        CU_ASSERT_PTR_NULL(failed);
    }
    struct db_conn *c = NULL;
    CU_ASSERT_EQUAL_FATAL(db_conn_open(fresh, "migrate_test", &c), ERR_OK);
    const struct db_call call = {.stmt = &COUNT_ROWS};
    struct db_rows *rows = NULL;
    CU_ASSERT_EQUAL_FATAL(db_run(c, &call, &rows), DB_ROW);
    CU_ASSERT_EQUAL(db_rows_int(rows, 0, 0), 3);
    db_rows_unref(rows);
    db_conn_close(c);
    test_db_drop(fresh);
}

CU_MAIN_WITH(set_up, tear_down, "migrate",
             {"first run applies everything once", first_run_applies_everything_once},
             {"changed functions are created again", changed_functions_are_created_again},
             {"a broken file leaves nothing behind", a_broken_file_leaves_nothing_behind},
             {"an edited file is refused", an_edited_file_is_refused},
             {"an older program tolerates newer rows only",
              an_older_program_tolerates_newer_rows_only},
             {"numbers are checked", numbers_are_checked},
             {"four at once apply once", four_at_once_apply_once})
