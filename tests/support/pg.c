/* SPDX-License-Identifier: Apache-2.0 */
/* Finds or starts the private servers of a test run, and copies the migrated template. */
#include "tests/support/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

enum { PATH_MAX_BYTES = 256, URI_MAX_BYTES = 256 };

/* Runs a script of tests/support and keeps its last line of output; the folder is found from
 * COMPUTEFI_SOURCE, else the working directory. Exits the program when the script fails. */
static void run_script(const char *command, char *line_out, size_t cap)
{
    char full[1024];
    char line[PATH_MAX_BYTES];
    const char *source = getenv("COMPUTEFI_SOURCE");
    snprintf(full, sizeof full, "%s/tests/support/%s", source != NULL ? source : ".", command);
    FILE *pipe = popen(full, "r");
    line_out[0] = '\0';
    while (pipe != NULL && fgets(line, sizeof line, pipe) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(line_out, cap, "%s", line);
    }
    if (pipe == NULL || pclose(pipe) != 0 || line_out[0] == '\0') {
        fprintf(stderr, "%s failed\n", full);
        exit(1);
    }
}

/* Socket folder and port of the server: COMPUTEFI_TEST_PG is `DIR:PORT`. */
static const char *pg_address(void)
{
    static char address[PATH_MAX_BYTES];
    if (address[0] != '\0')
        return address;
    const char *given = getenv("COMPUTEFI_TEST_PG");
    if (given != NULL && given[0] != '\0') {
        snprintf(address, sizeof address, "%s", given);
    } else {
        char command[64];
        snprintf(command, sizeof command, "postgres-up --owner %ld", (long)getpid());
        run_script(command, address, sizeof address);
    }
    return address;
}

static int format_uri(char *out, size_t cap, const char *db)
{
    char dir[PATH_MAX_BYTES];
    snprintf(dir, sizeof dir, "%s", pg_address());
    char *colon = strrchr(dir, ':');
    if (colon == NULL) {
        fprintf(stderr, "COMPUTEFI_TEST_PG must be DIR:PORT\n");
        exit(1);
    }
    *colon = '\0';
    int n = snprintf(out, cap, "postgresql://computefi@/%s?host=%s&port=%s", db, dir, colon + 1);
    return n > 0 && (size_t)n < cap ? 0 : -1;
}

const char *test_pg_uri(void)
{
    static char uri[URI_MAX_BYTES];
    if (uri[0] == '\0' && format_uri(uri, sizeof uri, "postgres") != 0)
        exit(1);
    return uri;
}

static int run_sql(const char *sql)
{
    PGconn *conn = PQconnectdb(test_pg_uri());
    PGresult *result = PQstatus(conn) == CONNECTION_OK ? PQexec(conn, sql) : NULL;
    int ok = result != NULL && PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!ok)
        fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    return ok ? 0 : -1;
}

static int create_from(const char *template_db, char *uri_out, size_t cap)
{
    static unsigned serial;
    char name[64];
    char sql[256];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, sizeof name, "t_%ld_%lx%05lx_%u", (long)getpid(), (long)now.tv_sec,
             now.tv_nsec / 1000, serial++);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE %s", name, template_db);
    if (run_sql(sql) != 0)
        return -1;
    return format_uri(uri_out, cap, name);
}

int test_db_create(char *uri_out, size_t cap)
{
    static char template_db[64];
    if (template_db[0] == '\0') {
        char command[PATH_MAX_BYTES + 32];
        snprintf(command, sizeof command, "template-db '%s'", pg_address());
        run_script(command, template_db, sizeof template_db);
    }
    return create_from(template_db, uri_out, cap);
}

int test_db_create_empty(char *uri_out, size_t cap)
{
    return create_from("template0", uri_out, cap);
}

void test_db_drop(const char *uri)
{
    char name[64];
    char sql[256];
    const char *slash = uri != NULL ? strstr(uri, "@/") : NULL;
    if (slash == NULL)
        return;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(slash + 2, "?"), slash + 2);
    snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
    run_sql(sql);
}

const char *test_redis_path(void)
{
    static char path[PATH_MAX_BYTES];
    if (path[0] != '\0')
        return path;
    const char *given = getenv("COMPUTEFI_TEST_REDIS");
    if (given != NULL && given[0] != '\0') {
        snprintf(path, sizeof path, "%s", given);
    } else {
        char command[64];
        snprintf(command, sizeof command, "redis-up --owner %ld", (long)getpid());
        run_script(command, path, sizeof path);
    }
    return path;
}
