/* SPDX-License-Identifier: Apache-2.0 */
/* Properties that hold for any input, and the corners of policies, states and events. */
#include "tests/support/cu.h"

#include <stdlib.h>

#include "server/core/money.h"
#include "server/domain/event.h"
#include "server/domain/policy.h"
#include "server/domain/settle.h"
#include "server/domain/sortition.h"
#include "server/domain/task_state.h"
#include "server/domain/units.h"

enum { ROUNDS = 2000, BIDS = 9 };

/* xorshift: the same inputs on every run. */
static uint64_t state = 4399;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static int64_t upto(int64_t most)
{
    return (int64_t)(next_random() % ((uint64_t)most + 1));
}

static struct uuid any_uuid(void)
{
    struct uuid id;
    for (int i = 0; i < UUID_BYTES; i++)
        id.b[i] = (uint8_t)next_random();
    return id;
}

static void test_score_monotone(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct score_terms t = {upto(500000), 1 + upto(MONEY_MAX_GWEI - 1),
                                1 + upto(MONEY_MAX_GWEI - 1)};
        int64_t price = upto(t.max_price_gwei);
        int64_t reserve = upto(MONEY_MAX_GWEI);
        int64_t total = score_compute(&t, price, reserve).total_ppm;
        CU_ASSERT(total >= 0 && total <= PPM);
        CU_ASSERT(score_compute(&t, upto(price), reserve).total_ppm >= total);
        CU_ASSERT(score_compute(&t, price, upto(reserve)).total_ppm <= total);
    }
}

static void fill_bids(struct ranking_bid *bids, int64_t top)
{
    memset(bids, 0, BIDS * sizeof *bids);
    for (int i = 0; i < BIDS; i++) {
        bids[i].bid = any_uuid();
        bids[i].entity = any_uuid();
        bids[i].price_gwei = i % 3 == 0 ? top / 2 : upto(top);
        bids[i].reserve_gwei = i % 2 == 0 ? 1000 : upto(5000);
        bids[i].covered = upto(9) > 0;
    }
}

static void shuffle(struct ranking_bid *bids)
{
    for (int i = BIDS - 1; i > 0; i--) {
        int64_t j = upto(i);
        struct ranking_bid swap = bids[i];
        bids[i] = bids[j];
        bids[j] = swap;
    }
}

static void test_permutation_of_bids_does_not_matter(void)
{
    for (int i = 0; i < 300; i++) {
        struct ranking_bid a[BIDS];
        struct ranking_bid b[BIDS];
        struct award won_a[RANKING_SLOTS_MAX];
        struct award won_b[RANKING_SLOTS_MAX];
        uint8_t root[HASH_BYTES] = {(uint8_t)i};
        struct ranking_terms t = {
            i % 2 ? RANKING_CYSIC : RANKING_WEIGHTED, {upto(500000), 4000, 1000}, 3};
        fill_bids(a, 1000);
        memcpy(b, a, sizeof a);
        shuffle(b);
        ranking_sort(&t, root, a, BIDS);
        ranking_sort(&t, root, b, BIDS);
        CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
        size_t n = ranking_award(&t, root, a, BIDS, 3, won_a);
        CU_ASSERT_EQUAL(ranking_award(&t, root, b, BIDS, 3, won_b), n);
        for (size_t k = 0; k < n; k++) {
            CU_ASSERT_EQUAL(won_a[k].bid, won_b[k].bid);
            CU_ASSERT(a[won_a[k].bid].covered);
            CU_ASSERT(won_a[k].price_gwei <= a[won_a[k].bid].price_gwei);
        }
    }
}

static void test_behind_rule_bounds_what_reserve_buys(void)
{
    uint8_t root[HASH_BYTES] = {0};
    struct ranking_terms t = {RANKING_WEIGHTED, {100000, 1000, 1000000}, 16};
    struct ranking_bid bids[2] = {
        {.bid = any_uuid(), .entity = any_uuid(), .price_gwei = 90, .reserve_gwei = 0},
        {.bid = any_uuid(), .entity = any_uuid(), .price_gwei = 100, .reserve_gwei = 1000}};
    ranking_sort(&t, root, bids, 2); /* 100 = 90 * 10/9: just within */
    CU_ASSERT_EQUAL(bids[0].price_gwei, 100);
    CU_ASSERT_FALSE(bids[0].behind);
    bids[0].price_gwei = 101;
    ranking_sort(&t, root, bids, 2);
    CU_ASSERT_EQUAL(bids[0].price_gwei, 90);
    CU_ASSERT(bids[1].behind);
}

