/* SPDX-License-Identifier: Apache-2.0 */
/* Statements, their parameters and their results: what sql/ declares and everybody else runs. */
#ifndef CF_DB_STMT_H
#define CF_DB_STMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/bytes.h"
#include "server/core/err.h"
#include "server/core/ids.h"

enum { DB_PARAMS_MAX = 28 };

enum db_mode {
    DB_READ, /* one SELECT that takes no row lock; pipelined on the read connections */
    DB_BATCH /* a set-shaped function call; every parameter is an array, one element per call */
};

enum db_type { DB_UUID, DB_INT, DB_TEXT, DB_BYTES, DB_BOOL };

struct db_stmt {
    const char *name; /* unique; also the name of the prepared statement */
    const char
        *sql; /* $n only. DB_BATCH: $n are arrays: uuid[], bigint[], text[], bytea[], boolean[] */
    enum db_mode mode;
    int param_count;
    enum db_type params[DB_PARAMS_MAX];
};

struct db_value {
    bool is_null;
    int64_t num;       /* DB_INT, DB_BOOL */
    struct uuid uuid;  /* DB_UUID */
    struct bytes data; /* DB_TEXT, DB_BYTES; borrowed until the call is answered */
};

struct db_call {
    const struct db_stmt *stmt;
    struct db_value params[DB_PARAMS_MAX];
    uint64_t dedupe; /* DB_BATCH: two calls with one non-zero value never share a batch (idempotency
                        keys) */
};

struct db_value db_null(void);
struct db_value db_int(int64_t v);
struct db_value db_bool(bool v);
struct db_value db_uuid(const struct uuid *v); /* NULL gives SQL NULL */
struct db_value db_text(const char *v);        /* NULL gives SQL NULL */
struct db_value db_textn(const char *v, size_t len);
struct db_value db_bytes(const void *v, size_t len);

/* Rows of a read, or the single outcome row of one call of a batch. All columns in text format;
 * bytea as \x hex; timestamps are UTC ("2026-11-22 22:48:50.123456+00"). Reference-counted;
 * accessors are thread-safe. */
struct db_rows;

int db_rows_count(const struct db_rows *r);
int db_rows_columns(const struct db_rows *r);
const char *db_rows_column_name(const struct db_rows *r, int column);
int db_rows_column(const struct db_rows *r, const char *name);          /* -1 when there is none */
const char *db_rows_text(const struct db_rows *r, int row, int column); /* NULL for SQL NULL */
int64_t db_rows_int(const struct db_rows *r, int row, int column);      /* 0 for NULL */
bool db_rows_bool(const struct db_rows *r, int row, int column);
bool db_rows_uuid(const struct db_rows *r, int row, int column,
                  struct uuid *out); /* false for NULL */
/* Decodes bytea hex; false for NULL or another length. */
bool db_rows_bytes(const struct db_rows *r, int row, int column, uint8_t *out, size_t len);
/* Bytea of any length up to cap; false for NULL or beyond cap. */
bool db_rows_blob(const struct db_rows *r, int row, int column, uint8_t *out, size_t cap,
                  size_t *out_len);
struct db_rows *db_rows_ref(struct db_rows *r);
void db_rows_unref(struct db_rows *r); /* NULL is fine */

/* The seven columns that every DB_BATCH function answers, one row per call:
 *   ord int, status text (an err code, "ok"), id uuid, at timestamptz, detail text (JSON or NULL),
 * replayed boolean, wake text (space-separated wake topics or NULL). */
enum db_outcome_column {
    OUTCOME_ORD,
    OUTCOME_STATUS,
    OUTCOME_ID,
    OUTCOME_AT,
    OUTCOME_DETAIL,
    OUTCOME_REPLAYED,
    OUTCOME_WAKE,
    OUTCOME_COLUMNS
};

#endif
