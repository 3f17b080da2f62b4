/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of operators and auditors, and shell completion. */
#include <stdlib.h>
#include <string.h>

#include "server/db/run.h"
#include "workers/cli/cli.h"
#include "workers/cli/verify_families.h"

enum { INVARIANTS_MAX_BYTES = 1024 * 1024, VIOLATIONS_SHOWN = 20 };

enum cli_exit cli_policy_create(struct cli *c)
{
    const char *text = cli_flag_value(c, "body");
    json_error_t why;
    json_t *body = text[0] == '@' ? json_load_file(text + 1, JSON_REJECT_DUPLICATES, &why)
                                  : json_loads(text, JSON_REJECT_DUPLICATES, &why);
    json_t *reply = NULL;
    if (!body) {
        fprintf(stderr, "computefi: --body: %s\n", why.text);
        return CLI_USAGE;
    }
    enum cli_exit code = cli_call(c, "POST", "/v1/policies", body, &reply);
    if (code == CLI_OK) {
        cli_print(c, reply);
    }
    json_decref(body);
    json_decref(reply);
    return code;
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(INVARIANTS_MAX_BYTES + 1) : NULL;
    size_t len = text ? fread(text, 1, INVARIANTS_MAX_BYTES, f) : 0;
    if (f) {
        fclose(f);
    }
    if (text) {
        text[len] = 0;
    }
    return text;
}

/* Runs one query and prints its violations; -1 when the database refused. */
static long run_invariant(struct db_conn *db, const char *sql, const char *title)
{
    struct db_stmt stmt = {.name = "", .sql = sql, .mode = DB_READ};
    struct db_call call = {.stmt = &stmt};
    struct db_rows *rows = NULL;
    long count = 0;
    switch (db_run(db, &call, &rows)) {
    case DB_NO_ROW:
        return 0;
    case DB_ROW:
        count = db_rows_count(rows);
        for (int i = 0; i < count && i < VIOLATIONS_SHOWN; i++) {
            const char *subject = db_rows_text(rows, i, 1);
            const char *detail = db_rows_text(rows, i, 2);
            printf("VIOLATED  %s\n          %s: %s\n", title, subject ? subject : "-",
                   detail ? detail : "-");
        }
        db_rows_unref(rows);
        return count;
    case DB_CONFLICT:
    case DB_RETRY:
    case DB_FAULT:
        break;
    }
    fprintf(stderr, "computefi: %s: %s\n", title, db_conn_error(db));
    return -1;
}

/* Queries stand after a line "-- invariant: N tag: text" and end with ";" at a line's end. */
static enum cli_exit run_all(struct db_conn *db, char *text, bool json)
{
    static const char MARK[] = "\n-- invariant: ";
    long violations = 0;
    int queries = 0;
    for (char *at = strstr(text, MARK); at;) {
        char *title = at + sizeof MARK - 1;
        char *sql = strchr(title, '\n');
        if (!sql) {
            break;
        }
        *sql++ = 0;
        at = strstr(sql, MARK);
        char *end = at ? at : sql + strlen(sql);
        char keep = *end;
        *end = 0;
        long found = run_invariant(db, sql, title);
        *end = keep;
        if (found < 0) {
            return CLI_RETRY;
        }
        violations += found;
        queries++;
    }
    if (queries == 0) {
        fputs("computefi: the file holds no invariant\n", stderr);
        return CLI_USAGE;
    }
    printf(json ? "{\"invariants\":%d,\"invariant_violations\":%ld}\n"
                : "%d invariants, %ld violations\n",
           queries, violations);
    return violations ? CLI_REFUSED : CLI_OK;
}

enum cli_exit cli_invariants(struct cli *c)
{
    const char *uri = cli_flag_value(c, "db");
    const char *file = cli_flag_value(c, "file");
    struct db_conn *db = NULL;
    if (!uri) {
        uri = json_string_value(cli_member(c->market, "database"));
    }
    if (!uri) {
        fputs("computefi: which database? give --db or --market\n", stderr);
        return CLI_USAGE;
    }
    char *text = read_text(file ? file : "sql/invariants.sql");
    if (!text) {
        fprintf(stderr, "computefi: cannot read %s\n", file ? file : "sql/invariants.sql");
        return CLI_USAGE;
    }
    enum cli_exit code = CLI_RETRY;
    if (db_conn_open(uri, "computefi invariants", &db) == ERR_OK) {
        code = run_all(db, text, c->json);
        db_conn_close(db);
    } else {
        fputs("computefi: the database is unreachable\n", stderr);
    }
    free(text);
    return code;
}

enum cli_exit cli_verify(struct cli *c)
{
    size_t passed = 0;
    size_t failed = 0;
    for (int i = 1; i < c->arg_count; i++) {
        if (verify_family_run(c->args[0], c->args[i], stdout, &passed, &failed) != 0) {
            return CLI_USAGE;
        }
    }
    printf("%zu passed, %zu failed\n", passed, failed);
    return failed || passed == 0 ? CLI_REFUSED : CLI_OK;
}

static void completion_words(FILE *out, const char *noun)
{
    const char *last = "";
    for (size_t i = 0; i < CLI_COMMAND_COUNT; i++) {
        const struct cli_command *k = &CLI_COMMANDS[i];
        if (!noun && strcmp(last, k->noun) != 0) {
            fprintf(out, "%s ", k->noun);
            last = k->noun;
        } else if (noun && strcmp(noun, k->noun) == 0) {
            fprintf(out, "%s ", k->verb);
            for (int f = 0; f < CLI_FLAGS_MAX && k->flags[f].name; f++) {
                fprintf(out, "--%s ", k->flags[f].name);
            }
        }
    }
}

static void complete_bash(FILE *out)
{
    const char *last = "";
    fputs("_computefi() {\n  local w=${COMP_WORDS[COMP_CWORD]} words=\n  case "
          "\"$COMP_CWORD:${COMP_WORDS[1]}\" in\n  1:*) words=\"",
          out);
    completion_words(out, NULL);
    fputs("\" ;;\n", out);
    for (size_t i = 0; i < CLI_COMMAND_COUNT; i++) {
        if (strcmp(last, CLI_COMMANDS[i].noun) != 0) {
            last = CLI_COMMANDS[i].noun;
            fprintf(out, "  *:%s) words=\"", last);
            completion_words(out, last);
            fputs("--json --curl --help\" ;;\n", out);
        }
    }
    fputs("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$w\"))\n}\ncomplete -F _computefi "
          "computefi\n",
          out);
}

static void complete_fish(FILE *out)
{
    for (size_t i = 0; i < CLI_COMMAND_COUNT; i++) {
        const struct cli_command *k = &CLI_COMMANDS[i];
        fprintf(out, "complete -c computefi -n __fish_use_subcommand -f -a %s\n", k->noun);
        if (k->verb[0]) {
            fprintf(out,
                    "complete -c computefi -n '__fish_seen_subcommand_from %s' -f -a %s -d '%s'\n",
                    k->noun, k->verb, k->help);
        }
    }
}

enum cli_exit cli_completion(struct cli *c)
{
    const char *shell = c->args[0];
    if (strcmp(shell, "zsh") == 0) {
        puts("autoload -U +X bashcompinit && bashcompinit");
    } else if (strcmp(shell, "fish") == 0) {
        complete_fish(stdout);
        return CLI_OK;
    } else if (strcmp(shell, "bash") != 0) {
        fputs("computefi: completion takes bash, zsh or fish\n", stderr);
        return CLI_USAGE;
    }
    complete_bash(stdout);
    return CLI_OK;
}
