/* SPDX-License-Identifier: Apache-2.0 */
#include "server/db/run.h"

#include <stdlib.h>

#include "tests/support/cu.h"
#include "tests/support/pg.h"

static char uri[256];
static struct db_conn *conn;

#define STMT(NAME, SQL, COUNT, ...)                                                                \
    static const struct db_stmt NAME = {                                                           \
        .name = #NAME, .sql = SQL, .mode = DB_READ, .param_count = COUNT, .params = {__VA_ARGS__}}

STMT(ECHO, "SELECT $1 AS u, $2 AS n, $3 AS t, $4 AS b, $5 AS f, now() AS at", 5, DB_UUID, DB_INT,
     DB_TEXT, DB_BYTES, DB_BOOL);
STMT(NONE, "SELECT 1 WHERE $1", 1, DB_BOOL);
STMT(PUT, "INSERT INTO things (id, n) VALUES ($1, $2)", 2, DB_INT, DB_INT);
STMT(BUMP, "UPDATE things SET n = n + 1 WHERE id = $1", 1, DB_INT);
STMT(GET, "SELECT n FROM things WHERE id = $1", 1, DB_INT);
STMT(BROKEN, "SELECT 1 / $1", 1, DB_INT);
STMT(SETTINGS,
     "SELECT current_setting('TimeZone'), current_setting('transaction_isolation'),"
     " current_setting('statement_timeout'), current_setting('lock_timeout'),"
     " current_setting('idle_in_transaction_session_timeout')",
     0, DB_INT);
STMT(ANY, "SELECT sum(x) FROM unnest($1::bigint[]) x", 1, DB_TEXT);
STMT(PID, "SELECT pg_backend_pid()", 0, DB_INT);
STMT(KILL, "SELECT pg_terminate_backend($1::int)", 1, DB_INT);

static int set_up(void)
{
    if (test_db_create_empty(uri, sizeof uri) != 0 ||
        db_conn_open(uri, "run_test", &conn) != ERR_OK)
        return -1;
    return db_script(conn, "CREATE TABLE things (id bigint CONSTRAINT things_pkey PRIMARY KEY,"
                           " n bigint CONSTRAINT things_n_positive CHECK (n >= 0));"
                           "INSERT INTO things VALUES (1, 0), (2, 0)") != DB_NO_ROW;
}

static int tear_down(void)
{
    db_conn_close(conn);
    test_db_drop(uri);
    return 0;
}

static int64_t number(struct db_conn *c, const struct db_stmt *s, int64_t arg)
{
    const struct db_call call = {.stmt = s, .params = {db_int(arg)}};
    struct db_rows *rows = NULL;
    if (db_run(c, &call, &rows) != DB_ROW || db_rows_count(rows) == 0)
        return -1;
    int64_t n = db_rows_int(rows, 0, 0);
    db_rows_unref(rows);
    return n;
}

static enum db_outcome run2(const struct db_stmt *s, int64_t a, int64_t b)
{
    const struct db_call call = {.stmt = s, .params = {db_int(a), db_int(b)}};
    return db_run(conn, &call, NULL);
}

static void every_type_round_trips(void)
{
    struct uuid id = uuid_new(1);
    struct uuid back;
    uint8_t bytes[3] = {0, 255, 7};
    uint8_t bytes_back[8];
    size_t len = 0;
    const struct db_call call = {.stmt = &ECHO,
                                 .params = {db_uuid(&id), db_int(INT64_MIN),
                                            db_text("d\xc3\xa9j\xc3\xa0"), db_bytes(bytes, 3),
                                            db_bool(true)}};
    struct db_rows *rows = NULL;
    CU_ASSERT_EQUAL_FATAL(db_run(conn, &call, &rows), DB_ROW);
    CU_ASSERT(db_rows_uuid(rows, 0, 0, &back) && uuid_equal(&id, &back));
    CU_ASSERT_EQUAL(db_rows_int(rows, 0, db_rows_column(rows, "n")), INT64_MIN);
    CU_ASSERT_STRING_EQUAL(db_rows_text(rows, 0, 2), "d\xc3\xa9j\xc3\xa0");
    CU_ASSERT(db_rows_bytes(rows, 0, 3, bytes_back, 3) && memcmp(bytes, bytes_back, 3) == 0);
    CU_ASSERT(!db_rows_bytes(rows, 0, 3, bytes_back, 2));
    CU_ASSERT(db_rows_blob(rows, 0, 3, bytes_back, sizeof bytes_back, &len) && len == 3);
    CU_ASSERT(!db_rows_blob(rows, 0, 3, bytes_back, 2, &len));
    CU_ASSERT(db_rows_bool(rows, 0, 4));
    CU_ASSERT_PTR_NOT_NULL(strstr(db_rows_text(rows, 0, 5), "+00"));
    CU_ASSERT_EQUAL(db_rows_columns(rows), 6);
    CU_ASSERT_EQUAL(db_rows_column(rows, "nothing"), -1);
    db_rows_unref(rows);
}

static void null_and_empty_differ(void)
{
    struct uuid id;
    uint8_t none[1];
    size_t len = 9;
    struct db_call call = {
        .stmt = &ECHO,
        .params = {db_uuid(NULL), db_null(), db_text(NULL), db_bytes(NULL, 0), db_null()}};
    struct db_rows *rows = NULL;
    CU_ASSERT_EQUAL_FATAL(db_run(conn, &call, &rows), DB_ROW);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_PTR_NULL(db_rows_text(rows, 0, i));
    CU_ASSERT(!db_rows_uuid(rows, 0, 0, &id));
    CU_ASSERT(!db_rows_bytes(rows, 0, 3, none, 0));
    db_rows_unref(rows);
    call.params[2] = db_text("");
    call.params[3] = db_bytes("", 0);
    CU_ASSERT_EQUAL_FATAL(db_run(conn, &call, &rows), DB_ROW);
    CU_ASSERT_STRING_EQUAL(db_rows_text(rows, 0, 2), "");
    CU_ASSERT(db_rows_blob(rows, 0, 3, none, 0, &len) && len == 0);
    db_rows_unref(rows);
}

static void five_outcomes(void)
{
    const struct db_call none = {.stmt = &NONE, .params = {db_bool(false)}};
    struct db_rows *rows = NULL;
    CU_ASSERT_EQUAL(db_run(conn, &none, &rows), DB_NO_ROW);
    CU_ASSERT_PTR_NULL(rows);
    CU_ASSERT_EQUAL(run2(&PUT, 10, 5), DB_ROW);
    CU_ASSERT_EQUAL(db_conn_affected(conn), 1);
    CU_ASSERT_EQUAL(run2(&BUMP, 999, 0), DB_NO_ROW);
    CU_ASSERT_EQUAL(run2(&PUT, 10, 5), DB_CONFLICT);
    CU_ASSERT_STRING_EQUAL(db_conn_constraint(conn), "things_pkey");
    CU_ASSERT_EQUAL(run2(&PUT, 11, -5), DB_CONFLICT);
    CU_ASSERT_STRING_EQUAL(db_conn_constraint(conn), "things_n_positive");
    CU_ASSERT_STRING_EQUAL(db_conn_sqlstate(conn), "23514");
    CU_ASSERT_EQUAL(run2(&BROKEN, 0, 0), DB_FAULT);
    CU_ASSERT_STRING_EQUAL(db_conn_sqlstate(conn), "22012");
    CU_ASSERT(strlen(db_conn_error(conn)) > 0);
    CU_ASSERT_EQUAL(number(conn, &GET, 10), 5);
    CU_ASSERT_STRING_EQUAL(db_conn_sqlstate(conn), "");
}

static void array_literal_as_text(void)
{
    const struct db_call call = {.stmt = &ANY, .params = {db_text("{1,2,39}")}};
    struct db_rows *rows = NULL;
    CU_ASSERT_EQUAL_FATAL(db_run(conn, &call, &rows), DB_ROW);
    CU_ASSERT_EQUAL(db_rows_int(rows, 0, 0), 42);
    db_rows_unref(rows);
}

static void session_settings_hold(void)
{
    static const char *const expected[] = {"UTC", "read committed", "30s", "2s", "10s"};
    const struct db_call call = {.stmt = &SETTINGS};
    struct db_rows *rows = NULL;
    CU_ASSERT_EQUAL_FATAL(db_run(conn, &call, &rows), DB_ROW);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_STRING_EQUAL(db_rows_text(rows, 0, i), expected[i]);
    db_rows_unref(rows);
}

struct plan {
    enum db_outcome answer;
    int runs;
    int retries_first;
};

static enum db_outcome bump_and_answer(struct db_conn *c, void *arg)
{
    struct plan *p = arg;
    const struct db_call call = {.stmt = &BUMP, .params = {db_int(1)}};
    CU_ASSERT_EQUAL(db_run(c, &call, NULL), DB_ROW);
    return p->runs++ < p->retries_first ? DB_RETRY : p->answer;
}

static void transactions_commit_or_roll_back(void)
{
    int64_t n = number(conn, &GET, 1);
    struct plan p = {DB_NO_ROW, 0, 0};
    CU_ASSERT_EQUAL(db_transaction(conn, bump_and_answer, &p), DB_NO_ROW);
    CU_ASSERT_EQUAL(number(conn, &GET, 1), n + 1);
    p = (struct plan){DB_CONFLICT, 0, 0};
    CU_ASSERT_EQUAL(db_transaction(conn, bump_and_answer, &p), DB_CONFLICT);
    p = (struct plan){DB_FAULT, 0, 0};
    CU_ASSERT_EQUAL(db_transaction(conn, bump_and_answer, &p), DB_FAULT);
    CU_ASSERT_EQUAL(p.runs, 1);
    CU_ASSERT_EQUAL(number(conn, &GET, 1), n + 1);
}

static void retry_is_bounded(void)
{
    int64_t n = number(conn, &GET, 1);
    struct plan p = {DB_ROW, 0, 3};
    CU_ASSERT_EQUAL(db_transaction(conn, bump_and_answer, &p), DB_ROW);
    CU_ASSERT_EQUAL(p.runs, 4);
    CU_ASSERT_EQUAL(number(conn, &GET, 1), n + 1);
    p = (struct plan){DB_ROW, 0, 1000};
    CU_ASSERT_EQUAL(db_transaction(conn, bump_and_answer, &p), DB_RETRY);
    CU_ASSERT(p.runs > 1 && p.runs <= 10);
    CU_ASSERT_EQUAL(number(conn, &GET, 1), n + 1);
}

static enum db_outcome ignore_an_error(struct db_conn *c, void *arg)
{
    const struct db_call bump = {.stmt = &BUMP, .params = {db_int(1)}};
    const struct db_call broken = {.stmt = &BROKEN, .params = {db_int(0)}};
    (void)arg;
    CU_ASSERT_EQUAL(db_run(c, &bump, NULL), DB_ROW);
    CU_ASSERT_EQUAL(db_run(c, &broken, NULL), DB_FAULT);
    return DB_ROW;
}

static void a_commit_that_says_rollback_is_no_commit(void)
{
    int64_t n = number(conn, &GET, 1);
    CU_ASSERT_EQUAL(db_transaction(conn, ignore_an_error, NULL), DB_FAULT);
    CU_ASSERT_EQUAL(number(conn, &GET, 1), n);
}

static void a_deferred_constraint_fails_the_commit(void)
{
    struct plan p = {DB_ROW, 0, 0};
    CU_ASSERT_EQUAL(
        db_script(conn, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                        " RAISE EXCEPTION 'no' USING ERRCODE = 'check_violation'; END $$;"
                        "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON things DEFERRABLE"
                        " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()"),
        DB_NO_ROW);
    CU_ASSERT_EQUAL(db_transaction(conn, bump_and_answer, &p), DB_CONFLICT);
    CU_ASSERT_EQUAL(db_script(conn, "DROP TRIGGER late ON things"), DB_NO_ROW);
}

/* Ends the connection's own backend from another one. */
static void kill_backend(struct db_conn *c)
{
    struct db_conn *other = NULL;
    int64_t pid = number(c, &PID, 0);
    const struct db_call call = {.stmt = &KILL, .params = {db_int(pid)}};
    CU_ASSERT_EQUAL_FATAL(db_conn_open(uri, "killer", &other), ERR_OK);
    CU_ASSERT_EQUAL(db_run(other, &call, NULL), DB_ROW);
    db_conn_close(other);
}

static enum db_outcome die_first(struct db_conn *c, void *arg)
{
    const struct db_call call = {.stmt = &BUMP, .params = {db_int(1)}};
    struct plan *p = arg;
    if (p->runs++ > 0)
        return db_run(c, &call, NULL);
    kill_backend(c);
    CU_ASSERT_EQUAL(db_run(c, &call, NULL), DB_RETRY);
    CU_ASSERT_EQUAL(db_run(c, &call, NULL), DB_RETRY); /* never on another connection */
    return DB_RETRY;
}

static enum db_outcome die_last(struct db_conn *c, void *arg)
{
    (void)arg;
    kill_backend(c);
    return DB_ROW;
}

static void a_lost_connection_retries_before_the_commit_only(void)
{
    int64_t n = number(conn, &GET, 1);
    struct plan p = {DB_ROW, 0, 0};
    CU_ASSERT_EQUAL(db_transaction(conn, die_first, &p), DB_ROW);
    CU_ASSERT_EQUAL(p.runs, 2);
    CU_ASSERT_EQUAL(number(conn, &GET, 1), n + 1);
    CU_ASSERT_EQUAL(db_transaction(conn, die_last, NULL), DB_FAULT);
    CU_ASSERT_EQUAL(number(conn, &GET, 1), n + 1); /* and it is connected again */
}

static void a_lost_connection_outside_is_a_fault_then_heals(void)
{
    kill_backend(conn);
    CU_ASSERT_EQUAL(run2(&BUMP, 1, 0), DB_FAULT);
    CU_ASSERT_EQUAL(run2(&BUMP, 1, 0), DB_ROW);
}

static void a_lock_timeout_is_a_retry(void)
{
    struct db_conn *other = NULL;
    const struct db_call call = {.stmt = &BUMP, .params = {db_int(2)}};
    CU_ASSERT_EQUAL_FATAL(db_conn_open(uri, "locker", &other), ERR_OK);
    CU_ASSERT_EQUAL(db_script(other, "BEGIN; UPDATE things SET n = 7 WHERE id = 2"), DB_NO_ROW);
    CU_ASSERT_EQUAL(db_script(conn, "SET lock_timeout = 20"), DB_NO_ROW);
    CU_ASSERT_EQUAL(db_run(conn, &call, NULL), DB_RETRY);
    CU_ASSERT_STRING_EQUAL(db_conn_sqlstate(conn), "55P03");
    CU_ASSERT_EQUAL(db_script(conn, "RESET lock_timeout"), DB_NO_ROW);
    db_conn_close(other);
}

static void a_changed_table_does_not_stick(void)
{
    static const struct db_stmt all = {
        .name = "all", .sql = "SELECT * FROM shape", .mode = DB_READ};
    const struct db_call call = {.stmt = &all};
    CU_ASSERT_EQUAL(db_script(conn, "CREATE TABLE shape AS SELECT 1 AS a"), DB_NO_ROW);
    CU_ASSERT_EQUAL(db_run(conn, &call, NULL), DB_ROW);
    CU_ASSERT_EQUAL(db_script(conn, "ALTER TABLE shape ALTER a TYPE text"), DB_NO_ROW);
    CU_ASSERT_EQUAL(db_run(conn, &call, NULL), DB_RETRY);
    CU_ASSERT_EQUAL(db_run(conn, &call, NULL), DB_ROW);
}

static void bad_uris(void)
{
    struct db_conn *c = NULL;
    CU_ASSERT_EQUAL(db_conn_open("nonsense=1", "x", &c), ERR_PARSE);
    CU_ASSERT_EQUAL(db_conn_open("host=/does/not/exist", "x", &c), ERR_DB_FAULT);
    CU_ASSERT_PTR_NULL(c);
}

CU_MAIN_WITH(set_up, tear_down, "run", {"every type round-trips", every_type_round_trips},
             {"NULL and empty differ", null_and_empty_differ}, {"five outcomes", five_outcomes},
             {"array literal as text", array_literal_as_text},
             {"session settings hold", session_settings_hold},
             {"transactions commit or roll back", transactions_commit_or_roll_back},
             {"retry is bounded", retry_is_bounded},
             {"a COMMIT that says ROLLBACK is no commit", a_commit_that_says_rollback_is_no_commit},
             {"a deferred constraint fails the commit", a_deferred_constraint_fails_the_commit},
             {"a lost connection retries before the commit only",
              a_lost_connection_retries_before_the_commit_only},
             {"a lost connection outside is a fault, then heals",
              a_lost_connection_outside_is_a_fault_then_heals},
             {"a lock timeout is a retry", a_lock_timeout_is_a_retry},
             {"a changed table does not stick", a_changed_table_does_not_stick},
             {"bad URIs", bad_uris})
