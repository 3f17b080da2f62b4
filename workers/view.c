/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/view.h"

#include <string.h>

#include "server/core/log.h"
#include "server/domain/sortition.h"

enum { VIEW_ARENA_MAX_BYTES = 64 * 1024 * 1024 };

/* Reads members; the first that is missing or of the wrong type is remembered. */
struct reader {
    const json_t *from;
    const char *bad;
};

static const json_t *member(struct reader *r, const char *name)
{
    const json_t *v = json_object_get(r->from, name);
    if (!v && !r->bad)
        r->bad = name;
    return v;
}

static int64_t read_int(struct reader *r, const char *name)
{
    const json_t *v = member(r, name);
    if (!json_is_integer(v) && !json_is_null(v) && !r->bad)
        r->bad = name;
    return json_integer_value(v); /* 0 for null */
}

static bool read_bool(struct reader *r, const char *name)
{
    const json_t *v = member(r, name);
    if (!json_is_boolean(v) && !json_is_null(v) && !r->bad)
        r->bad = name;
    return json_is_true(v);
}

static const char *read_text(struct reader *r, const char *name)
{
    const char *text = json_string_value(member(r, name));
    return text ? text : "";
}

static struct uuid read_uuid(struct reader *r, const char *name)
{
    struct uuid id = {{0}};
    const json_t *v = member(r, name);
    if (!json_is_null(v) &&
        uuid_parse(json_is_string(v) ? json_string_value(v) : "", &id) != ERR_OK && !r->bad)
        r->bad = name;
    return id;
}

static void read_hash(struct reader *r, const char *name, uint8_t out[HASH_BYTES])
{
    const json_t *v = member(r, name);
    memset(out, 0, HASH_BYTES);
    if (!json_is_null(v) &&
        hex_decode(json_is_string(v) ? json_string_value(v) : "", out, HASH_BYTES) != ERR_OK &&
        !r->bad)
        r->bad = name;
}

static int read_choice(struct reader *r, const char *name, const char *const *choices, int count)
{
    const char *text = read_text(r, name);
    for (int i = 0; i < count; i++)
        if (strcmp(choices[i], text) == 0)
            return i;
    if (!r->bad)
        r->bad = name;
    return 0;
}

/* Calls read for each element of an array member; the elements lie in the view's arena. */
typedef void (*read_item)(struct reader *r, struct view *v, void *out);

static void *read_list(struct reader *r, struct view *v, const char *name, size_t size,
                       read_item read, size_t *count)
{
    const json_t *list = member(r, name);
    *count = json_array_size(list);
    char *items = arena_alloc(&v->arena, (*count + 1) * size);
    if (!items) {
        r->bad = "(memory)";
        *count = 0;
        return NULL;
    }
    for (size_t i = 0; i < *count && !r->bad; i++) {
        struct reader item = {json_array_get(list, i), NULL};
        read(&item, v, items + i * size);
        r->bad = item.bad;
    }
    return items;
}

static void read_bid(struct reader *r, struct view *v, void *out)
{
    struct bid_view *b = out;
    (void)v;
    b->id = read_uuid(r, "id");
    b->entity = read_uuid(r, "entity");
    b->owner = read_uuid(r, "owner");
    b->node = read_uuid(r, "node");
    b->lock_bid = read_uuid(r, "lock_bid");
    read_hash(r, "commitment", b->commitment);
    read_hash(r, "salt", b->salt);
    b->opened = read_bool(r, "opened");
    b->suspended = read_bool(r, "suspended");
    b->retired = read_bool(r, "retired");
    b->used = read_bool(r, "used");
    b->price_gwei = read_int(r, "price");
    b->reserve_gwei = read_int(r, "reserve");
    b->free_gwei = read_int(r, "free");
    b->lock_gwei = read_int(r, "lock");
    b->rank = (int)read_int(r, "rank");
}