static void test_splitting_a_stake_gains_no_seats(void)
{
    struct stake whole[4];
    struct stake split[13];
    int seats_whole = 0;
    int seats_split = 0;
    for (int i = 0; i < 4; i++)
        whole[i] = (struct stake){{{(uint8_t)(i * 16)}}, 1000};
    for (int i = 0; i < 13; i++)
        split[i] = i < 3 ? whole[i] : (struct stake){{{(uint8_t)(45 + i)}}, 100};
    for (int i = 0; i < 400; i++) {
        uint8_t seed[HASH_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8), 7};
        size_t out[15 + SORTITION_EXTRA_SEATS];
        size_t n = 0;
        CU_ASSERT_EQUAL(sortition_draw(seed, (struct snapshot){whole, 4}, 15, out, &n), ERR_OK);
        for (size_t k = 0; k < n; k++)
            seats_whole += out[k] == 3;
        CU_ASSERT_EQUAL(sortition_draw(seed, (struct snapshot){split, 13}, 15, out, &n), ERR_OK);
        for (size_t k = 0; k < n; k++)
            seats_split += out[k] >= 3;
    }
    /* 6,000 seats, share one quarter: the standard deviation is 34; five of them. */
    CU_ASSERT(abs(seats_whole - 1500) < 170);
    CU_ASSERT(abs(seats_split - 1500) < 170);
}

static void test_three_entities_always_sit(void)
{
    struct stake stakes[4] = {{{{1}}, MONEY_MAX_GWEI - 3}, {{{2}}, 1}, {{{3}}, 0}, {{{4}}, 1}};
    for (int i = 0; i < 50; i++) {
        uint8_t seed[HASH_BYTES] = {(uint8_t)i};
        size_t out[5 + SORTITION_EXTRA_SEATS];
        size_t n = 0;
        CU_ASSERT_EQUAL(sortition_draw(seed, (struct snapshot){stakes, 4}, 5, out, &n), ERR_OK);
        unsigned seen = 0;
        for (size_t k = 0; k < n; k++)
            seen |= 1u << out[k];
        CU_ASSERT_EQUAL(seen, 0xb);
    }
    uint8_t seed[HASH_BYTES] = {0};
    size_t out[5 + SORTITION_EXTRA_SEATS];
    size_t n = 0;
    CU_ASSERT_EQUAL(sortition_draw(seed, (struct snapshot){stakes, 3}, 5, out, &n), ERR_CONFLICT);
    CU_ASSERT_EQUAL(sortition_draw(seed, (struct snapshot){stakes, 4}, 0, out, &n), ERR_RANGE);
}

static void test_settlement_makes_no_money(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct settle_slot slots[3] = {{upto(1000000000), 0, 0}, {upto(9), 0, 0}, {1, 0, 0}};
        struct settle_seat seats[5];
        struct settle_terms t = {upto(3000000000), upto(500000), i % 2 ? upto(500000) : 0};
        for (int k = 0; k < 5; k++)
            seats[k] = (struct settle_seat){(int)upto(2), 1 + (int)upto(3), upto(1000), 0};
        struct settle_split s;
        if (settle_split(&t, slots, 3, seats, 5, &s) != ERR_OK)
            continue;
        CU_ASSERT_EQUAL(s.provider_gwei + s.fee_gwei + s.verifier_gwei + s.refund_gwei,
                        t.escrow_gwei);
        int64_t parts = 0;
        for (int k = 0; k < 3; k++)
            parts += slots[k].net_gwei + slots[k].fee_gwei;
        for (int k = 0; k < 5; k++)
            parts += seats[k].net_gwei;
        CU_ASSERT_EQUAL(parts + s.refund_gwei, t.escrow_gwei);
    }
}

static void test_slash_makes_no_money(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        int64_t bond = upto(1000000);
        int64_t slash = settle_slash_gwei(bond, upto(PPM));
        CU_ASSERT(slash >= 0 && slash <= bond);
        struct settle_waterfall w = settle_waterfall(slash, upto(900000), upto(900000) - 450000);
        CU_ASSERT(w.verification_gwei >= 0 && w.difference_gwei >= 0 && w.burn_gwei >= 0);
        CU_ASSERT_EQUAL(w.verification_gwei + w.difference_gwei + w.burn_gwei, slash);
        int64_t claims[3] = {upto(100), upto(100), upto(100)};
        int64_t sum = claims[0] + claims[1] + claims[2];
        int64_t pot = upto(300);
        int64_t paid = -1;
        CU_ASSERT_EQUAL(settle_prorate(pot, claims, 3, &paid), ERR_OK);
        CU_ASSERT_EQUAL(claims[0] + claims[1] + claims[2], paid);
        CU_ASSERT(paid <= pot && (sum > pot || paid == sum));
    }
    CU_ASSERT_EQUAL(settle_penalty_gwei(100, 3, 50), 100);
    CU_ASSERT_EQUAL(settle_penalty_gwei(1000, 3, 50), 150);
    CU_ASSERT_EQUAL(settle_penalty_gwei(7, MONEY_MAX_GWEI, 50), 7);
}

