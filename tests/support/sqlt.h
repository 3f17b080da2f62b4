/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking access to a database for tests: plain statements, and batched statements as the engine
 * runs them, with as many calls per batch as the test wants. Failures are CUnit failures. */
#ifndef COMPUTEFI_TESTS_SUPPORT_SQLT_H
#define COMPUTEFI_TESTS_SUPPORT_SQLT_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "server/db/stmt.h"

enum { SQLT_TEXT_MAX = 2048, SQLT_BATCH_MAX = 512 };

/* What a batched function answered for one call. */
struct answer {
    char status[40];
    struct uuid id;
    bool has_id;
    char at[40];
    char detail[SQLT_TEXT_MAX];
    bool replayed;
    char wake[SQLT_TEXT_MAX];
};

/* A CUnit failure that ends the test; outside a test (in a suite's setup) it ends the program. */
void sqlt_check(bool holds, const char *what);
#define SQLT_CHECK(x) sqlt_check((x), #x)

/* Exits the program when the database cannot be reached. */
PGconn *sqlt_open(const char *uri);
/* Runs SQL without parameters; true on success. Failures are reported with the server's words. */
bool sqlt_exec(PGconn *db, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Runs SQL that may fail; answers the SQLSTATE, "" on success. */
const char *sqlt_state(PGconn *db, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* First column of the first row; "" for NULL or no row. One of eight static buffers. */
const char *sqlt_text(PGconn *db, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t sqlt_int(PGconn *db, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs calls of one statement as one batch; out[i] answers calls[i]. Returns the SQLSTATE of a
 * batch that failed as a whole, "" on success. */
const char *sqlt_batch(PGconn *db, const struct db_call *calls, int count, struct answer *out);
/* The same with one call; a batch that fails as a whole answers the status "failed". */
struct answer sqlt_call(PGconn *db, const struct db_call *call);

#endif
