/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/bonds.h"

#include <assert.h>
#include <stdio.h>

#include "workers/view.h"

enum { KEY_MAX = 120 };

static void format_key(char out[KEY_MAX], const char *format, const struct uuid *id)
{
    char text[UUID_TEXT_MAX];
    uuid_print(id, text);
    snprintf(out, KEY_MAX, "%s:%s", format, text);
}

void bond_open(struct change *c, const struct bond_order *o)
{
    if (o->amount_gwei == 0)
        return;
    char key[KEY_MAX];
    char kind[32];
    struct uuid id = uuid_new(c->at_us / US_PER_MS);
    snprintf(kind, sizeof kind, "%s_bond", o->purpose);
    format_key(key, kind, &o->subject);
    int t = change_transfer(c, key, kind, &o->task);
    change_entry(c, t, leg_entity(&o->entity, "reserve"), -o->amount_gwei);
    change_entry(c, t, leg_entity(&o->entity, "bond"), o->amount_gwei);
    change_add(c, "bonds",
               json_pack("{s:o,s:o,s:s,s:o,s:o,s:I}", "id", json_uuid(&id), "entity",
                         json_uuid(&o->entity), "purpose", o->purpose, "task", json_uuid(&o->task),
                         "subject", json_uuid(&o->subject), "amount", (json_int_t)o->amount_gwei));
}

/* One transfer gives back all that a change frees: its key names the first bond or bid lock. */
static void give_back(struct change *c, const struct locked *l, int64_t amount_gwei)
{
    char key[KEY_MAX];
    if (amount_gwei == 0)
        return;
    if (c->release == 0) {
        format_key(key, "release", uuid_is_nil(&l->bond) ? &l->lock_bid : &l->bond);
        c->release = change_transfer(c, key, "release", &l->task);
    }
    change_entry(c, c->release, leg_entity(&l->entity, "bond"), -amount_gwei);
    change_entry(c, c->release, leg_entity(&l->entity, "reserve"), amount_gwei);
}

static void close_lock(struct change *c, const struct locked *l, int64_t slash_gwei)
{
    if (uuid_is_nil(&l->bond))
        change_add(c, "locks",
                   json_pack("{s:o,s:s}", "id", json_uuid(&l->lock_bid), "state",
                             slash_gwei > 0 ? "slashed" : "released"));
    else
        change_add(
            c, "bonds_closed",
            json_pack("{s:o,s:I}", "id", json_uuid(&l->bond), "slashed", (json_int_t)slash_gwei));
}

void locked_release(struct change *c, const struct locked *l)
{
    if (l->amount_gwei == 0)
        return;
    close_lock(c, l, 0);
    give_back(c, l, l->amount_gwei);
}

static json_t *uuid_or_null(const struct uuid *id)
{
    return uuid_is_nil(id) ? json_null() : json_uuid(id);
}

int locked_slash(struct change *c, const struct locked *l, int64_t slash_gwei, const char *reason,
                 json_t *evidence)
{
    assert(slash_gwei >= 0 && slash_gwei <= l->amount_gwei);
    if (slash_gwei == 0) {
        locked_release(c, l);
        json_decref(evidence);
        return 0;
    }
    char key[KEY_MAX];
    struct uuid id = uuid_new(c->at_us / US_PER_MS);
    bool is_bond = !uuid_is_nil(&l->bond);
    format_key(key, "slash", is_bond ? &l->bond : &l->lock_bid);
    int t = change_transfer(c, key, "slash", &l->task);
    change_entry(c, t, leg_entity(&l->entity, "bond"), -slash_gwei);
    change_entry(c, t, leg_system("issued", &l->entity), slash_gwei);
    change_entry(c, t, leg_system("staked", &l->entity), -slash_gwei);
    close_lock(c, l, slash_gwei);
    give_back(c, l, l->amount_gwei - slash_gwei);
    json_t *payload = json_deep_copy(evidence);
    event_money(payload, "amount", slash_gwei);
    json_object_set_new(payload, "reason", json_string(reason));
    event_id(payload, "entity", "acct", &l->entity);
    change_note(c, &l->task, EVENT_SLASHED, payload);
    change_add(c, "slashes",
               json_pack("{s:o,s:o,s:o,s:o,s:o,s:I,s:s,s:o,s:i}", "id", json_uuid(&id), "entity",
                         json_uuid(&l->entity), "task", json_uuid(&l->task), "bond",
                         uuid_or_null(&l->bond), "bid",
                         is_bond ? json_null() : json_uuid(&l->lock_bid), "amount",
                         (json_int_t)slash_gwei, "reason", reason, "evidence", evidence, "transfer",
                         t));
    return t;
}

void slash_burn(struct change *c, int transfer, const struct uuid *by, int64_t amount_gwei)
{
    change_entry(c, transfer, leg_system("burn", by), amount_gwei);
}