static void test_escrow_and_units(void)
{
    int64_t v = 0;
    CU_ASSERT_EQUAL(settle_escrow(1000, 2, 5, 10, &v), ERR_OK);
    CU_ASSERT_EQUAL(v, 2100);
    CU_ASSERT_EQUAL(settle_escrow(MONEY_MAX_GWEI, 2, 5, 10, &v), ERR_RANGE);
    CU_ASSERT_EQUAL(settle_cancel_share(1000000, 10000, 3), 3333);
    CU_ASSERT_EQUAL(settle_cancel_share(1000000, 10000, 0), 0);
    CU_ASSERT_EQUAL(units_to_micro_cu(5000000, 2000, &v), ERR_OK);
    CU_ASSERT_EQUAL(v, 10000000);
    CU_ASSERT_EQUAL(units_price_per_cu(25, 10000000, &v), ERR_OK);
    CU_ASSERT_EQUAL(v, 2);
    CU_ASSERT_EQUAL(units_to_micro_cu(INT64_MAX, INT64_MAX, &v), ERR_RANGE);
    CU_ASSERT_EQUAL(units_price_per_cu(25, 0, &v), ERR_RANGE);
}

static void check_preset(const char *name)
{
    struct policy p;
    struct policy back;
    const char *member = NULL;
    CU_ASSERT_EQUAL_FATAL(policy_preset(name, &p), ERR_OK);
    json_t *row = policy_json(&p);
    CU_ASSERT_EQUAL_FATAL(policy_parse(row, &back, &member), ERR_OK);
    CU_ASSERT_EQUAL(memcmp(&p, &back, sizeof p), 0);
    json_object_set_new(row, "bond_ppm", json_integer(-1));
    CU_ASSERT_EQUAL(policy_parse(row, &back, &member), ERR_BAD_FIELD);
    CU_ASSERT_STRING_EQUAL(member, "bond_ppm");
    json_object_del(row, "bond_ppm");
    CU_ASSERT_EQUAL(policy_parse(row, &back, &member), ERR_BAD_FIELD);
    json_decref(row);
}

static void test_policies(void)
{
    struct policy p;
    check_preset("default");
    check_preset("cysic-production");
    check_preset("development");
    check_preset("development-ladder");
    check_preset("development-fast");
    CU_ASSERT_EQUAL(policy_preset("other", &p), ERR_UNKNOWN_POLICY);
    CU_ASSERT_EQUAL(policy_preset("default", &p), ERR_OK);
    CU_ASSERT_EQUAL(policy_ladder_ms(&p), 4 * (2 * 60000 + 30000));
}

static void test_states(void)
{
    for (int i = 0; i < TASK_STATE_COUNT; i++) {
        enum task_state s = (enum task_state)i;
        enum task_state back = TASK_OPEN;
        CU_ASSERT_EQUAL(task_state_parse(task_state_text(s), &back), ERR_OK);
        CU_ASSERT_EQUAL(back, s);
        for (int k = 0; task_state_is_final(s) && k < TASK_STATE_COUNT; k++)
            CU_ASSERT_FALSE(task_state_may(s, (enum task_state)k));
    }
    enum task_state none;
    CU_ASSERT_EQUAL(task_state_parse("lost", &none), ERR_PARSE);
    CU_ASSERT(task_state_may(TASK_ACCEPTED, TASK_PAID));
    CU_ASSERT_FALSE(task_state_may(TASK_OPEN, TASK_PAID));
    CU_ASSERT_FALSE(task_state_may(TASK_ASSIGNED, TASK_ACCEPTED));
    CU_ASSERT_EQUAL(task_state_code(TASK_PAID), 100);
    CU_ASSERT_EQUAL(task_state_code(TASK_EXPIRED), 40);
    CU_ASSERT_EQUAL(task_state_code(TASK_CANCELLED), 400);
}

static void test_event_text(void)
{
    json_t *payload = json_object();
    struct uuid id = {{1, 2, 3}};
    event_money(payload, "price", 12);
    event_hash(payload, "digest", (const uint8_t *)"\x01\xff", 2);
    struct event e = {.id = id, .kind = "opened", .to = "open", .seq = 1, .at_us = 5};
    e.payload = payload;
    char *text = event_canonical(&e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_STRING_EQUAL(
        text, "{\"at_us\":5,\"id\":\"01020300-0000-0000-0000-000000000000\",\"kind\":\"opened\","
              "\"payload\":{\"digest\":\"01ff\",\"price\":\"12\"},\"seq\":1,\"to\":\"open\"}");
    free(text);
    json_decref(payload);
    CU_ASSERT(event_kind_is_transition(EVENT_TAKEOVER));
    CU_ASSERT_FALSE(event_kind_is_transition(EVENT_SLASHED));
}

CU_MAIN("domain rules", {"score is monotone", test_score_monotone},
        {"permutation of bids does not matter", test_permutation_of_bids_does_not_matter},
        {"behind rule bounds what reserve buys", test_behind_rule_bounds_what_reserve_buys},
        {"splitting a stake gains no seats", test_splitting_a_stake_gains_no_seats},
        {"three entities always sit", test_three_entities_always_sit},
        {"settlement makes no money", test_settlement_makes_no_money},
        {"slash makes no money", test_slash_makes_no_money},
        {"escrow and units", test_escrow_and_units}, {"policies", test_policies},
        {"task states", test_states}, {"event text", test_event_text})