static void read_job(struct reader *r, struct view *v, void *out)
{
    static const char *const states[] = {
#define J(name, text) text,
        JOB_STATES(J)
#undef J
    };
    struct job_view *j = out;
    (void)v;
    j->id = read_uuid(r, "id");
    j->bid = read_uuid(r, "bid");
    j->entity = read_uuid(r, "entity");
    j->node = read_uuid(r, "node");
    j->bond_id = read_uuid(r, "bond_id");
    read_hash(r, "node_key", j->node_key);
    read_hash(r, "commitment", j->commitment);
    j->slot = (int)read_int(r, "slot");
    j->fence = (int)read_int(r, "fence");
    j->round = (int)read_int(r, "round");
    j->state = (enum job_state)read_choice(r, "state", states, sizeof states / sizeof *states);
    j->check_accepted = strcmp(read_text(r, "check"), "accept") == 0;
    j->price_gwei = read_int(r, "price");
    j->bond_gwei = read_int(r, "bond");
    j->lease_us = read_int(r, "lease_us");
    j->seen_us = read_int(r, "seen_us");
    j->committed_us = read_int(r, "committed_us");
    j->revealed_us = read_int(r, "revealed_us");
}

static void read_seat(struct reader *r, struct view *v, void *out)
{
    static const char *const states[] = {"seated", "committed",  "revealed",
                                         "absent", "unrevealed", "released"};
    struct seat_view *s = out;
    (void)v;
    s->id = read_uuid(r, "id");
    s->entity = read_uuid(r, "entity");
    s->node = read_uuid(r, "node");
    s->bond_id = read_uuid(r, "bond_id");
    struct uuid replaces = read_uuid(r, "replaces");
    s->replacement = !uuid_is_nil(&replaces);
    s->weight = (int)read_int(r, "weight");
    s->state = (enum seat_state)read_choice(r, "state", states, 6);
    s->vote = read_bool(r, "vote");
    s->commit_us = read_int(r, "commit_us");
    s->bond_gwei = read_int(r, "bond");
}

static void read_rung(struct reader *r, struct view *v, void *out)
{
    static const char *const outcomes[] = {"", "accept", "escalate", "refuse", "inconclusive"};
    struct rung_view *g = out;
    g->id = read_uuid(r, "id");
    g->job = read_uuid(r, "job");
    g->rung = (int)read_int(r, "rung");
    g->seat_count = (int)read_int(r, "seat_count");
    g->quorum = (int)read_int(r, "quorum");
    g->final = read_bool(r, "final");
    read_hash(r, "seed", g->seed);
    g->commit_us = read_int(r, "commit_us");
    g->reveal_us = read_int(r, "reveal_us");
    g->from_us = read_int(r, "from_us");
    g->advanced_gwei = read_int(r, "advanced");
    g->outcome = (enum rung_outcome)read_choice(r, "outcome", outcomes, 5);
    g->seats = read_list(r, v, "seats", sizeof *g->seats, read_seat, &g->seats_count);
}

static void read_eligible(struct reader *r, struct view *v, void *out)
{
    struct eligible_view *e = out;
    (void)v;
    e->entity = read_uuid(r, "entity");
    e->node = read_uuid(r, "node");
    e->units = read_int(r, "units");
    e->free_gwei = read_int(r, "free");
}

static void read_shard(struct reader *r, struct view *v, void *out)
{
    struct treasury_view *t = out;
    (void)v;
    t->shard = read_uuid(r, "ref");
    t->balance_gwei = read_int(r, "balance");
}

static void read_challenge(struct reader *r, struct challenge_view *out)
{
    const json_t *c = member(r, "challenge");
    if (!json_is_object(c))
        return;
    struct reader item = {c, NULL};
    out->open = true;
    out->id = read_uuid(&item, "id");
    out->job = read_uuid(&item, "job");
    out->entity = read_uuid(&item, "entity");
    out->bond_id = read_uuid(&item, "bond_id");
    out->bond_gwei = read_int(&item, "bond");
    r->bad = r->bad ? r->bad : item.bad;
}

static void read_terms(struct reader *r, struct view *v)
{
    v->id = read_uuid(r, "id");
    v->requester = read_uuid(r, "requester");
    v->owner = read_uuid(r, "owner");
    v->kind = read_text(r, "kind");
    v->version = (int)read_int(r, "version");
    v->round = (int)read_int(r, "round");
    v->rounds_max = (int)read_int(r, "rounds_max");
    v->replicas = (int)read_int(r, "replicas");
    v->max_price_gwei = read_int(r, "max_price");
    v->seat_fee_gwei = read_int(r, "seat_fee");
    v->promise_gwei = read_int(r, "promise");
    v->held_gwei = read_int(r, "held");
    v->weight_ppm = read_int(r, "rank_weight_ppm");
    v->operator_opens = read_bool(r, "operator");
    v->cancel = read_bool(r, "cancel");
    v->allow = member(r, "allow");
    v->deny = member(r, "deny");
    if (task_state_parse(read_text(r, "state"), &v->state) != ERR_OK && !r->bad)
        r->bad = "state";
}

