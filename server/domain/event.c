/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/event.h"

#include <string.h>

#include "server/core/bytes.h"
#include "server/core/json.h"
#include "server/core/money.h"

static const struct {
    const char *text;
    bool transition;
} kinds[EVENT_KIND_COUNT] = {
#define E(name, text, transition) {text, transition},
    EVENT_KINDS(E)
#undef E
};

const char *event_kind_text(enum event_kind k)
{
    return kinds[k].text;
}

bool event_kind_is_transition(enum event_kind k)
{
    return kinds[k].transition;
}

void event_money(json_t *payload, const char *member, int64_t gwei)
{
    char text[MONEY_TEXT_MAX];
    money_print(gwei, text);
    json_object_set_new(payload, member, json_string(text));
}

void event_id(json_t *payload, const char *member, const char *prefix, const struct uuid *id)
{
    char text[TYPEID_TEXT_MAX];
    typeid_print(prefix, id, text);
    json_object_set_new(payload, member, json_string(text));
}

void event_hash(json_t *payload, const char *member, const uint8_t *hash, size_t len)
{
    char text[2 * SIG_BYTES + 1] = "";
    if (len <= SIG_BYTES)
        hex_encode(hash, len, text);
    json_object_set_new(payload, member, json_string(text));
}

static int set_text(json_t *o, const char *member, const char *text)
{
    return text ? json_object_set_new(o, member, json_string(text)) : 0;
}

char *event_canonical(const struct event *e)
{
    json_t *o = json_object();
    json_t *payload = e->payload ? json_deep_copy(e->payload) : json_object();
    if (!o || !payload) {
        json_decref(o);
        json_decref(payload);
        return NULL;
    }
    char task[UUID_TEXT_MAX];
    char id[UUID_TEXT_MAX];
    uuid_print(&e->task, task);
    uuid_print(&e->id, id);
    int failed = json_object_set_new(o, "payload", payload) || set_text(o, "id", id) ||
                 json_object_set_new(o, "at_us", json_integer(e->at_us)) ||
                 set_text(o, "kind", e->kind) || set_text(o, "from", e->from) ||
                 set_text(o, "to", e->to) ||
                 set_text(o, "task", uuid_is_nil(&e->task) ? NULL : task) ||
                 (e->seq > 0 && json_object_set_new(o, "seq", json_integer(e->seq)));
    char *text = failed ? NULL : json_canonical(o);
    json_decref(o);
    return text;
}
