/* SPDX-License-Identifier: Apache-2.0 */
/* The batched writes of the API: one binder per SQL function of sql/functions. A binder sets the
 * statement, every parameter in its place, and the dedupe value. Everything reached by a pointer is
 * borrowed until the call is answered; keep it in the request's arena. */
#ifndef CF_SQL_WRITES_H
#define CF_SQL_WRITES_H

#include "server/db/stmt.h"

/* Who asks, and under which Idempotency-Key. */
struct sql_caller {
    struct uuid entity;  /* the account; nil for account_create */
    struct uuid key;     /* the API key; nil for account_create */
    const char *idem;    /* Idempotency-Key, 1 to 255 characters; NULL for none */
    const uint8_t *hash; /* HASH_BYTES: hash of operation, path and body; never NULL */
};

/* Binds the four parameters that every write starts with, and dedupe from (entity, operation,
 * Idempotency-Key): 0 when there is no key. */
void sql_bind_caller(struct db_call *c, const struct db_stmt *stmt, const struct sql_caller *who);

#include "sql/writes_account.h" /* IWYU pragma: export */
#include "sql/writes_market.h"  /* IWYU pragma: export */

#endif
