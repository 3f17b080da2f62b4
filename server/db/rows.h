/* SPDX-License-Identifier: Apache-2.0 */
/* Making result rows; private to server/db. */
#ifndef CF_DB_ROWS_H
#define CF_DB_ROWS_H

#include <libpq-fe.h>

#include "server/db/stmt.h"

/* All rows of a result as one object with one reference. Takes result, also on failure (NULL: out
 * of memory). */
struct db_rows *rows_take(PGresult *result);

/* One object per row of a batch's result. They share one reference count: each db_rows_ref and
 * db_rows_unref on any of them counts for all. Starts with one reference. */
struct db_rows_set;
struct db_rows_set *rows_set_take(PGresult *result);
struct db_rows *rows_set_at(struct db_rows_set *set, int row);
void rows_set_unref(struct db_rows_set *set);

#endif
