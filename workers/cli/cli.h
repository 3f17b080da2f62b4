/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: every command that is one API call is a row of commands.c; the rest are
 * functions of their own. */
#ifndef CF_WORKERS_CLI_CLI_H
#define CF_WORKERS_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "server/core/err.h"

enum { CLI_FLAGS_MAX = 24, CLI_COLUMNS_MAX = 10, CLI_ARGS_MAX = 64 };

/* Exit codes that scripts can use. */
enum cli_exit {
    CLI_OK = 0,
    CLI_REFUSED = 1,   /* the API or a check said no */
    CLI_USAGE = 2,     /* the command line is wrong */
    CLI_NOT_FOUND = 3, /* no such resource */
    CLI_AUTH = 4,      /* key missing, revoked or without the scope */
    CLI_RETRY = 5,     /* unreachable or busy: the same call may work later */
    CLI_NOT_PAID = 6,  /* task wait: the task ended, but not paid */
    CLI_TIMEOUT = 7    /* task wait: still running when the time was up */
};

enum cli_flag_kind { FLAG_TEXT, FLAG_INT, FLAG_AMOUNT, FLAG_BOOL, FLAG_JSON, FLAG_LIST };
enum cli_where { IN_BODY, IN_QUERY, IN_COMMAND /* for the command's own use */ };

struct cli_flag {
    const char *name;   /* without the dashes */
    const char *member; /* of the body or query */
    enum cli_flag_kind kind;
    enum cli_where where;
    bool required;
    const char *help;
};

struct cli_column {
    const char *title;
    const char *member; /* "a.b" descends */
};

struct cli_command;
struct cli;

typedef enum cli_exit (*cli_run)(struct cli *c);

struct cli_command {
    const char *noun;
    const char *verb;
    const char
        *args; /* "TASK" positional arguments, space-separated, as in {..} of path; "" none */
    const char *help;
    const char *example;
    const char *method; /* NULL: run does everything */
    const char *path;   /* "/v1/tasks/%s" */
    struct cli_flag flags[CLI_FLAGS_MAX];
    struct cli_column columns[CLI_COLUMNS_MAX];
    const char *rows; /* member that holds the list to show as a table; NULL: "data" */
    cli_run run;      /* NULL: one call, then print */
};

extern const struct cli_command CLI_COMMANDS[];
extern const size_t CLI_COMMAND_COUNT;

/* One invocation. Strings are borrowed from argv, the environment, or market (owned). */
struct cli {
    const struct cli_command *command;
    const char *api;
    const char *key;
    char key_text[256]; /* of --key-file */
    const char *idempotency_key;
    bool json;
    bool curl;
    bool quiet;
    int64_t timeout_ms;
    const char *args[CLI_ARGS_MAX];
    int arg_count;
    const char *values[CLI_FLAGS_MAX]; /* by index of command->flags; "" for a set FLAG_BOOL */
    json_t *market;                    /* of --market, owned */
};

/* args.c: parses argv, or prints what is wrong and answers CLI_USAGE. *done: help was printed. */
enum cli_exit cli_parse(int argc, char **argv, struct cli *c, bool *done);
const char *cli_flag_value(const struct cli *c, const char *name);
/* "1500", "1.5cys" -> gwei; false when malformed. */
bool cli_amount(const char *text, int64_t *out_gwei);
void cli_help(FILE *out);
/* Every command of a noun; false when there is none. */
bool cli_help_noun(FILE *out, const char *noun);
void cli_help_command(FILE *out, const struct cli_command *k);

/* call.c: one API call. body is borrowed; *reply (owned by the caller) is NULL for an empty reply.
 * Prints problems. */
enum cli_exit cli_call(const struct cli *c, const char *method, const char *path,
                       const json_t *body, json_t **reply);
/* Body and query of the command from its flags; prints what is wrong. */
enum cli_exit cli_build(const struct cli *c, char *path, size_t path_cap, json_t **body);
enum cli_exit cli_run_simple(struct cli *c);

/* output.c */
void cli_print(const struct cli *c, const json_t *reply);
void cli_print_table(const struct cli_command *k, const json_t *rows);
const json_t *cli_member(const json_t *object, const char *dotted);
void cli_member_text(const json_t *object, const char *dotted, char *out, size_t cap);

/* commands of their own */
enum cli_exit cli_task_submit(struct cli *c);
enum cli_exit cli_task_wait(struct cli *c);
enum cli_exit cli_task_follow(struct cli *c, const char *task);
enum cli_exit cli_committee(struct cli *c);
enum cli_exit cli_policy_create(struct cli *c);
enum cli_exit cli_invariants(struct cli *c);
enum cli_exit cli_verify(struct cli *c);
enum cli_exit cli_completion(struct cli *c);

#endif
