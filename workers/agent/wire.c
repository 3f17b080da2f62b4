/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/agent/wire.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/core/money.h"

enum err wire_time(const char *text, int64_t *out_ms)
{
    struct tm tm = {0};
    int64_t ms = 0;
    if (text == NULL || strlen(text) < 20)
        return ERR_PARSE;
    const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (p == NULL)
        return ERR_PARSE;
    if (*p == '.') {
        int scale = 100;
        for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
            ms += (*p - '0') * scale;
    }
    if (strcmp(p, "Z") != 0)
        return ERR_PARSE;
    *out_ms = (int64_t)timegm(&tm) * 1000 + ms;
    return ERR_OK;
}

enum err wire_text(const json_t *object, const char *name, char *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (text == NULL || strlen(text) >= cap)
        return ERR_PARSE;
    snprintf(out, cap, "%s", text);
    return ERR_OK;
}

enum err wire_hex(const json_t *object, const char *name, uint8_t *out, size_t len)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL || strlen(text) != 2 * len ? ERR_PARSE : hex_decode(text, out, len);
}

void wire_set_hex(json_t *object, const char *name, const uint8_t *data, size_t len)
{
    char text[2 * SIG_BYTES + 1];
    hex_encode(data, len, text);
    json_object_set_new(object, name, json_string(text));
}

void wire_set_gwei(json_t *object, const char *name, int64_t gwei)
{
    char text[MONEY_TEXT_MAX];
    money_print(gwei, text);
    json_object_set_new(object, name, json_string(text));
}

static enum err read_int(const json_t *object, const char *name, int *out)
{
    const json_t *v = json_object_get(object, name);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > INT_MAX)
        return ERR_PARSE;
    *out = (int)json_integer_value(v);
    return ERR_OK;
}

static enum err read_time(const json_t *object, const char *name, int64_t *out_ms)
{
    return wire_time(json_string_value(json_object_get(object, name)), out_ms);
}

static enum err read_gwei(const json_t *object, const char *name, int64_t *out)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? ERR_PARSE : money_parse(text, strlen(text), out);
}

enum err wire_task_read(const json_t *json, struct wire_task *out)
{
    struct wire_task t = {.opens_until_ms = -1};
    const char *sealing = json_string_value(json_object_get(json, "sealing"));
    const json_t *input = json_object_get(json, "input");
    if (wire_text(json, "id", t.id, sizeof t.id) != ERR_OK ||
        typeid_parse("task", t.id, &t.uuid) != ERR_OK ||
        wire_text(json, "requester_id", t.requester_id, sizeof t.requester_id) != ERR_OK ||
        wire_text(json, "kind", t.kind, sizeof t.kind) != ERR_OK ||
        wire_text(json, "class", t.node_class, sizeof t.node_class) != ERR_OK ||
        wire_hex(json, "input_hash", t.input_hash, sizeof t.input_hash) != ERR_OK ||
        read_int(json, "round", &t.round) != ERR_OK || sealing == NULL ||
        read_gwei(json, "max_price_gwei", &t.max_price_gwei) != ERR_OK ||
        read_time(json, "closes_at", &t.closes_ms) != ERR_OK ||
        read_time(json, "deadline_at", &t.deadline_ms) != ERR_OK)
        return ERR_PARSE;
    if (read_time(json, "opens_until", &t.opens_until_ms) != ERR_OK)
        t.opens_until_ms = -1;
    t.sealed = strcmp(sealing, "operator") != 0;
    t.input = json_is_object(input) ? input : NULL;
    *out = t;
    return ERR_OK;
}

enum err wire_job_read(const json_t *json, struct wire_job *out)
{
    struct wire_job j = {0};
    if (wire_text(json, "id", j.id, sizeof j.id) != ERR_OK ||
        wire_text(json, "state", j.state, sizeof j.state) != ERR_OK ||
        read_int(json, "slot", &j.slot) != ERR_OK || read_int(json, "fence", &j.fence) != ERR_OK ||
        read_time(json, "lease_until", &j.lease_until_ms) != ERR_OK ||
        wire_task_read(json_object_get(json, "task"), &j.task) != ERR_OK)
        return ERR_PARSE;
    j.reveal_open = json_is_true(json_object_get(json, "reveal_open"));
    *out = j;
    return ERR_OK;
}

enum err wire_seat_read(const json_t *json, struct wire_seat *out)
{
    struct wire_seat s = {0};
    const json_t *result = json_object_get(json, "result");
    if (wire_text(json, "id", s.id, sizeof s.id) != ERR_OK ||
        typeid_parse("seat", s.id, &s.uuid) != ERR_OK ||
        wire_text(json, "state", s.state, sizeof s.state) != ERR_OK ||
        read_int(json, "slot", &s.slot) != ERR_OK || read_int(json, "fence", &s.fence) != ERR_OK ||
        read_int(json, "rung", &s.rung) != ERR_OK ||
        read_time(json, "commit_until", &s.commit_until_ms) != ERR_OK ||
        wire_hex(result, "node_key", s.worker_key, sizeof s.worker_key) != ERR_OK ||
        wire_hex(result, "result_digest", s.result_digest, sizeof s.result_digest) != ERR_OK ||
        wire_task_read(json_object_get(json, "task"), &s.task) != ERR_OK)
        return ERR_PARSE;
    s.reveal_open = json_is_true(json_object_get(json, "reveal_open"));
    s.result = json_string_value(json_object_get(result, "result"));
    s.blob_id = json_string_value(json_object_get(result, "blob_id"));
    *out = s;
    return ERR_OK;
}

struct workload_task wire_workload_task(const struct wire_task *t, const char *market_id,
                                        const uint8_t worker_key[PUBKEY_BYTES])
{
    struct workload_task w = {.market_id = market_id,
                              .task = t->uuid,
                              .kind = t->kind,
                              .input = t->input,
                              .deadline_ms = t->deadline_ms};
    memcpy(w.input_hash, t->input_hash, sizeof w.input_hash);
    memcpy(w.worker_key, worker_key, sizeof w.worker_key);
    return w;
}

enum err wire_input_check(const struct wire_task *t, int64_t *work_units,
                          char reason[WORKLOAD_REASON_MAX])
{
    const struct workload *w = workload_find(t->kind);
    char pointer[WORKLOAD_POINTER_MAX] = "";
    uint8_t hash[HASH_BYTES];
    enum err e = ERR_BAD_FIELD;
    if (w == NULL)
        snprintf(reason, WORKLOAD_REASON_MAX, "unknown workload kind");
    else if (t->input == NULL)
        snprintf(reason, WORKLOAD_REASON_MAX, "the kind takes its input inline");
    else if (workload_input_hash(t->input, hash) != ERR_OK ||
             memcmp(hash, t->input_hash, sizeof hash) != 0)
        snprintf(reason, WORKLOAD_REASON_MAX, "the input does not have the stated hash");
    else
        e = w->validate(t->input, work_units, pointer, reason);
    return e;
}
