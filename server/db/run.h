/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking transactions for the workers, the migrator and the command line. One connection belongs
 * to one thread. */
#ifndef CF_DB_RUN_H
#define CF_DB_RUN_H

#include "server/db/stmt.h"

enum db_outcome { DB_ROW, DB_NO_ROW, DB_CONFLICT, DB_RETRY, DB_FAULT };

struct db_conn;

enum err db_conn_open(const char *uri, const char *application, struct db_conn **out) CF_MUST_CHECK;
void db_conn_close(struct db_conn *c);
/* Reopens a broken connection; ERR_DB_FAULT when that fails. */
enum err db_conn_ensure(struct db_conn *c) CF_MUST_CHECK;

/* One statement with scalar parameters (mode is ignored; arrays are passed as text literals with a
 * cast in the SQL). call->stmt must outlive the connection. *rows is set for DB_ROW and must be
 * unreffed; rows may be NULL. A statement without a result set answers DB_ROW (with no rows) when
 * it touched a row and DB_NO_ROW otherwise; see db_conn_affected. DB_CONFLICT: an integrity
 * constraint, its name is db_conn_constraint. */
enum db_outcome db_run(struct db_conn *c, const struct db_call *call,
                       struct db_rows **rows) CF_MUST_CHECK;
const char *db_conn_constraint(const struct db_conn *c);
const char *db_conn_error(const struct db_conn *c);
/* SQLSTATE of the last failure, "" when there was none. */
const char *db_conn_sqlstate(const struct db_conn *c);
/* Rows returned or touched by the last statement. */
int64_t db_conn_affected(const struct db_conn *c);

/* A transaction body: no outside effects. DB_ROW or DB_NO_ROW commit; DB_RETRY rolls back and runs
 * again (bounded, with jitter); DB_CONFLICT and DB_FAULT roll back and are returned. */
typedef enum db_outcome (*db_body)(struct db_conn *c, void *arg);

/* COMMIT counts only when its tag says COMMIT; a connection lost at COMMIT answers DB_FAULT and the
 * caller re-reads. */
enum db_outcome db_transaction(struct db_conn *c, db_body body, void *arg) CF_MUST_CHECK;
/* Runs SQL text of several statements (migrations) without parameters; DB_NO_ROW is success. Text
 * without BEGIN is one transaction. */
enum db_outcome db_script(struct db_conn *c, const char *sql) CF_MUST_CHECK;

#endif
