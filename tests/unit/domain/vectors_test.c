/* SPDX-License-Identifier: Apache-2.0 */
/* The published vectors of tests/vectors/domain, which another program wrote from the rules. */
#include "tests/support/cu.h"

#include <jansson.h>
#include <stdlib.h>

#include "server/core/money.h"
#include "server/domain/quorum.h"
#include "server/domain/ranking.h"
#include "server/domain/score.h"
#include "server/domain/settle.h"
#include "server/domain/sortition.h"

enum { BIDS_MAX = 16, SEATS_MAX = 64 };

static json_t *load(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "tests/vectors/domain/%s", name);
    json_t *doc = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(doc);
    return doc;
}

static const char *text_of(const json_t *o, const char *member)
{
    const char *text = json_string_value(json_object_get(o, member));
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    return text;
}

static int64_t amount_of(const json_t *v)
{
    int64_t gwei = -1;
    const char *text = json_string_value(v);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_EQUAL_FATAL(money_parse(text, strlen(text), &gwei), ERR_OK);
    return gwei;
}

static int64_t money_of(const json_t *o, const char *member)
{
    return amount_of(json_object_get(o, member));
}

static int int_of(const json_t *o, const char *member)
{
    const json_t *v = json_object_get(o, member);
    CU_ASSERT_FATAL(json_is_integer(v));
    return (int)json_integer_value(v);
}

static bool bool_of(const json_t *o, const char *member)
{
    const json_t *v = json_object_get(o, member);
    CU_ASSERT_FATAL(json_is_boolean(v));
    return json_is_true(v);
}

static struct uuid uuid_of(const json_t *o, const char *member)
{
    struct uuid id;
    CU_ASSERT_EQUAL_FATAL(uuid_parse(text_of(o, member), &id), ERR_OK);
    return id;
}

static void hash_of(const json_t *o, const char *member, uint8_t out[HASH_BYTES])
{
    CU_ASSERT_EQUAL_FATAL(hex_decode(text_of(o, member), out, HASH_BYTES), ERR_OK);
}

static void test_scores(void)
{
    json_t *doc = load("scores.json");
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        struct score_terms t = {int_of(c, "weight_ppm"), money_of(c, "cap_gwei"),
                                money_of(c, "max_price_gwei")};
        struct score s = score_compute(&t, money_of(c, "price_gwei"), money_of(c, "reserve_gwei"));
        const json_t *want = json_object_get(c, "score");
        CU_ASSERT_EQUAL(s.reserve_ppm, int_of(want, "reserve_ppm"));
        CU_ASSERT_EQUAL(s.price_ppm, int_of(want, "price_ppm"));
        CU_ASSERT_EQUAL(s.total_ppm, int_of(want, "total_ppm"));
    }
    CU_ASSERT_EQUAL(i, 60);
    json_decref(doc);
}

static size_t read_bids(const json_t *c, struct ranking_bid *bids, uint8_t *commitments)
{
    size_t i;
    const json_t *b;
    json_array_foreach(json_object_get(c, "bids"), i, b)
    {
        CU_ASSERT_FATAL(i < BIDS_MAX);
        memset(&bids[i], 0, sizeof bids[i]);
        bids[i].bid = uuid_of(b, "bid");
        bids[i].entity = uuid_of(b, "entity");
        bids[i].price_gwei = money_of(b, "price_gwei");
        bids[i].reserve_gwei = money_of(b, "reserve_gwei");
        bids[i].covered = bool_of(b, "covered");
        hash_of(b, "commitment", commitments + i * HASH_BYTES);
    }
    return i;
}

static void check_roots(const json_t *c, const uint8_t *commitments, size_t count,
                        uint8_t root[HASH_BYTES], uint8_t seed[HASH_BYTES])
{
    uint8_t want[HASH_BYTES];
    struct uuid task = uuid_of(c, "task");
    CU_ASSERT_EQUAL_FATAL(ranking_close_root(&task, commitments, count, root), ERR_OK);
    hash_of(c, "close_root", want);
    CU_ASSERT_EQUAL(memcmp(root, want, HASH_BYTES), 0);
    ranking_seed(&task, int_of(c, "round"), root, seed);
    hash_of(c, "seed", want);
    CU_ASSERT_EQUAL(memcmp(seed, want, HASH_BYTES), 0);
}

