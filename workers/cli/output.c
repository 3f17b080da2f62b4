/* SPDX-License-Identifier: Apache-2.0 */
/* Replies for people: tables for lists, "name  value" lines for objects, JSON on request. */
#include <stdlib.h>
#include <string.h>

#include "workers/cli/cli.h"

enum { CELL_MAX = 120 };

const json_t *cli_member(const json_t *object, const char *dotted)
{
    const json_t *at = object;
    char name[64];
    while (at && *dotted) {
        size_t len = strcspn(dotted, ".");
        snprintf(name, sizeof name, "%.*s", (int)len, dotted);
        at = json_object_get(at, name);
        dotted += len + (dotted[len] == '.');
    }
    return at;
}

static void value_text(const json_t *v, char *out, size_t cap)
{
    if (!v || json_is_null(v)) {
        snprintf(out, cap, "-");
    } else if (json_is_string(v)) {
        snprintf(out, cap, "%s", json_string_value(v));
    } else {
        char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(out, cap, "%s", text ? text : "?");
        free(text);
    }
    for (char *p = out; *p;
         p++) { /* what the terminal shows is never steered by a stranger's text */
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
}

void cli_member_text(const json_t *object, const char *dotted, char *out, size_t cap)
{
    value_text(cli_member(object, dotted), out, cap);
}

static int column_count(const struct cli_column *columns)
{
    int n = 0;
    while (n < CLI_COLUMNS_MAX && columns[n].title) {
        n++;
    }
    return n;
}

static void measure(const struct cli_column *columns, int n, const json_t *rows, int *widths)
{
    char cell[CELL_MAX];
    for (int k = 0; k < n; k++) {
        widths[k] = (int)strlen(columns[k].title);
        for (size_t i = 0; i < json_array_size(rows); i++) {
            cli_member_text(json_array_get(rows, i), columns[k].member, cell, sizeof cell);
            int len = (int)strlen(cell);
            widths[k] = len > widths[k] ? len : widths[k];
        }
    }
}

static void print_table(const struct cli_column *columns, const json_t *rows)
{
    int widths[CLI_COLUMNS_MAX] = {0};
    char cell[CELL_MAX];
    int n = column_count(columns);
    measure(columns, n, rows, widths);
    for (int k = 0; k < n; k++) {
        printf("%-*s%s", k + 1 < n ? widths[k] : 0, columns[k].title, k + 1 < n ? "  " : "\n");
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        for (int k = 0; k < n; k++) {
            cli_member_text(json_array_get(rows, i), columns[k].member, cell, sizeof cell);
            printf("%-*s%s", k + 1 < n ? widths[k] : 0, cell, k + 1 < n ? "  " : "\n");
        }
    }
}

static void print_object(const json_t *object, int indent)
{
    char cell[1024];
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        bool nested = (json_is_object(value) && json_object_size(value) > 0) ||
                      (json_is_array(value) && json_is_object(json_array_get(value, 0)));
        if (!nested) {
            value_text(value, cell, sizeof cell);
            printf("%*s%-20s %s\n", indent, "", name, cell);
        } else if (json_is_object(value)) {
            printf("%*s%s\n", indent, "", name);
            print_object(value, indent + 2);
        } else {
            for (size_t i = 0; i < json_array_size(value); i++) {
                printf("%*s%s %zu\n", indent, "", name, i + 1);
                print_object(json_array_get(value, i), indent + 2);
            }
        }
    }
}

static void print_ids(const json_t *reply)
{
    const json_t *rows = json_object_get(reply, "data");
    char cell[CELL_MAX];
    for (size_t i = 0; i < (rows ? json_array_size(rows) : 1); i++) {
        cli_member_text(rows ? json_array_get(rows, i) : reply, "id", cell, sizeof cell);
        puts(cell);
    }
}

/* The members around the table; the list itself and the word "list" would only repeat it. */
static void print_around(const json_t *reply, const char *rows_name)
{
    json_t *around = json_copy((json_t *)(uintptr_t)reply);
    if (around) {
        json_object_del(around, rows_name);
        print_object(around, 0);
        putchar('\n');
        json_decref(around);
    }
}

void cli_print_table(const struct cli_command *k, const json_t *rows)
{
    print_table(k->columns, rows);
}

void cli_print(const struct cli *c, const json_t *reply)
{
    const char *rows_name = c->command->rows ? c->command->rows : "data";
    const json_t *rows = json_object_get(reply, rows_name);
    if (!reply) {
        return;
    }
    if (c->json) {
        json_dumpf(reply, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
        putchar('\n');
    } else if (c->quiet) {
        print_ids(reply);
    } else if (json_is_array(rows) && column_count(c->command->columns) > 0) {
        if (c->command->rows) {
            print_around(reply, rows_name);
        }
        print_table(c->command->columns, rows);
        if (json_is_true(json_object_get(reply, "has_more"))) {
            printf("more: --cursor %s\n", json_string_value(json_object_get(reply, "next_cursor")));
        }
    } else {
        print_object(reply, 0);
    }
}
