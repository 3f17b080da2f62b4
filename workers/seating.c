/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/seating.h"

#include <string.h>

#include "server/core/log.h"
#include "server/core/money.h"
#include "server/domain/sortition.h"
#include "workers/bonds.h"
#include "workers/closing.h"

/* A draw in the making. */
struct draw {
    struct uuid rung_id;
    struct rung rung; /* as drawn */
    struct draw_facts facts;
    uint8_t seed[HASH_BYTES];
    struct stake *stakes; /* parallel to v->eligible */
    size_t *drawn;        /* index of the entity of each seat */
    size_t seats;
    int64_t advanced_gwei;
};

static bool ladder_step(const struct view *v, int number, struct rung *out)
{
    return ladder_rung(&v->policy.ladder, number - 1, (int)v->eligible_count,
                       view_entities_least(v), out);
}

bool seating_possible(const struct view *v, int number)
{
    struct rung r;
    return ladder_step(v, number, &r);
}

bool seating_affordable(const struct view *v, int number)
{
    struct rung r;
    int64_t need = 0;
    int64_t holds = 0;
    for (size_t i = 0; i < v->treasury_count; i++)
        holds += v->treasury[i].balance_gwei;
    return ladder_step(v, number, &r) &&
           money_mul(v->seat_fee_gwei, r.seats + SORTITION_EXTRA_SEATS, &need) == ERR_OK &&
           holds >= need;
}

static bool fill_stakes(struct draw *d, struct view *v, int seats)
{
    d->stakes = arena_alloc(&v->arena, (v->eligible_count + 1) * sizeof *d->stakes);
    d->drawn = arena_alloc(&v->arena, ((size_t)seats + SORTITION_EXTRA_SEATS) * sizeof *d->drawn);
    if (!d->stakes || !d->drawn)
        return false;
    for (size_t i = 0; i < v->eligible_count; i++)
        d->stakes[i] = (struct stake){v->eligible[i].entity, v->eligible[i].units};
    stake_sort(d->stakes, v->eligible_count); /* SQL orders uuids the same way: checked below */
    for (size_t i = 0; i < v->eligible_count; i++)
        if (!uuid_equal(&d->stakes[i].entity, &v->eligible[i].entity))
            return false;
    return true;
}

static enum err draw_now(struct draw *d, struct view *v, const struct rung *wanted)
{
    struct snapshot from = {d->stakes, v->eligible_count};
    enum err e = stake_root(d->stakes, v->eligible_count, d->facts.snapshot_root);
    if (e != ERR_OK)
        return e;
    draw_seed(&d->facts, d->seed);
    e = sortition_draw(d->seed, from, wanted->seats, d->drawn, &d->seats);
    if (e == ERR_OK)
        d->rung = rung_resize(*wanted, (int)d->seats);
    return e;
}

static int weight_of(const struct draw *d, size_t entity)
{
    int weight = 0;
    for (size_t i = 0; i < d->seats; i++)
        weight += d->drawn[i] == entity;
    return weight;
}

/* One row per entity; the bond is what it can lock of 100 fees per seat. */
static struct uuid seat_entity(struct change *c, struct view *v, const struct uuid *rung,
                               struct eligible_view *e, int weight, const struct uuid *replaces)
{
    struct uuid id = uuid_new(c->at_us / US_PER_MS);
    int64_t commit = v->now_us + v->policy.commit_ms * US_PER_MS;
    int64_t lock = 0;
    if (money_mul(v->seat_fee_gwei, v->policy.seat_lock_fees * weight, &lock) != ERR_OK ||
        lock > e->free_gwei)
        lock = e->free_gwei;
    e->free_gwei -= lock;
    change_add(c, "seats",
               json_pack("{s:o,s:o,s:o,s:o,s:o,s:i,s:o,s:I}", "id", json_uuid(&id), "rung",
                         json_uuid(rung), "task", json_uuid(&v->id), "entity",
                         json_uuid(&e->entity), "node", json_uuid(&e->node), "weight", weight,
                         "replaces", replaces ? json_uuid(replaces) : json_null(), "commit_us",
                         (json_int_t)commit));
    const struct bond_order order = {"seat", v->id, id, e->entity, lock};
    bond_open(c, &order);
    change_wake(c, "node", &e->node);
    return id;
}

static json_t *seat_rows(struct change *c, struct view *v, const struct draw *d)
{
    json_t *seats = json_array();
    for (size_t i = 0; i < v->eligible_count; i++) {
        int weight = weight_of(d, i);
        if (weight == 0)
            continue;
        struct uuid id = seat_entity(c, v, &d->rung_id, &v->eligible[i], weight, NULL);
        json_t *seat = json_pack("{s:i}", "weight", weight);
        event_id(seat, "seat", "seat", &id);
        event_id(seat, "entity", "acct", &v->eligible[i].entity);
        json_array_append_new(seats, seat);
    }
    return seats;
}

static json_t *snapshot_json(const struct draw *d, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:o,s:I}", "entity", json_uuid(&d->stakes[i].entity),
                                        "units", (json_int_t)d->stakes[i].units));
    return list;
}

