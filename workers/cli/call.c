/* SPDX-License-Identifier: Apache-2.0 */
/* From flags to one API call, and from its problem document to words and an exit code. */
#include <stdlib.h>
#include <string.h>

#include "server/client/client.h"
#include "server/core/json.h"
#include "workers/cli/cli.h"

enum { PATH_MAX_BYTES = 1024, ENCODED_MAX = 400 };

static enum cli_exit exit_of(enum err e, const struct client_reply *r)
{
    if (r->status == 404) {
        return CLI_NOT_FOUND;
    }
    if (r->status == 401 || r->status == 403) {
        return CLI_AUTH;
    }
    return r->status == 0 || err_retryable(e) ? CLI_RETRY : CLI_REFUSED;
}

static void explain(const struct cli *c, enum err e, const struct client_reply *r)
{
    if (r->status == 0) {
        fprintf(stderr, "computefi: %s does not answer: %s\n", c->api, r->detail);
        return;
    }
    fprintf(stderr, "computefi: %s (%s)", err_title(e), r->code[0] ? r->code : "no code");
    if (r->detail[0]) {
        fprintf(stderr, ": %s", r->detail);
    }
    if (r->pointer[0]) {
        fprintf(stderr, " at %s", r->pointer);
    }
    fprintf(stderr, " [%s]\n", r->request_id);
    if (r->status == 401 && !c->key) {
        fputs("computefi: set COMPUTEFI_API_KEY, or give --key-file or --market\n", stderr);
    }
}

enum cli_exit cli_call(const struct cli *c, const char *method, const char *path,
                       const json_t *body, json_t **reply)
{
    struct client_options o = {
        .base_url = c->api, .key = c->key, .timeout_ms = c->timeout_ms ? c->timeout_ms : 30000};
    struct client_call call = {
        .method = method, .path = path, .body = body, .idempotency_key = c->idempotency_key};
    struct client_reply r = {0};
    struct client *http = NULL;
    enum cli_exit code = CLI_OK;
    *reply = NULL;
    if (c->curl) {
        client_print_curl(&o, &call, stdout);
        return CLI_OK;
    }
    if (client_new(&o, &http) != ERR_OK) {
        return CLI_RETRY;
    }
    enum err e = client_run(http, &call, &r);
    if (e == ERR_OK) {
        *reply = json_incref(r.json);
    } else if (e != ERR_EMPTY) {
        explain(c, e, &r);
        code = exit_of(e, &r);
    }
    client_reply_clear(&r);
    client_free(http);
    return code;
}

static json_t *list_value(const char *text)
{
    json_t *list = json_array();
    while (list && *text) {
        size_t len = strcspn(text, ",");
        json_array_append_new(list, json_stringn(text, len));
        text += len + (text[len] == ',');
    }
    return list;
}

static json_t *json_value(const char *text, const char *name)
{
    json_error_t why;
    json_t *v = text[0] == '@' ? json_load_file(text + 1, JSON_REJECT_DUPLICATES, &why)
                               : json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!v) {
        fprintf(stderr, "computefi: --%s: %s (line %d)\n", name, why.text, why.line);
    }
    return v;
}

/* The JSON value of a flag; NULL after saying what is wrong. */
static json_t *flag_json(const struct cli_flag *f, const char *text)
{
    char amount[32];
    int64_t gwei = 0;
    char *end = NULL;
    long long number = 0;
    switch (f->kind) {
    case FLAG_TEXT:
        return json_string(text);
    case FLAG_BOOL:
        return json_true();
    case FLAG_LIST:
        return list_value(text);
    case FLAG_JSON:
        return json_value(text, f->name);
    case FLAG_INT:
        number = strtoll(text, &end, 10);
        if (*text && !*end) {
            return json_integer(number);
        }
        break;
    case FLAG_AMOUNT:
        if (cli_amount(text, &gwei)) {
            snprintf(amount, sizeof amount, "%lld", (long long)gwei);
            return json_string(amount);
        }
        break;
    }
    fprintf(stderr, "computefi: --%s: not %s: %s\n", f->name,
            f->kind == FLAG_INT ? "a whole number" : "an amount (gwei, or 1.5cys)", text);
    return NULL;
}

static bool add_query(char *path, size_t cap, const char *name, const char *value, char *separator)
{
    char encoded[ENCODED_MAX];
    size_t len = strlen(path);
    if (!client_encode(value, encoded, sizeof encoded)) {
        return false;
    }
    int n = snprintf(path + len, cap - len, "%c%s=%s", *separator, name, encoded);
    *separator = '&';
    return n > 0 && (size_t)n < cap - len;
}

static bool build_path(const struct cli *c, char *path, size_t cap)
{
    char encoded[ENCODED_MAX] = "";
    const char *hole = strstr(c->command->path, "%s");
    if (hole && !client_encode(c->args[0], encoded, sizeof encoded)) {
        return false;
    }
    int n = hole ? snprintf(path, cap, "%.*s%s%s", (int)(hole - c->command->path), c->command->path,
                            encoded, hole + 2)
                 : snprintf(path, cap, "%s", c->command->path);
    return n > 0 && (size_t)n < cap;
}

enum cli_exit cli_build(const struct cli *c, char *path, size_t path_cap, json_t **body)
{
    char separator = '?';
    *body = strcmp(c->command->method, "POST") == 0 ? json_object() : NULL;
    if (!build_path(c, path, path_cap)) {
        fputs("computefi: an argument is too long\n", stderr);
        return CLI_USAGE;
    }
    for (int i = 0; i < CLI_FLAGS_MAX && c->command->flags[i].name; i++) {
        const struct cli_flag *f = &c->command->flags[i];
        json_t *value = NULL;
        if (!c->values[i] || f->where == IN_COMMAND) {
            continue;
        }
        if (f->where == IN_QUERY) {
            if (!add_query(path, path_cap, f->member, c->values[i], &separator)) {
                return CLI_USAGE;
            }
            continue;
        }
        value = flag_json(f, c->values[i]);
        if (!value || json_object_set_new(*body, f->member, value) != 0) {
            return CLI_USAGE;
        }
    }
    return CLI_OK;
}

enum cli_exit cli_run_simple(struct cli *c)
{
    char path[PATH_MAX_BYTES];
    json_t *body = NULL;
    json_t *reply = NULL;
    enum cli_exit code = cli_build(c, path, sizeof path, &body);
    if (code == CLI_OK) {
        code = cli_call(c, c->command->method, path, body, &reply);
    }
    if (code == CLI_OK) {
        cli_print(c, reply);
    }
    json_decref(body);
    json_decref(reply);
    return code;
}
