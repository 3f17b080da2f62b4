/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about tasks that are more than one call. */
#include <stdlib.h>
#include <string.h>

#include "server/core/clock.h"
#include "workers/cli/cli.h"

enum { POLL_WAIT_S = 20, WAIT_DEFAULT_MS = 600000, PATH_MAX_BYTES = 512 };

static bool is_final(const char *state)
{
    return strcmp(state, "paid") == 0 || strcmp(state, "refunded") == 0 ||
           strcmp(state, "cancelled") == 0 || strcmp(state, "expired") == 0;
}

static void print_step(const struct cli *c, const json_t *task, const char *state)
{
    char at[40];
    if (!c->json && !c->quiet) {
        clock_rfc3339(clock_wall_ms(), at);
        printf("%s  %-10s code %lld\n", at, state,
               (long long)json_integer_value(json_object_get(task, "code")));
        fflush(stdout);
    }
}

/* Long-polls until the version changes; prints each state once. */
enum cli_exit cli_task_follow(struct cli *c, const char *task)
{
    int64_t until = clock_mono_ms() + (c->timeout_ms ? c->timeout_ms : WAIT_DEFAULT_MS);
    char path[PATH_MAX_BYTES];
    char shown[24] = "";
    json_int_t version = 0;
    json_t *reply = NULL;
    while (clock_mono_ms() < until) {
        snprintf(path, sizeof path, "/v1/tasks/%s?version=%lld&wait=%d", task, (long long)version,
                 POLL_WAIT_S);
        enum cli_exit code = cli_call(c, "GET", path, NULL, &reply);
        if (code != CLI_OK) {
            return code;
        }
        if (c->curl) {
            return CLI_OK;
        }
        const char *state = json_string_value(json_object_get(reply, "state"));
        if (state && strcmp(state, shown) != 0) {
            snprintf(shown, sizeof shown, "%s", state);
            print_step(c, reply, state);
        }
        version = reply ? json_integer_value(json_object_get(reply, "version")) : version;
        if (state && is_final(state)) {
            code = strcmp(state, "paid") == 0 ? CLI_OK : CLI_NOT_PAID;
            if (c->json) {
                cli_print(c, reply);
            }
            json_decref(reply);
            return code;
        }
        json_decref(reply);
        reply = NULL;
    }
    fprintf(stderr, "computefi: the task is still %s\n", shown[0] ? shown : "running");
    return CLI_TIMEOUT;
}

enum cli_exit cli_task_wait(struct cli *c)
{
    return cli_task_follow(c, c->args[0]);
}

enum cli_exit cli_task_submit(struct cli *c)
{
    char path[PATH_MAX_BYTES];
    char id[64];
    json_t *body = NULL;
    json_t *reply = NULL;
    enum cli_exit code = cli_build(c, path, sizeof path, &body);
    if (code == CLI_OK) {
        code = cli_call(c, "POST", path, body, &reply);
    }
    if (code == CLI_OK && reply) {
        bool follow = cli_flag_value(c, "wait") != NULL;
        cli_member_text(reply, "id", id, sizeof id);
        if (!follow || !c->json) {
            cli_print(c, reply);
        }
        if (follow) {
            code = cli_task_follow(c, id);
        }
    }
    json_decref(body);
    json_decref(reply);
    return code;
}

/* Rung by rung: what it needed, what it got, and its seats. */
enum cli_exit cli_committee(struct cli *c)
{
    char path[PATH_MAX_BYTES];
    json_t *body = NULL;
    json_t *reply = NULL;
    json_t *rung = NULL;
    size_t i = 0;
    enum cli_exit code = cli_build(c, path, sizeof path, &body);
    if (code == CLI_OK) {
        code = cli_call(c, "GET", path, NULL, &reply);
    }
    if (code == CLI_OK && (c->json || c->quiet)) {
        cli_print(c, reply);
    } else if (code == CLI_OK) {
        json_array_foreach(json_object_get(reply, "data"), i, rung)
        {
            char cell[5][32];
            static const char *const MEMBERS[] = {"slot", "rung", "seat_count", "quorum",
                                                  "outcome"};
            for (size_t k = 0; k < 5; k++) {
                cli_member_text(rung, MEMBERS[k], cell[k], sizeof cell[k]);
            }
            printf("%sslot %s, rung %s: %s seats, quorum %s: %s\n", i ? "\n" : "", cell[0], cell[1],
                   cell[2], cell[3], cell[4]);
            cli_print_table(c->command, json_object_get(rung, "seats"));
        }
    }
    json_decref(reply);
    return code;
}