static void check_awards(const json_t *c, const struct ranking_bid *bids,
                         const struct award *awards, size_t count)
{
    const json_t *want = json_object_get(c, "awards");
    CU_ASSERT_EQUAL_FATAL(count, json_array_size(want));
    for (size_t i = 0; i < count; i++) {
        const json_t *w = json_array_get(want, i);
        struct uuid bid = uuid_of(w, "bid");
        CU_ASSERT(uuid_equal(&bids[awards[i].bid].bid, &bid));
        CU_ASSERT_EQUAL(awards[i].price_gwei, money_of(w, "price_gwei"));
    }
}

static void check_ranking(const json_t *c, enum ranking_rule rule)
{
    struct ranking_bid bids[BIDS_MAX];
    uint8_t commitments[BIDS_MAX * HASH_BYTES];
    uint8_t root[HASH_BYTES];
    uint8_t seed[HASH_BYTES];
    struct award awards[RANKING_SLOTS_MAX];
    size_t count = read_bids(c, bids, commitments);
    struct ranking_terms t = {
        rule,
        {int_of(c, "weight_ppm"), money_of(c, "cap_gwei"), money_of(c, "max_price_gwei")},
        int_of(c, "winners_max")};
    check_roots(c, commitments, count, root, seed);
    ranking_sort(&t, root, bids, count);
    const json_t *ranked = json_object_get(c, "ranked");
    CU_ASSERT_EQUAL_FATAL(json_array_size(ranked), count);
    for (size_t i = 0; i < count; i++) {
        const json_t *w = json_array_get(ranked, i);
        struct uuid bid = uuid_of(w, "bid");
        CU_ASSERT(uuid_equal(&bids[i].bid, &bid));
        CU_ASSERT_EQUAL(bids[i].rank, (int)i + 1);
        CU_ASSERT_EQUAL(bids[i].score.total_ppm, int_of(w, "score_ppm"));
        CU_ASSERT_EQUAL(bids[i].behind, bool_of(w, "behind"));
    }
    size_t won = ranking_award(&t, seed, bids, count, int_of(c, "slots"), awards);
    check_awards(c, bids, awards, won);
}

static void check_ranking_file(const char *name, enum ranking_rule rule)
{
    json_t *doc = load(name);
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c) check_ranking(c, rule);
    CU_ASSERT_EQUAL(i, 30);
    json_decref(doc);
}

static void test_ranking(void)
{
    check_ranking_file("ranking.json", RANKING_WEIGHTED);
}

static void test_preset_cysic(void)
{
    check_ranking_file("preset_cysic.json", RANKING_CYSIC);
}

static void check_draw(const json_t *c)
{
    struct stake stakes[BIDS_MAX];
    size_t n;
    const json_t *s;
    json_array_foreach(json_object_get(c, "snapshot"), n, s)
    {
        CU_ASSERT_FATAL(n < BIDS_MAX);
        stakes[n] = (struct stake){uuid_of(s, "entity"), money_of(s, "units")};
    }
    stake_sort(stakes, n);
    struct draw_facts f = {.market_id = text_of(c, "market"),
                           .task = uuid_of(c, "task"),
                           .slot = int_of(c, "slot"),
                           .fence = int_of(c, "fence"),
                           .rung = int_of(c, "rung")};
    hash_of(c, "commitment", f.commitment);
    uint8_t want[HASH_BYTES];
    uint8_t seed[HASH_BYTES];
    CU_ASSERT_EQUAL_FATAL(stake_root(stakes, n, f.snapshot_root), ERR_OK);
    hash_of(c, "snapshot_root", want);
    CU_ASSERT_EQUAL(memcmp(f.snapshot_root, want, HASH_BYTES), 0);
    draw_seed(&f, seed);
    hash_of(c, "seed", want);
    CU_ASSERT_EQUAL(memcmp(seed, want, HASH_BYTES), 0);
    size_t out[SEATS_MAX];
    size_t count = 0;
    struct snapshot from = {stakes, n};
    CU_ASSERT_EQUAL_FATAL(sortition_draw(seed, from, int_of(c, "seats"), out, &count), ERR_OK);
    const json_t *drawn = json_object_get(c, "drawn");
    CU_ASSERT_EQUAL_FATAL(count, json_array_size(drawn));
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_EQUAL((json_int_t)out[i], json_integer_value(json_array_get(drawn, i)));
}

static void test_sortition(void)
{
    json_t *doc = load("sortition.json");
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c) check_draw(c);
    CU_ASSERT_EQUAL(i, 30);
    json_decref(doc);
}

