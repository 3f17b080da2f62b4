/* SPDX-License-Identifier: Apache-2.0 */
/* What every connection has in common; private to server/db. */
#ifndef CF_DB_SESSION_H
#define CF_DB_SESSION_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/core/err.h"
#include "server/db/stmt.h"

enum { SESSION_PARAMS_MAX = 24, SESSION_PREPARED_MAX = 1024, SQLSTATE_MAX = 6 };

struct session_settings {
    const char *uri;
    const char *application;
    int64_t statement_timeout_ms; /* 0: none */
    int64_t lock_timeout_ms;      /* 0: none */
    bool generic_plans;           /* for statements whose plan never depends on values */
};

/* Keywords and values for PQconnect*Params with expand_dbname; session_params_clear afterwards. */
struct session_params {
    const char *keys[SESSION_PARAMS_MAX];
    const char *values[SESSION_PARAMS_MAX];
    char *options;
};

/* ERR_PARSE: the uri is malformed. */
enum err session_params_init(const struct session_settings *s,
                             struct session_params *out) CF_MUST_CHECK;
void session_params_clear(struct session_params *p);

/* How a statement ended, by SQLSTATE class. */
enum session_failure {
    FAILURE_CONFLICT, /* an integrity constraint */
    FAILURE_RETRY,    /* rolled back; the same may succeed: deadlock, serialization */
    FAILURE_LOCKED,   /* lock_timeout */
    FAILURE_TIMEOUT,  /* statement_timeout or cancel */
    FAILURE_LOST,     /* the connection or the server went away */
    FAILURE_STALE,    /* the prepared statement is of another time: reconnect */
    FAILURE_FAULT     /* everything else: a bug or bad data */
};
enum session_failure session_classify(const char *sqlstate);

/* True for a warning that says a commit may not be as durable as asked for. */
bool session_notice_is_unsafe(const PGresult *notice);

/* Statements prepared on a connection, by identity. */
struct session_prepared {
    const struct db_stmt *slots[SESSION_PREPARED_MAX];
    int count;
};
bool session_is_prepared(const struct session_prepared *p, const struct db_stmt *s);
/* Beyond three quarters full nothing is remembered; the caller reconnects. */
bool session_remember(struct session_prepared *p, const struct db_stmt *s);
void session_forget(struct session_prepared *p, const struct db_stmt *s);

#endif
