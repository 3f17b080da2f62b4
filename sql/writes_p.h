/* SPDX-License-Identifier: Apache-2.0 */
/* What the binders of sql/writes_*.c share; nobody else includes this. */
#ifndef CF_SQL_WRITES_P_H
#define CF_SQL_WRITES_P_H

#include "sql/writes.h"

/* The text of a write: one outcome row per element of the arrays. */
#define OUTCOME_OF(call) "SELECT ord, status, id, at, detail, replayed, wake FROM " call

enum { CALLER_PARAMS = 4 };

/* Fills the parameters behind the caller's, in order. */
struct bind {
    struct db_call *call;
    int next;
};

/* Binds the caller; the rest follows. */
struct bind bind_begin(struct db_call *c, const struct db_stmt *stmt, const struct sql_caller *who);
void bind_value(struct bind *b, struct db_value v);
void bind_uuid(struct bind *b, const struct uuid *v); /* NULL gives SQL NULL */
void bind_int(struct bind *b, int64_t v);
void bind_int_or_null(struct bind *b, const int64_t *v);
void bind_bool(struct bind *b, bool v);
void bind_text(struct bind *b, const char *v);    /* NULL gives SQL NULL */
void bind_hash(struct bind *b, const uint8_t *v); /* HASH_BYTES; NULL gives SQL NULL */
void bind_blob(struct bind *b, const uint8_t *v, size_t bytes); /* NULL gives SQL NULL */
/* Asserts that every parameter of the statement is set. */
void bind_done(const struct bind *b);

#endif