static void read_times(struct reader *r, struct view *v)
{
    v->now_us = read_int(r, "now_us");
    v->bidding_us = read_int(r, "bidding_ms") * US_PER_MS;
    v->opening_us = read_int(r, "opening_ms") * US_PER_MS;
    v->lease_us = read_int(r, "lease_ms") * US_PER_MS;
    v->closes_us = read_int(r, "closes_us");
    v->opens_us = read_int(r, "opens_us");
    v->deadline_us = read_int(r, "deadline_us");
    v->settle_us = read_int(r, "settle_us");
    v->accepted_us = read_int(r, "accepted_us");
}

static void read_lists(struct reader *r, struct view *v)
{
    v->bids = read_list(r, v, "bids", sizeof *v->bids, read_bid, &v->bids_count);
    v->jobs = read_list(r, v, "jobs", sizeof *v->jobs, read_job, &v->jobs_count);
    v->rungs = read_list(r, v, "rungs", sizeof *v->rungs, read_rung, &v->rungs_count);
    v->eligible =
        read_list(r, v, "eligible", sizeof *v->eligible, read_eligible, &v->eligible_count);
    v->treasury = read_list(r, v, "treasury", sizeof *v->treasury, read_shard, &v->treasury_count);
}

enum err view_parse(const char *text, struct view *out)
{
    memset(out, 0, sizeof *out);
    arena_init(&out->arena, VIEW_ARENA_MAX_BYTES);
    /* our own database wrote it: no limit on its structure */
    out->doc = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct reader r = {out->doc, NULL};
    const char *policy_member = NULL;
    if (out->doc) {
        read_terms(&r, out);
        read_times(&r, out);
        read_lists(&r, out);
        read_challenge(&r, &out->challenge);
        if (!r.bad && policy_parse(member(&r, "policy"), &out->policy, &policy_member) != ERR_OK)
            r.bad = policy_member;
    }
    if (out->doc && !r.bad)
        return ERR_OK;
    log_event(LOG_ERROR, "a task cannot be read", "member", r.bad ? r.bad : "(document)",
              (const char *)NULL);
    view_clear(out);
    return ERR_PARSE;
}

void view_clear(struct view *v)
{
    json_decref(v->doc);
    arena_clear(&v->arena);
    memset(v, 0, sizeof *v);
}

bool job_is_live(const struct job_view *j)
{
    return j->state <= JOB_ACCEPTED;
}

struct job_view *view_live_job(const struct view *v, int slot)
{
    for (size_t i = 0; i < v->jobs_count; i++)
        if (v->jobs[i].slot == slot && job_is_live(&v->jobs[i]))
            return &v->jobs[i];
    return NULL;
}

struct job_view *view_job(const struct view *v, const struct uuid *id)
{
    for (size_t i = 0; i < v->jobs_count; i++)
        if (uuid_equal(&v->jobs[i].id, id))
            return &v->jobs[i];
    return NULL;
}

struct bid_view *view_bid(const struct view *v, const struct uuid *id)
{
    for (size_t i = 0; i < v->bids_count; i++)
        if (uuid_equal(&v->bids[i].id, id))
            return &v->bids[i];
    return NULL;
}

struct rung_view *view_last_rung(const struct view *v, const struct uuid *job)
{
    struct rung_view *last = NULL;
    for (size_t i = 0; i < v->rungs_count; i++)
        if (uuid_equal(&v->rungs[i].job, job) && (!last || v->rungs[i].rung > last->rung))
            last = &v->rungs[i];
    return last;
}

int view_slots(const struct view *v)
{
    int slots = 0;
    for (size_t i = 0; i < v->jobs_count; i++)
        if (v->jobs[i].round == v->round && v->jobs[i].slot >= slots)
            slots = v->jobs[i].slot + 1;
    return slots;
}

bool view_is_checked(const struct view *v, const struct job_view *j)
{
    return v->policy.mechanical_check && j->check_accepted;
}

int view_entities_least(const struct view *v)
{
    int64_t least = v->policy.min_committee_entities;
    return least > SORTITION_ENTITIES_LEAST ? (int)least : SORTITION_ENTITIES_LEAST;
}
