/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/change.h"

#include <stdio.h>
#include <string.h>

#include "server/core/bytes.h"

enum { WAKE_MAX_BYTES = 256 * 1024 };

void change_init(struct change *c, int64_t at_us)
{
    memset(c, 0, sizeof *c);
    c->at_us = at_us;
    c->doc = json_pack("{s:I}", "at_us", (json_int_t)at_us);
    c->sets = json_object();
    c->failed = !c->doc || !c->sets;
    buf_init(&c->wake, WAKE_MAX_BYTES);
}

void change_clear(struct change *c)
{
    json_decref(c->doc);
    json_decref(c->sets);
    buf_clear(&c->wake);
    c->doc = NULL;
    c->sets = NULL;
}

static bool add_set(json_t *doc, const char *list, json_t *set)
{
    json_t *items = json_array();
    const char *id;
    json_t *item;
    bool ok = items != NULL;
    json_object_foreach(set, id, item)
    {
        ok = ok && json_array_append(items, item) == 0;
    }
    return json_object_set_new(doc, list, items) == 0 && ok;
}

char *change_text(const struct change *c)
{
    const char *list;
    json_t *set;
    json_t *doc = c->failed ? NULL : json_copy(c->doc);
    bool ok = doc != NULL;
    json_object_foreach(c->sets, list, set)
    {
        ok = ok && add_set(doc, list, set);
    }
    char *text = ok ? json_dumps(doc, JSON_COMPACT) : NULL;
    json_decref(doc);
    return text;
}

void change_set(struct change *c, const char *list, const struct uuid *id, json_t *members)
{
    char key[UUID_TEXT_MAX];
    json_t *set = json_object_get(c->sets, list);
    uuid_print(id, key);
    if (!set) {
        set = json_object();
        c->failed = json_object_set_new(c->sets, list, set) != 0 || c->failed;
    }
    json_t *item = json_object_get(set, key);
    if (item) {
        c->failed = json_object_update(item, members) != 0 || c->failed;
        json_decref(members);
        return;
    }
    c->failed = !members || json_object_set_new(members, "id", json_string(key)) != 0 ||
                json_object_set_new(set, key, members) != 0 || c->failed;
}

void change_add(struct change *c, const char *list, json_t *item)
{
    json_t *items = json_object_get(c->doc, list);
    if (!items) {
        items = json_array();
        if (json_object_set_new(c->doc, list, items) != 0)
            items = NULL;
    }
    if (json_array_append_new(items, item) != 0)
        c->failed = true;
}

int change_transfer(struct change *c, const char *key, const char *kind, const struct uuid *task)
{
    change_add(c, "transfers", json_pack("[s,s,o]", key, kind, json_uuid(task)));
    return ++c->transfers;
}

void change_entry(struct change *c, int transfer, struct ledger_leg leg, int64_t amount_gwei)
{
    if (amount_gwei == 0)
        return;
    change_add(c, "entries",
               json_pack("[i,o,s,o,I]", transfer, json_uuid(&leg.owner), leg.kind,
                         json_uuid(&leg.ref), (json_int_t)amount_gwei));
}

struct ledger_leg leg_entity(const struct uuid *entity, const char *kind)
{
    return (struct ledger_leg){*entity, kind, {{0}}};
}

struct ledger_leg leg_escrow(const struct uuid *requester, const struct uuid *task)
{
    return (struct ledger_leg){*requester, "escrow", *task};
}

struct ledger_leg leg_system(const char *kind, const struct uuid *by)
{
    struct ledger_leg leg = {{{0}}, kind, {{0}}};
    leg.ref.b[UUID_BYTES - 1] = by->b[UUID_BYTES - 1] & 0x0f;
    return leg;
}

void change_move_code(struct change *c, const struct uuid *task, enum task_state to,
                      enum event_kind kind, json_t *payload, int code)
{
    change_add(c, "moves",
               json_pack("{s:o,s:s,s:s,s:i,s:o}", "task", json_uuid(task), "state",
                         task_state_text(to), "kind", event_kind_text(kind), "code", code,
                         "payload", payload ? payload : json_object()));
    change_wake(c, "task", task);
}

void change_move(struct change *c, const struct uuid *task, enum task_state to,
                 enum event_kind kind, json_t *payload)
{
    change_move_code(c, task, to, kind, payload, task_state_code(to));
}

void change_note(struct change *c, const struct uuid *task, enum event_kind kind, json_t *payload)
{
    change_add(c, "notes",
               json_pack("{s:o,s:s,s:o}", "task", json_uuid(task), "kind", event_kind_text(kind),
                         "payload", payload ? payload : json_object()));
}

void change_ask(struct change *c, const char *job, const struct uuid *subject, int64_t due_us)
{
    change_add(c, "asks", json_pack("[s,o,I]", job, json_uuid(subject), (json_int_t)due_us));
}

void change_done(struct change *c, const struct uuid *work, int64_t version)
{
    change_add(c, "done", json_pack("[o,I]", json_uuid(work), (json_int_t)version));
}

void change_wake(struct change *c, const char *prefix, const struct uuid *id)
{
    char text[UUID_TEXT_MAX];
    if (c->wake.len > 0)
        buf_adds(&c->wake, " ");
    buf_adds(&c->wake, prefix);
    if (!id)
        return;
    uuid_print(id, text);
    buf_adds(&c->wake, ":");
    buf_adds(&c->wake, text);
}

json_t *json_uuid(const struct uuid *id)
{
    char text[UUID_TEXT_MAX];
    uuid_print(id, text);
    return json_string(text);
}

json_t *json_hex(const uint8_t *bytes, size_t len)
{
    char text[2 * SIG_BYTES + 1] = "";
    if (len > SIG_BYTES)
        return NULL;
    hex_encode(bytes, len, text);
    return json_string(text);
}
