/* SPDX-License-Identifier: Apache-2.0 */
/* schema_migrations holds one row per landed file; version 0 stands for the functions together. */
#include "server/db/migrate.h"

#include <stdlib.h>
#include <string.h>

#include "server/core/buf.h"
#include "server/db/files.h"

enum { SCRIPT_MAX_BYTES = 64 * 1024 * 1024, APPLIED_MAX = 10000 };

static const char BEFORE[] =
    "SET lock_timeout = 0; SET statement_timeout = 0;"
    "SELECT pg_advisory_lock(7310577368721941089);" /* one migrator at a time */
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    " version integer CONSTRAINT schema_migrations_pkey PRIMARY KEY,"
    " name text NOT NULL, checksum text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())";
static const char AFTER[] = "SELECT pg_advisory_unlock(7310577368721941089);"
                            "RESET lock_timeout; RESET statement_timeout";

static const struct db_stmt HAS_TABLE = {
    .name = "migrate_has_table",
    .sql = "SELECT 1 WHERE to_regclass('schema_migrations') IS NOT NULL",
    .mode = DB_READ,
};
static const struct db_stmt LIST = {
    .name = "migrate_list",
    .sql = "SELECT version, name, checksum, applied_at FROM schema_migrations"
           " ORDER BY version LIMIT $1",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_INT},
};
static const struct db_stmt RECORD = {
    .name = "migrate_record",
    .sql = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)"
           " ON CONFLICT (version) DO UPDATE"
           " SET checksum = excluded.checksum, applied_at = clock_timestamp()"
           " WHERE schema_migrations.version = 0", /* only the functions change in place */
    .mode = DB_READ,
    .param_count = 3,
    .params = {DB_INT, DB_TEXT, DB_TEXT},
};

/* The folder and what has landed. applied is NULL when nothing has. */
struct plan {
    struct sql_files migrations;
    struct sql_files functions;
    char functions_checksum[2 * HASH_BYTES + 1];
    struct db_rows *applied;
};

enum state { STATE_PENDING, STATE_APPLIED, STATE_EDITED };

static void plan_clear(struct plan *p)
{
    sql_files_clear(&p->migrations);
    sql_files_clear(&p->functions);
    db_rows_unref(p->applied);
}

static enum err database_failed(const struct db_conn *c, FILE *out)
{
    fprintf(out, "database: %s %s\n", db_conn_sqlstate(c), db_conn_error(c));
    return ERR_DB_FAULT;
}

static enum err check_numbers(const struct sql_files *f, FILE *out)
{
    for (size_t i = 0; i < f->count; i++) {
        int before = i == 0 ? 0 : f->items[i - 1].version;
        if (f->items[i].version <= before) {
            fprintf(out, "%s: expected NNNN_what.sql with a number of its own\n", f->items[i].name);
            return ERR_CONFLICT;
        }
    }
    return ERR_OK;
}

static enum err plan_files(const char *dir, struct plan *p, FILE *out)
{
    *p = (struct plan){.applied = NULL};
    enum err e = sql_files_read(dir, "migrations", &p->migrations);
    if (e == ERR_OK)
        e = sql_files_read(dir, "functions", &p->functions);
    if (e != ERR_OK)
        fprintf(out, "%s: cannot read migrations and functions: %s\n", dir, err_title(e));
    if (e == ERR_OK)
        e = check_numbers(&p->migrations, out);
    sql_files_checksum(&p->functions, p->functions_checksum);
    return e;
}

static enum err plan_applied(struct db_conn *c, struct plan *p, FILE *out)
{
    const struct db_call has = {.stmt = &HAS_TABLE};
    const struct db_call list = {.stmt = &LIST, .params = {db_int(APPLIED_MAX)}};
    enum db_outcome o = db_run(c, &has, NULL);
    if (o == DB_ROW)
        o = db_run(c, &list, &p->applied);
    return o == DB_ROW || o == DB_NO_ROW ? ERR_OK : database_failed(c, out);
}

static int applied_count(const struct plan *p)
{
    return p->applied == NULL ? 0 : db_rows_count(p->applied);
}

static enum state state_of(const struct plan *p, int version, const char *checksum)
{
    for (int i = 0; i < applied_count(p); i++) {
        if (db_rows_int(p->applied, i, 0) == version)
            return strcmp(db_rows_text(p->applied, i, 2), checksum) == 0 ? STATE_APPLIED
                                                                         : STATE_EDITED;
    }
    return STATE_PENDING;
}

struct step {
    const char *sql;
    int version;
    const char *name;
    const char *checksum;
};

static enum db_outcome run_step(struct db_conn *c, void *arg)
{
    const struct step *s = arg;
    const struct db_call record = {
        .stmt = &RECORD,
        .params = {db_int(s->version), db_text(s->name), db_text(s->checksum)},
    };
    enum db_outcome o = db_script(c, s->sql);
    if (o != DB_NO_ROW)
        return o;
    o = db_run(c, &record, NULL);
    return o == DB_NO_ROW ? DB_FAULT : o; /* somebody else landed this number meanwhile */
}