static void check_rungs(const json_t *doc, const struct ladder *ladder)
{
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(doc, "rungs"), i, c)
    {
        struct rung r = {0, 0};
        bool ok = ladder_rung(ladder, int_of(c, "rung"), int_of(c, "eligible"), 3, &r);
        CU_ASSERT_EQUAL(ok, bool_of(c, "seatable"));
        CU_ASSERT_EQUAL(r.seats, int_of(c, "seats"));
        CU_ASSERT_EQUAL(r.quorum, int_of(c, "quorum"));
    }
    CU_ASSERT(i > 30);
}

static void test_quorum(void)
{
    json_t *doc = load("quorum.json");
    struct ladder ladder = {.count = 0};
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(doc, "ladder"), i, c)
    {
        ladder.rungs[i] = (struct rung){(int)json_integer_value(json_array_get(c, 0)),
                                        (int)json_integer_value(json_array_get(c, 1))};
        ladder.count++;
    }
    json_array_foreach(json_object_get(doc, "sizes"), i, c)
        CU_ASSERT_EQUAL(quorum_of(int_of(c, "seats")), int_of(c, "quorum"));
    check_rungs(doc, &ladder);
    json_array_foreach(json_object_get(doc, "tallies"), i, c)
    {
        struct rung r = {int_of(c, "seats"), int_of(c, "quorum")};
        struct tally t = {int_of(c, "yes"), int_of(c, "no"), 0};
        t.missing = r.seats - t.yes - t.no;
        CU_ASSERT_STRING_EQUAL(tally_result_name(quorum_tally(r, t, bool_of(c, "last"))),
                               text_of(c, "result"));
    }
    CU_ASSERT(i > 50);
    json_decref(doc);
}

static void check_paid(const json_t *c, const struct settle_split *split,
                       const struct settle_slot *slots, const struct settle_seat *seats)
{
    const json_t *fees = json_object_get(c, "fees");
    const json_t *nets = json_object_get(c, "nets");
    const json_t *paid = json_object_get(c, "seat_nets");
    for (size_t i = 0; i < json_array_size(fees); i++) {
        CU_ASSERT_EQUAL(slots[i].fee_gwei, amount_of(json_array_get(fees, i)));
        CU_ASSERT_EQUAL(slots[i].net_gwei, amount_of(json_array_get(nets, i)));
    }
    for (size_t i = 0; i < json_array_size(paid); i++)
        CU_ASSERT_EQUAL(seats[i].net_gwei, amount_of(json_array_get(paid, i)));
    CU_ASSERT_EQUAL(split->refund_gwei, money_of(c, "refund_gwei"));
}

static void check_split(const json_t *c)
{
    struct settle_slot slots[SETTLE_SLOTS_MAX] = {{0, 0, 0}};
    struct settle_seat seats[SEATS_MAX];
    struct settle_split split = {0, 0, 0, 0};
    struct settle_terms t = {money_of(c, "escrow_gwei"), int_of(c, "fee_ppm"),
                             int_of(c, "pool_ppm")};
    size_t n;
    size_t m;
    const json_t *v;
    json_array_foreach(json_object_get(c, "prices"), n, v) slots[n].price_gwei = amount_of(v);
    json_array_foreach(json_object_get(c, "seats"), m, v) seats[m] =
        (struct settle_seat){int_of(v, "slot"), int_of(v, "weight"), money_of(v, "due_gwei"), 0};
    enum err e = settle_split(&t, slots, n, seats, m, &split);
    CU_ASSERT_EQUAL(e, bool_of(c, "fits") ? ERR_OK : ERR_RANGE);
    if (e == ERR_OK)
        check_paid(c, &split, slots, seats);
}

static void test_settlement(void)
{
    json_t *doc = load("settlement.json");
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c) check_split(c);
    CU_ASSERT_EQUAL(i, 40);
    json_array_foreach(json_object_get(doc, "waterfalls"), i, c)
    {
        struct settle_waterfall w = settle_waterfall(
            money_of(c, "slash_gwei"), money_of(c, "verification"), money_of(c, "difference"));
        CU_ASSERT_EQUAL(w.verification_gwei, money_of(c, "to_verification"));
        CU_ASSERT_EQUAL(w.difference_gwei, money_of(c, "to_difference"));
        CU_ASSERT_EQUAL(w.burn_gwei, money_of(c, "burn"));
    }
    json_decref(doc);
}

CU_MAIN("domain vectors", {"scores", test_scores}, {"ranking with ties", test_ranking},
        {"preset cysic-production", test_preset_cysic}, {"sortition", test_sortition},
        {"ladder and quorum", test_quorum}, {"settlement and slash", test_settlement})
