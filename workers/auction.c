/* SPDX-License-Identifier: Apache-2.0 */
/* Closes auctions, judges the openings, ranks the valid bids and awards the slots. */
#include <stdio.h>
#include <string.h>

#include "server/core/money.h"
#include "server/domain/protocol.h"
#include "server/domain/settle.h"
#include "workers/closing.h"
#include "workers/runner.h"
#include "workers/slots.h"

enum { REASON_MAX = 80, WAIT_FOR_VERIFIERS_MS = 1000 };

/* A counting bid while it is judged. */
struct judged {
    struct bid_view *bid;
    enum bid_verdict verdict;
};

struct auction {
    struct worker *worker;
    struct view *v;
    struct change *c;
    struct judged *judged;
    struct ranking_bid *valid; /* sorted by rank */
    size_t valid_count;
    struct ranking_terms terms;
    uint8_t close_root[HASH_BYTES];
    uint8_t seed[HASH_BYTES];
    struct award awards[RANKING_SLOTS_MAX];
    size_t award_count;
    json_t *jobs; /* payloads of the awards */
};

static bool lists(const json_t *list, const struct uuid *entity)
{
    char text[UUID_TEXT_MAX];
    size_t i;
    const json_t *item;
    uuid_print(entity, text);
    json_array_foreach(list, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

static bool matches(const struct auction *a, const struct bid_view *b)
{
    uint8_t hash[HASH_BYTES];
    struct protocol_bid p = {a->worker->market_id, a->v->id, b->entity, b->node,
                             b->price_gwei,        {0}};
    memcpy(p.salt, b->salt, SALT_BYTES);
    protocol_bid_commitment(&p, hash);
    return memcmp(hash, b->commitment, HASH_BYTES) == 0;
}

static enum bid_verdict judge(const struct auction *a, const struct bid_view *b)
{
    const struct view *v = a->v;
    const struct bid_facts f = {
        .opened = b->opened,
        .matches = b->opened && matches(a, b),
        .own_task = uuid_equal(&b->owner, &v->owner),
        .admitted =
            (json_is_null(v->allow) || lists(v->allow, &b->entity)) && !lists(v->deny, &b->entity),
        .suspended = b->suspended,
        .node_retired = b->retired,
        .price_gwei = b->price_gwei,
        .ceiling_gwei = v->max_price_gwei,
        .reserve_gwei = b->reserve_gwei,
        .least_reserve_gwei = 0, /* the pledge was checked at the admission */
    };
    return bid_judge(&f);
}

static bool judge_all(struct auction *a)
{
    struct view *v = a->v;
    int64_t bond = slot_bond_gwei(v);
    a->judged = arena_alloc(&v->arena, (v->bids_count + 1) * sizeof *a->judged);
    a->valid = arena_alloc(&v->arena, (v->bids_count + 1) * sizeof *a->valid);
    uint8_t *commitments = arena_alloc(&v->arena, (v->bids_count + 1) * HASH_BYTES);
    if (!a->judged || !a->valid || !commitments)
        return false;
    for (size_t i = 0; i < v->bids_count; i++) {
        struct bid_view *b = &v->bids[i];
        memcpy(commitments + i * HASH_BYTES, b->commitment, HASH_BYTES);
        a->judged[i] = (struct judged){b, judge(a, b)};
        if (a->judged[i].verdict != BID_VALID)
            continue;
        struct ranking_bid *r = &a->valid[a->valid_count++];
        r->bid = b->id;
        r->entity = b->entity;
        r->price_gwei = b->price_gwei;
        r->reserve_gwei = b->reserve_gwei;
        r->covered = b->free_gwei + b->lock_gwei >= bond; /* the lock is given back first */
    }
    return ranking_close_root(&v->id, commitments, v->bids_count, a->close_root) == ERR_OK;
}

static void rank(struct auction *a)
{
    const struct view *v = a->v;
    a->terms =
        (struct ranking_terms){v->policy.rule,
                               {v->weight_ppm, v->policy.reserve_cap_gwei, v->max_price_gwei},
                               (int)v->policy.max_winners};
    ranking_sort(&a->terms, a->close_root, a->valid, a->valid_count);
    ranking_seed(&v->id, v->round, a->close_root, a->seed);
    if (a->valid_count > 0)
        a->award_count =
            ranking_award(&a->terms, a->seed, a->valid, a->valid_count, v->replicas, a->awards);
}

/* Cysic's rule has one to three winners; elsewhere replicas that nobody fills cannot agree. */
static bool enough(const struct auction *a)
{
    if (a->v->policy.rule == RANKING_CYSIC)
        return a->award_count > 0;
    return a->award_count == (size_t)a->v->replicas;
}

static const struct award *award_of(const struct auction *a, size_t bid)
{
    for (size_t i = 0; i < a->award_count; i++)
        if (a->awards[i].bid == bid)
            return &a->awards[i];
    return NULL;
}

static size_t last_winner(const struct auction *a)
{
    size_t last = 0;
    for (size_t i = 0; i < a->award_count; i++)
        if (a->awards[i].bid > last)
            last = a->awards[i].bid;
    return last;
}

static void write_verdict(struct auction *a, const struct ranking_bid *r, const char *verdict,
                          const char *reason)
{
    change_set(a->c, "bids", &r->bid,
               json_pack("{s:s,s:s,s:i,s:I,s:I,s:I}", "verdict", verdict, "reason", reason, "rank",
                         r->rank, "score", (json_int_t)r->score.total_ppm, "reserve",
                         (json_int_t)r->score.reserve_ppm, "price",
                         (json_int_t)r->score.price_ppm));
}

static void note_skip(struct auction *a, const struct ranking_bid *r)
{
    json_t *payload = json_pack("{s:s,s:i}", "reason", "insufficient_reserve", "rank", r->rank);
    event_id(payload, "bid", "bid", &r->bid);
    event_id(payload, "entity", "acct", &r->entity);
    change_note(a->c, &a->v->id, EVENT_SKIPPED, payload);
}

static void write_ranked(struct auction *a, bool awarded)
{
    char reason[REASON_MAX];
    for (size_t i = 0; i < a->valid_count; i++) {
        const struct ranking_bid *r = &a->valid[i];
        const struct award *won = awarded ? award_of(a, i) : NULL;
        view_bid(a->v, &r->bid)->rank = r->rank;
        if (won) {
            write_verdict(a, r, "won", award_reason_text(won->reason));
        } else if (!r->covered && (!awarded || i < last_winner(a))) {
            write_verdict(a, r, "skipped", "free reserve does not cover the bond");
            note_skip(a, r);
        } else {
            snprintf(reason, sizeof reason, "rank %d of %zu%s", r->rank, a->valid_count,
                     r->behind ? ", dearer than reserve may buy" : "");
            write_verdict(a, r, "lost", reason);
        }
    }
}

static void write_refused(struct auction *a)
{
    for (size_t i = 0; i < a->v->bids_count; i++) {
        const struct judged *j = &a->judged[i];
        if (j->verdict == BID_VALID)
            continue;
        const char *code = bid_verdict_code(j->verdict);
        change_set(a->c, "bids", &j->bid->id,
                   json_pack("{s:s,s:s}", "verdict",
                             j->verdict == BID_UNOPENED ? "unopened" : "refused", "reason", code));
        json_t *payload = json_pack("{s:s}", "verdict", code);
        event_id(payload, "bid", "bid", &j->bid->id);
        event_id(payload, "entity", "acct", &j->bid->entity);
        change_note(a->c, &a->v->id, EVENT_BID_JUDGED, payload);
    }
}

/* An opened bid gets its lock back, an unopened one loses it. */
static void settle_locks(struct auction *a)
{
    struct view *v = a->v;
    for (size_t i = 0; i < v->bids_count; i++) {
        struct bid_view *b = a->judged[i].bid;
        struct locked lock = {v->id, b->entity, {{0}}, b->lock_bid, b->lock_gwei};
        if (a->judged[i].verdict != BID_UNOPENED) {
            locked_release(a->c, &lock);
            b->free_gwei += b->lock_gwei;
        } else if (b->lock_gwei > 0) {
            json_t *evidence = json_object();
            event_id(evidence, "bid", "bid", &b->id);
            event_hash(evidence, "commitment", b->commitment, HASH_BYTES);
            int t = locked_slash(a->c, &lock, b->lock_gwei, "unopened", evidence);
            slash_burn(a->c, t, &v->id, b->lock_gwei);
        }
        b->lock_gwei = 0;
    }
}

static void award_slots(struct auction *a)
{
    struct view *v = a->v;
    int64_t due = INT64_MAX;
    json_t *jobs = json_array();
    for (size_t i = 0; i < a->award_count; i++) {
        struct bid_view *b = view_bid(v, &a->valid[a->awards[i].bid].bid);
        json_t *job = slot_award(a->c, v, b, (int)i, a->awards[i].price_gwei);
        json_object_set_new(job, "why", json_string(award_reason_text(a->awards[i].reason)));
        json_array_append_new(jobs, job);
    }
    int64_t lease = v->now_us + v->lease_us;
    int64_t silent = v->now_us + v->policy.heartbeat_ms * 3 * US_PER_MS;
    due = lease < silent ? lease : silent;
    json_t *payload = json_pack("{s:i,s:i,s:o}", "round", v->round, "valid_bids",
                                (int)a->valid_count, "jobs", jobs);
    event_hash(payload, "close_root", a->close_root, HASH_BYTES);
    change_move(a->c, &v->id, TASK_ASSIGNED, EVENT_AWARDED, payload);
    change_ask(a->c, "dispatch", &v->id, due < v->deadline_us ? due : v->deadline_us);
}

/* Nobody, or too few, can work: another round, or the end. */
static void give_up(struct auction *a)
{
    if (slots_reopen(a->c, a->v, a->valid_count == 0 ? "no valid bid" : "too few bids can work"))
        return;
    close_refund(a->c, a->v, TASK_EXPIRED, task_state_code(TASK_EXPIRED),
                 a->v->bids_count == 0 ? "nobody bid" : "no bid could be awarded");
}

static void award(struct auction *a)
{
    rank(a);
    bool awarded = enough(a);
    write_refused(a);
    write_ranked(a, awarded);
    settle_locks(a);
    if (awarded)
        award_slots(a);
    else
        give_up(a);
}

/* No award without a committee that could judge the work: the task waits, then ends. */
static bool committee_missing(struct auction *a)
{
    const struct view *v = a->v;
    struct rung first;
    return v->policy.committee && !ladder_rung(&v->policy.ladder, 0, (int)v->eligible_count,
                                               view_entities_least(v), &first);
}

static void wait_for_verifiers(struct auction *a)
{
    struct view *v = a->v;
    if (v->now_us >= v->deadline_us) {
        close_refund(a->c, v, TASK_REFUNDED, TASK_CODE_NO_VERIFIERS,
                     "no committee could be seated");
        return;
    }
    int64_t due = v->now_us + WAIT_FOR_VERIFIERS_MS * US_PER_MS;
    change_ask(a->c, "auction", &v->id, due < v->deadline_us ? due : v->deadline_us);
}

static bool all_opened(const struct view *v)
{
    for (size_t i = 0; i < v->bids_count; i++)
        if (!v->bids[i].opened)
            return false;
    return true;
}

static void close_bidding(struct auction *a)
{
    struct view *v = a->v;
    json_t *payload =
        json_pack("{s:i,s:i}", "round", v->round, "counting_bids", (int)v->bids_count);
    event_hash(payload, "close_root", a->close_root, HASH_BYTES);
    change_move(a->c, &v->id, TASK_OPENING, EVENT_CLOSED, payload);
    for (size_t i = 0; i < v->bids_count; i++)
        change_wake(a->c, "node", &v->bids[i].node);
}

static bool decide(struct worker *w, struct view *v, struct change *c, void *scratch)
{
    struct auction a = {.worker = w, .v = v, .c = c};
    (void)scratch;
    if ((v->state != TASK_OPEN && v->state != TASK_OPENING) || v->cancel)
        return true; /* awarded already, or the settle job finishes a cancel */
    if (v->now_us < v->closes_us) {
        change_ask(c, "auction", &v->id, v->closes_us);
        return true;
    }
    if (!judge_all(&a))
        return false;
    if (v->state == TASK_OPEN)
        close_bidding(&a);
    if (v->bids_count > 0 && v->now_us < v->opens_us && !all_opened(v))
        change_ask(c, "auction", &v->id, v->opens_us);
    else if (v->bids_count > 0 && committee_missing(&a))
        wait_for_verifiers(&a);
    else
        award(&a);
    return true;
}

int auction_run(struct worker *w)
{
    const struct task_job job = {.name = "auction", .batch = 1, .decide = decide};
    return runner_run(w, &job);
}
