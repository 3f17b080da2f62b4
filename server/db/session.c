/* SPDX-License-Identifier: Apache-2.0 */
#include "server/db/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ours come last, so they hold: time zone, dates and bytea are part of the contract of db_rows. */
static char *join_options(const struct session_settings *s, const char *theirs)
{
    char *text = NULL;
    int n =
        asprintf(&text,
                 "%s -c timezone=UTC -c datestyle=ISO -c bytea_output=hex -c extra_float_digits=1"
                 " -c default_transaction_isolation=read\\ committed"
                 " -c client_min_messages=warning -c jit=off -c statement_timeout=%lld"
                 " -c lock_timeout=%lld -c idle_in_transaction_session_timeout=10000%s",
                 theirs == NULL ? "" : theirs, (long long)s->statement_timeout_ms,
                 (long long)s->lock_timeout_ms,
                 s->generic_plans ? " -c plan_cache_mode=force_generic_plan" : "");
    return n < 0 ? NULL : text;
}

enum err session_params_init(const struct session_settings *s, struct session_params *out)
{
    PQconninfoOption *parsed = PQconninfoParse(s->uri, NULL);
    if (parsed == NULL)
        return ERR_PARSE;
    const char *theirs = NULL;
    for (PQconninfoOption *o = parsed; o->keyword != NULL; o++) {
        if (strcmp(o->keyword, "options") == 0)
            theirs = o->val;
    }
    char *options = join_options(s, theirs);
    PQconninfoFree(parsed);
    if (options == NULL)
        return ERR_NO_MEMORY;
    /* what stands before dbname is a default that the uri may change */
    const char *const pairs[][2] = {
        {"connect_timeout", "3"},    {"tcp_user_timeout", "5000"},
        {"keepalives_idle", "5"},    {"keepalives_interval", "2"},
        {"keepalives_count", "3"},   {"target_session_attrs", "read-write"},
        {"dbname", s->uri},          {"application_name", s->application},
        {"client_encoding", "UTF8"}, {"options", options},
    };
    size_t n = sizeof pairs / sizeof pairs[0];
    *out = (struct session_params){.options = options};
    for (size_t i = 0; i < n; i++) {
        out->keys[i] = pairs[i][0];
        out->values[i] = pairs[i][1];
    }
    return ERR_OK;
}

void session_params_clear(struct session_params *p)
{
    free(p->options);
    p->options = NULL;
}

enum session_failure session_classify(const char *sqlstate)
{
    static const struct {
        const char *prefix;
        enum session_failure failure;
    } table[] = {
        {"40003", FAILURE_LOST}, /* statement completion unknown */
        {"40", FAILURE_RETRY},      {"23", FAILURE_CONFLICT}, {"55P03", FAILURE_LOCKED},
        {"57014", FAILURE_TIMEOUT}, {"57P", FAILURE_LOST},    {"08", FAILURE_LOST},
        {"25006", FAILURE_LOST}, /* read only: an old primary */
        {"25P03", FAILURE_LOST}, /* idle_in_transaction_session_timeout */
        {"53300", FAILURE_RETRY},   {"26000", FAILURE_STALE}, {"0A000", FAILURE_STALE},
    };
    if (sqlstate == NULL || sqlstate[0] == '\0')
        return FAILURE_LOST; /* libpq's own errors carry no state: the connection broke */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strncmp(sqlstate, table[i].prefix, strlen(table[i].prefix)) == 0)
            return table[i].failure;
    }
    return FAILURE_FAULT;
}

bool session_notice_is_unsafe(const PGresult *notice)
{
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *state = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    /* cancelled or terminated while waiting for the standby: committed here, perhaps nowhere else
     */
    return severity != NULL && state != NULL && strcmp(severity, "WARNING") == 0 &&
           strncmp(state, "57", 2) == 0;
}

static size_t slot_of(const struct db_stmt *s)
{
    uint64_t h = (uint64_t)(uintptr_t)s * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(h >> 54); /* ten bits: SESSION_PREPARED_MAX */
}

bool session_is_prepared(const struct session_prepared *p, const struct db_stmt *s)
{
    size_t i = slot_of(s);
    while (p->slots[i] != NULL && p->slots[i] != s)
        i = (i + 1) % SESSION_PREPARED_MAX;
    return p->slots[i] == s;
}

bool session_remember(struct session_prepared *p, const struct db_stmt *s)
{
    if (p->count >= SESSION_PREPARED_MAX / 4 * 3)
        return false;
    size_t i = slot_of(s);
    while (p->slots[i] != NULL && p->slots[i] != s)
        i = (i + 1) % SESSION_PREPARED_MAX;
    p->count += p->slots[i] == NULL;
    p->slots[i] = s;
    return true;
}

void session_forget(struct session_prepared *p, const struct db_stmt *s)
{
    /* rare: an open-addressed table without tombstones is rebuilt */
    struct session_prepared rest = {.count = 0};
    for (size_t i = 0; i < SESSION_PREPARED_MAX; i++) {
        if (p->slots[i] != NULL && p->slots[i] != s)
            session_remember(&rest, p->slots[i]);
    }
    *p = rest;
}