static enum err apply(struct db_conn *c, struct step *s, FILE *out)
{
    enum db_outcome o = db_transaction(c, run_step, s);
    if (o != DB_ROW && o != DB_NO_ROW) {
        fprintf(out, "%s: failed\n", s->name);
        return database_failed(c, out);
    }
    fprintf(out, "%s: applied\n", s->name);
    return ERR_OK;
}

static enum err apply_migrations(struct db_conn *c, const struct plan *p, FILE *out)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < p->migrations.count && e == ERR_OK; i++) {
        const struct sql_file *f = &p->migrations.items[i];
        struct step s = {f->text, f->version, f->name, f->checksum};
        switch (state_of(p, f->version, f->checksum)) {
        case STATE_APPLIED:
            break;
        case STATE_EDITED:
            fprintf(out, "%s: was edited after it landed\n", f->name);
            e = ERR_CONFLICT;
            break;
        case STATE_PENDING:
            e = apply(c, &s, out);
            break;
        }
    }
    return e;
}

static enum err apply_functions(struct db_conn *c, const struct plan *p, FILE *out)
{
    struct buf sql;
    if (state_of(p, 0, p->functions_checksum) == STATE_APPLIED)
        return ERR_OK;
    buf_init(&sql, SCRIPT_MAX_BYTES);
    buf_adds(&sql, "SET LOCAL check_function_bodies = on;\n");
    for (size_t i = 0; i < p->functions.count; i++) {
        buf_adds(&sql, p->functions.items[i].text);
        buf_adds(&sql, "\n;\n"); /* a file may end in a comment or without a semicolon */
    }
    struct step s = {sql.data, 0, "functions", p->functions_checksum};
    enum err e = buf_ok(&sql) ? apply(c, &s, out) : ERR_NO_MEMORY;
    buf_clear(&sql);
    return e;
}

enum err migrate_up(struct db_conn *c, const char *dir, FILE *out)
{
    struct plan p;
    enum err e = plan_files(dir, &p, out);
    if (e != ERR_OK) {
        plan_clear(&p);
        return e;
    }
    if (db_script(c, BEFORE) != DB_NO_ROW)
        e = database_failed(c, out);
    if (e == ERR_OK)
        e = plan_applied(c, &p, out);
    if (e == ERR_OK)
        e = apply_migrations(c, &p, out);
    if (e == ERR_OK)
        e = apply_functions(c, &p, out);
    /* a broken connection has given the lock back already */
    if (db_script(c, AFTER) != DB_NO_ROW && e == ERR_OK)
        e = database_failed(c, out);
    plan_clear(&p);
    return e;
}

static const char *state_name(enum state s)
{
    static const char *const names[] = {"pending", "applied", "edited"};
    return names[s];
}

/* Rows of a newer program are fine behind our last number: the previous binary must still run. */
static int report_unknown(const struct plan *p, FILE *out)
{
    int wrong = 0;
    size_t count = p->migrations.count;
    int last = count == 0 ? 0 : p->migrations.items[count - 1].version;
    for (int i = 0; i < applied_count(p); i++) {
        int64_t version = db_rows_int(p->applied, i, 0);
        bool known = version == 0;
        for (size_t f = 0; f < count; f++)
            known = known || p->migrations.items[f].version == version;
        if (known)
            continue;
        fprintf(out, "%s: %s\n", db_rows_text(p->applied, i, 1),
                version > last ? "newer than this program" : "its file is missing");
        wrong += version <= last;
    }
    return wrong;
}

static enum err report(struct db_conn *c, const char *dir, FILE *out, int *wrong)
{
    struct plan p;
    enum err e = plan_files(dir, &p, out);
    if (e == ERR_OK)
        e = plan_applied(c, &p, out);
    if (e != ERR_OK) {
        plan_clear(&p);
        return e;
    }
    for (size_t i = 0; i < p.migrations.count; i++) {
        const struct sql_file *f = &p.migrations.items[i];
        enum state s = state_of(&p, f->version, f->checksum);
        fprintf(out, "%s: %s\n", f->name, state_name(s));
        *wrong += s != STATE_APPLIED;
    }
    enum state functions = state_of(&p, 0, p.functions_checksum);
    fprintf(out, "functions: %s\n", state_name(functions));
    *wrong += functions != STATE_APPLIED;
    *wrong += report_unknown(&p, out);
    plan_clear(&p);
    return ERR_OK;
}

enum err migrate_status(struct db_conn *c, const char *dir, FILE *out)
{
    int wrong = 0;
    return report(c, dir, out, &wrong);
}

enum err migrate_verify(struct db_conn *c, const char *dir, FILE *out)
{
    int wrong = 0;
    enum err e = report(c, dir, out, &wrong);
    return e == ERR_OK && wrong > 0 ? ERR_CONFLICT : e;
}