static void write_rung(struct change *c, struct view *v, const struct job_view *j,
                       const struct draw *d)
{
    int64_t commit = v->now_us + v->policy.commit_ms * US_PER_MS;
    int64_t reveal = commit + v->policy.reveal_ms * US_PER_MS;
    bool final = view_is_checked(v, j) || !seating_possible(v, d->facts.rung + 1);
    change_add(c, "rungs",
               json_pack("{s:o,s:o,s:o,s:i,s:i,s:i,s:i,s:i,s:b,s:o,s:o,s:o,s:I,s:I,s:I}", "id",
                         json_uuid(&d->rung_id), "task", json_uuid(&v->id), "job",
                         json_uuid(&j->id), "slot", j->slot, "fence", j->fence, "rung",
                         d->facts.rung, "seat_count", d->rung.seats, "quorum", d->rung.quorum,
                         "final", (int) final, "seed", json_hex(d->seed, HASH_BYTES), "snapshot",
                         snapshot_json(d, v->eligible_count), "root",
                         json_hex(d->facts.snapshot_root, HASH_BYTES), "commit_us",
                         (json_int_t)commit, "reveal_us", (json_int_t)reveal, "advanced",
                         (json_int_t)d->advanced_gwei));
    json_t *payload =
        json_pack("{s:i,s:i,s:i,s:i,s:i,s:b}", "slot", j->slot, "fence", j->fence, "rung",
                  d->facts.rung, "seats", d->rung.seats, "quorum", d->rung.quorum, "grindable", 1);
    event_id(payload, "job", "job", &j->id);
    event_hash(payload, "seed", d->seed, HASH_BYTES);
    event_hash(payload, "snapshot_root", d->facts.snapshot_root, HASH_BYTES);
    event_hash(payload, "commitment", d->facts.commitment, HASH_BYTES);
    json_object_set_new(payload, "committee", seat_rows(c, v, d));
    change_move(c, &v->id, TASK_VERIFYING, EVENT_DRAWN, payload);
}

enum seating_result seating_draw(struct change *c, struct view *v, const struct job_view *j,
                                 int number, const char *market_id)
{
    struct rung wanted;
    if (!ladder_step(v, number, &wanted))
        return SEATING_NO_RUNG;
    struct draw d = {.rung_id = uuid_new(c->at_us / US_PER_MS),
                     .facts = {.market_id = market_id,
                               .task = v->id,
                               .slot = j->slot,
                               .fence = j->fence,
                               .rung = number}};
    memcpy(d.facts.commitment, j->commitment, HASH_BYTES);
    if (!fill_stakes(&d, v, wanted.seats) || draw_now(&d, v, &wanted) != ERR_OK) {
        log_event(LOG_ERROR, "a committee cannot be drawn", "kind", v->kind, (const char *)NULL);
        return SEATING_FAULT;
    }
    if (number > 1 && (money_mul(v->seat_fee_gwei, (int64_t)d.seats, &d.advanced_gwei) != ERR_OK ||
                       !treasury_advance(c, v, &d.rung_id, d.advanced_gwei)))
        return SEATING_FAULT; /* seating_affordable was asked before */
    write_rung(c, v, j, &d);
    return SEATING_DONE;
}

static bool sits(const struct rung_view *r, const struct uuid *entity)
{
    for (size_t i = 0; i < r->seats_count; i++)
        if (uuid_equal(&r->seats[i].entity, entity))
            return true;
    return false;
}

bool seating_replace(struct change *c, struct view *v, struct rung_view *r,
                     const struct seat_view *absent)
{
    struct stake *stakes = arena_alloc(&v->arena, (v->eligible_count + 1) * sizeof *stakes);
    if (!stakes)
        return false;
    for (size_t i = 0; i < v->eligible_count; i++) {
        bool taken = sits(r, &v->eligible[i].entity) || v->eligible[i].units == 0;
        stakes[i] = (struct stake){v->eligible[i].entity, taken ? 0 : v->eligible[i].units};
    }
    uint8_t seed[HASH_BYTES];
    size_t drawn = 0;
    struct snapshot from = {stakes, v->eligible_count};
    replacement_seed(r->seed, &absent->entity, seed);
    if (sortition_draw_one(seed, from, &drawn) != ERR_OK)
        return false;
    struct eligible_view *e = &v->eligible[drawn];
    struct uuid id = seat_entity(c, v, &r->id, e, absent->weight, &absent->id);
    e->units = 0; /* nobody replaces two seats of one rung */
    json_t *payload = json_pack("{s:i,s:i}", "rung", r->rung, "weight", absent->weight);
    event_id(payload, "seat", "seat", &id);
    event_id(payload, "replaces", "seat", &absent->id);
    event_id(payload, "entity", "acct", &e->entity);
    json_object_set_new(payload, "snapshot",
                        snapshot_json(&(struct draw){.stakes = stakes}, v->eligible_count));
    change_note(c, &v->id, EVENT_SEAT_REPLACED, payload);
    return true;
}
