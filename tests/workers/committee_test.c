/* SPDX-License-Identifier: Apache-2.0 */
/* Committees: quorums, absent and lying seats, the ladder, refusals, challenges, no verifiers. */
#include "tests/support/bazaar.h"
#include "tests/support/cu.h"

#include <stdlib.h>

#include "server/core/log.h"
#include "server/domain/policy.h"
#include "server/domain/sortition.h"

enum { PRICE = 1000000, FEE = 10000 };
static struct bazaar m;
static const struct bazaar_terms ladder = {"test-ladder", PRICE, 1, 3600000, 1};
static const struct bazaar_terms checked = {"test", PRICE, 1, 3600000, 1};

static int open_market(void)
{
    log_setup("test", LOG_ERROR, 1);
    if (!bazaar_open(&m, NULL))
        return 1;
    bazaar_sql(&m, "SELECT t_policy('test-challenge', 'test-ladder', '{\"challenge_ms\":60000}')");
    bazaar_sql(&m, "SELECT t_policy('test-none', 'test-ladder', '{\"committee\":false}')");
    return m.failed;
}

static int close_market(void)
{
    bazaar_close(&m);
    return 0;
}

static int64_t slashed(int task, const char *reason)
{
    return bazaar_sql(&m, "SELECT count(*) FROM slashes WHERE task_id = '%s' AND reason = '%s'",
                      bazaar_task(task), reason);
}

static bool ends(int task, const char *state)
{
    return bazaar_until(&m, "SELECT state = '%s' FROM tasks WHERE id = '%s'", state,
                        bazaar_task(task));
}

static int64_t of_task(int task, const char *column)
{
    return bazaar_sql(&m, "SELECT %s FROM tasks WHERE id = '%s'", column, bazaar_task(task));
}

static int64_t rungs(int task)
{
    return bazaar_sql(&m, "SELECT count(*) FROM rungs WHERE task_id = '%s'", bazaar_task(task));
}

/* Money the treasury may advance; 0 empties it into the requester's account. */
static void fund_treasury(int64_t gwei)
{
    bazaar_sql(&m,
               "SELECT ledger_post(clock_timestamp(), ARRAY['fund:' || gen_random_uuid()], "
               "ARRAY['fund'], ARRAY[NULL::uuid], array_agg((1, a.owner, a.kind, a.ref, "
               "-a.balance_gwei)::ledger_entry) || (1, '%s', 'available', nil_uuid(), "
               "sum(a.balance_gwei))::ledger_entry) FROM ledger_accounts a "
               "WHERE a.kind = 'treasury' AND a.balance_gwei > 0 HAVING count(*) > 0",
               bazaar_entity(PERSON_REQUESTER));
    if (gwei > 0)
        bazaar_sql(&m,
                   "SELECT ledger_post(clock_timestamp(), ARRAY['fund:' || gen_random_uuid()], "
                   "ARRAY['fund'], ARRAY[NULL::uuid], ARRAY[(1, '%s', 'available', nil_uuid(), "
                   "-%lld)::ledger_entry, (1, nil_uuid(), 'treasury', nil_uuid(), "
                   "%lld)::ledger_entry])",
                   bazaar_entity(PERSON_REQUESTER), (long long)gwei, (long long)gwei);
}

/* Posts, bids, works; returns when the first rung sits. */
static int post_to_committee(const struct bazaar_terms *t, int bidders)
{
    bazaar_behave(&m);
    fund_treasury(100000000);
    int task = bazaar_post(&m, t);
    for (int i = 0; i < bidders; i++)
        bazaar_bid(&m, task, PERSON_PROVIDER + i, 300000 + 100000 * i);
    CU_ASSERT(
        bazaar_until(&m, "SELECT count(*) > 0 FROM rungs WHERE task_id = '%s'", bazaar_task(task)));
    return task;
}

/* The n-th sitting person of the newest rung. */
static struct person *sitting(int task, int n)
{
    const char *text =
        bazaar_text(&m,
                    "SELECT right(s.entity_id::text, 2) FROM seats s JOIN rungs r ON "
                    "r.id = s.rung_id WHERE s.task_id = '%s' ORDER BY r.drawn_at DESC, "
                    "r.rung DESC, s.entity_id OFFSET %d LIMIT 1",
                    bazaar_task(task), n);
    return &m.people[strtol(text, NULL, 16) % BAZAAR_PEOPLE];
}

static void everybody_votes(enum votes v)
{
    for (int i = PERSON_VERIFIER; i < PERSON_VERIFIER + BAZAAR_VERIFIERS; i++)
        m.people[i].votes = v;
}

static void done(void)
{
    CU_ASSERT_EQUAL(bazaar_violations(&m), 0);
}

static void test_unanimous_first_rung(void)
{
    int task = post_to_committee(&ladder, 1);
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(rungs(task), 1);
    CU_ASSERT_EQUAL(of_task(task, "unwitnessed"), 0);
    CU_ASSERT_EQUAL(bazaar_sql(&m,
                               "SELECT sum(fee_gwei) - sum(weight) * %d FROM seats "
                               "WHERE task_id = '%s'",
                               FEE, bazaar_task(task)),
                    0);
    done();
}

/* From what is stored with the rung alone: who sits, and how often. */
static void replay(const json_t *rung, const struct draw_facts *facts)
{
    struct stake stakes[BAZAAR_VERIFIERS];
    size_t drawn[5 + SORTITION_EXTRA_SEATS];
    size_t count = 0;
    size_t n;
    const json_t *row;
    struct draw_facts f = *facts;
    uint8_t seed[HASH_BYTES];
    uint8_t stored[HASH_BYTES];
    json_array_foreach(json_object_get(rung, "snapshot"), n, row)
    {
        CU_ASSERT_FATAL(n < BAZAAR_VERIFIERS);
        stakes[n].units = json_integer_value(json_object_get(row, "units"));
        CU_ASSERT_EQUAL(
            uuid_parse(json_string_value(json_object_get(row, "entity")), &stakes[n].entity),
            ERR_OK);
    }
    CU_ASSERT_EQUAL(stake_root(stakes, n, f.snapshot_root), ERR_OK);
    draw_seed(&f, seed);
    CU_ASSERT_EQUAL(hex_decode(json_string_value(json_object_get(rung, "seed")), stored, 32),
                    ERR_OK);
    CU_ASSERT_EQUAL(memcmp(seed, stored, HASH_BYTES), 0);
    CU_ASSERT_EQUAL_FATAL(sortition_draw(seed, (struct snapshot){stakes, n}, 5, drawn, &count),
                          ERR_OK);
    for (size_t i = 0; i < n; i++) {
        int weight = 0;
        char entity[UUID_TEXT_MAX];
        for (size_t k = 0; k < count; k++)
            weight += drawn[k] == i;
        uuid_print(&stakes[i].entity, entity);
        CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_object_get(rung, "seats"), entity)),
                        weight);
    }
}

static void test_draw_can_be_replayed(void)
{
    int task = post_to_committee(&ladder, 2);
    PGresult *r = PQexec(
        m.sql, "SELECT jsonb_build_object('seed', encode(r.seed, 'hex'), 'snapshot', r.snapshot, "
               "'seats', (SELECT jsonb_object_agg(s.entity_id, s.weight) FROM seats s WHERE "
               "s.rung_id = r.id)), j.task_id, encode(j.commitment, 'hex'), j.slot, j.fence "
               "FROM rungs r JOIN jobs j ON j.id = r.job_id ORDER BY r.drawn_at DESC LIMIT 1");
    CU_ASSERT_EQUAL_FATAL(PQntuples(r), 1);
    struct draw_facts f = {.market_id = "test",
                           .slot = (int)strtol(PQgetvalue(r, 0, 3), NULL, 10),
                           .fence = (int)strtol(PQgetvalue(r, 0, 4), NULL, 10),
                           .rung = 1};
    CU_ASSERT_EQUAL(uuid_parse(PQgetvalue(r, 0, 1), &f.task), ERR_OK);
    CU_ASSERT_EQUAL(hex_decode(PQgetvalue(r, 0, 2), f.commitment, HASH_BYTES), ERR_OK);
    json_t *rung = json_loads(PQgetvalue(r, 0, 0), 0, NULL);
    replay(rung, &f);
    json_decref(rung);
    PQclear(r);
    CU_ASSERT(ends(task, "paid"));
    done();
}

static void test_one_no_climbs_and_is_overturned(void)
{
    int task = post_to_committee(&ladder, 1);
    struct person *liar = sitting(task, 0);
    liar->votes = VOTES_NO;
    CU_ASSERT(
        bazaar_until(&m, "SELECT count(*) = 2 FROM rungs WHERE task_id = '%s'", bazaar_task(task)));
    CU_ASSERT_EQUAL(bazaar_sql(&m,
                               "SELECT advanced_gwei - seat_count * %d FROM rungs "
                               "WHERE task_id = '%s' AND rung = 2",
                               FEE, bazaar_task(task)),
                    0);
    done();
    liar->votes = VOTES_YES;
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(slashed(task, "overturned"), 1);
    done();
}

static void test_ladder_climbs_to_its_end(void)
{
    int task = post_to_committee(&ladder, 1);
    for (int i = PERSON_VERIFIER; i < PERSON_VERIFIER + BAZAAR_VERIFIERS; i++)
        m.people[i].votes = i % 2 ? VOTES_NO : VOTES_YES;
    bool final = bazaar_until(&m, "SELECT finished_at IS NOT NULL FROM tasks WHERE id = '%s'",
                              bazaar_task(task));
    CU_ASSERT(final);
    /* four against three of seven: about 4/7 yes, between quorum and refusal on any large rung */
    CU_ASSERT(rungs(task) >= 2);
    done();
}

static void test_empty_treasury_ends_the_ladder(void)
{
    int task = post_to_committee(&ladder, 1);
    fund_treasury(0);
    sitting(task, 0)->votes = VOTES_NO;
    CU_ASSERT(ends(task, "refunded"));
    CU_ASSERT_EQUAL(rungs(task), 1);
    CU_ASSERT_EQUAL(slashed(task, "wrong_result"), 0);
    CU_ASSERT_STRING_EQUAL(
        bazaar_text(&m, "SELECT outcome FROM rungs WHERE task_id = '%s'", bazaar_task(task)),
        "inconclusive");
    done();
}

static void test_refused_provider_is_slashed(void)
{
    int task = post_to_committee(&ladder, 1);
    fund_treasury(0); /* the first rung is the last */
    everybody_votes(VOTES_NO);
    CU_ASSERT(ends(task, "refunded"));
    CU_ASSERT_EQUAL(slashed(task, "wrong_result"), 1);
    CU_ASSERT_EQUAL(bazaar_sql(&m,
                               "SELECT escrow_gwei - refund_gwei FROM settlements "
                               "WHERE task_id = '%s'",
                               bazaar_task(task)),
                    0);
    CU_ASSERT(bazaar_sql(&m, "SELECT sum(fee_gwei) FROM seats WHERE task_id = '%s'",
                         bazaar_task(task)) >= 5 * FEE);
    done();
}

static void test_refusal_after_a_climb_hands_over(void)
{
    int task = post_to_committee(&ladder, 2);
    everybody_votes(VOTES_NO);
    sitting(task, 0)->votes = VOTES_YES; /* overturned in the end, if it keeps to itself */
    CU_ASSERT(
        bazaar_until(&m, "SELECT count(*) = 2 FROM jobs WHERE task_id = '%s'", bazaar_task(task)));
    CU_ASSERT_EQUAL(slashed(task, "wrong_result"), 1);
    CU_ASSERT(slashed(task, "overturned") >= 1);
    done();
    everybody_votes(VOTES_YES);
    CU_ASSERT(ends(task, "paid"));
    done();
}

static void test_absent_seat_is_replaced(void)
{
    int task = post_to_committee(&ladder, 1);
    sitting(task, 0)->votes = VOTES_NOT;
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(slashed(task, "not_committed"), 1);
    CU_ASSERT(bazaar_sql(&m,
                         "SELECT count(*) FROM seats WHERE task_id = '%s' AND "
                         "replaces_id IS NOT NULL",
                         bazaar_task(task)) >= 1);
    CU_ASSERT_EQUAL(rungs(task), 1);
    done();
}

static void test_unrevealed_vote_costs_and_climbs(void)
{
    int task = post_to_committee(&ladder, 1);
    struct person *p = sitting(task, 0);
    p->votes = VOTES_COMMITS_ONLY;
    CU_ASSERT(
        bazaar_until(&m, "SELECT count(*) = 2 FROM rungs WHERE task_id = '%s'", bazaar_task(task)));
    p->votes = VOTES_YES;
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(slashed(task, "not_revealed"), 1);
    done();
}

static void test_checked_work_needs_no_ladder(void)
{
    int task = post_to_committee(&checked, 1);
    sitting(task, 0)->votes = VOTES_NO;
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(rungs(task), 1);
    CU_ASSERT_EQUAL(slashed(task, "contradicted"), 1);
    CU_ASSERT_EQUAL(of_task(task, "unwitnessed"), 1);
    done();
}

static void test_nobody_votes_on_checked_work(void)
{
    int task = post_to_committee(&checked, 1);
    everybody_votes(VOTES_NOT);
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(of_task(task, "unwitnessed"), 1);
    done();
}

static void set_online(bool online)
{
    bazaar_sql(&m,
               "UPDATE nodes SET last_seen_at = clock_timestamp() - interval '%s' "
               "WHERE verifies",
               online ? "0 s" : "1 hour");
}

static void test_no_award_without_a_committee(void)
{
    bazaar_behave(&m);
    set_online(false);
    int task = bazaar_post(&m, &ladder);
    bazaar_bid(&m, task, 1, 300000);
    CU_ASSERT(ends(task, "opening"));
    for (int i = 0; i < 5; i++) {
        bazaar_act(&m);
        bazaar_turn(&m);
    }
    CU_ASSERT_STRING_EQUAL(
        bazaar_text(&m, "SELECT state FROM tasks WHERE id = '%s'", bazaar_task(task)), "opening");
    done();
    bazaar_sql(&m, "UPDATE tasks SET deadline_at = clock_timestamp() WHERE id = '%s'",
               bazaar_task(task));
    CU_ASSERT(ends(task, "refunded"));
    CU_ASSERT_EQUAL(of_task(task, "code"), 401);
    set_online(true);
    done();
}

static int submit_without_verifiers(const struct bazaar_terms *t)
{
    bazaar_behave(&m);
    int task = bazaar_post(&m, t);
    bazaar_bid(&m, task, 1, 300000);
    CU_ASSERT(ends(task, "assigned"));
    set_online(false);
    CU_ASSERT(ends(task, "submitted"));
    bazaar_sql(&m, "UPDATE tasks SET settle_by = clock_timestamp() WHERE id = '%s'",
               bazaar_task(task));
    return task;
}

static void test_verifiers_gone_pays_checked_work(void)
{
    int task = submit_without_verifiers(&checked);
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(of_task(task, "unwitnessed"), 1);
    set_online(true);
    done();
}

static void test_verifiers_gone_refunds_other_work(void)
{
    int task = submit_without_verifiers(&ladder);
    CU_ASSERT(ends(task, "refunded"));
    CU_ASSERT_EQUAL(of_task(task, "code"), 401);
    CU_ASSERT_EQUAL(
        bazaar_sql(&m, "SELECT count(*) FROM slashes WHERE task_id = '%s'", bazaar_task(task)), 0);
    set_online(true);
    done();
}

static void test_committee_can_be_waived(void)
{
    struct bazaar_terms t = ladder;
    t.policy = "test-none";
    bazaar_behave(&m);
    int task = bazaar_post(&m, &t);
    bazaar_bid(&m, task, 1, 300000);
    CU_ASSERT(ends(task, "paid"));
    CU_ASSERT_EQUAL(rungs(task), 0);
    done();
}

static int accepted_with_window(void)
{
    struct bazaar_terms t = ladder;
    t.policy = "test-challenge";
    int task = post_to_committee(&t, 1);
    CU_ASSERT(ends(task, "accepted"));
    for (int i = 0; i < 3; i++)
        bazaar_turn(&m);
    CU_ASSERT_STRING_EQUAL(
        bazaar_text(&m, "SELECT state FROM tasks WHERE id = '%s'", bazaar_task(task)), "accepted");
    return task;
}

static void close_window(int task)
{
    bazaar_sql(&m, "UPDATE tasks SET accepted_at = accepted_at - interval '1 hour' WHERE id = '%s'",
               bazaar_task(task));
    bazaar_sql(&m, "UPDATE work SET due_at = clock_timestamp() WHERE subject_id = '%s'",
               bazaar_task(task));
}

static void test_challenge_window_is_waited_for(void)
{
    int task = accepted_with_window();
    close_window(task);
    CU_ASSERT(ends(task, "paid"));
    done();
}

static void test_failed_challenge_costs_its_bond(void)
{
    int task = accepted_with_window();
    bazaar_sql(&m, "SELECT t_challenge(gen_random_uuid(), '%s', '%s')", bazaar_task(task),
               bazaar_entity(PERSON_PROVIDER + 3));
    CU_ASSERT(ends(task, "accepted"));
    CU_ASSERT_EQUAL(rungs(task), 2);
    CU_ASSERT_EQUAL(slashed(task, "challenge_failed"), 1);
    done();
    close_window(task);
    CU_ASSERT(ends(task, "paid"));
    done();
}

static void test_upheld_challenge_refuses_the_result(void)
{
    int task = accepted_with_window();
    everybody_votes(VOTES_NO);
    bazaar_sql(&m, "SELECT t_challenge(gen_random_uuid(), '%s', '%s')", bazaar_task(task),
               bazaar_entity(PERSON_PROVIDER + 3));
    CU_ASSERT(ends(task, "refunded"));
    CU_ASSERT_EQUAL(slashed(task, "wrong_result"), 1);
    CU_ASSERT(slashed(task, "overturned") >= 3);
    CU_ASSERT_STRING_EQUAL(
        bazaar_text(&m, "SELECT outcome FROM challenges WHERE task_id = '%s'", bazaar_task(task)),
        "upheld");
    done();
}

static void test_seeded_policies_are_the_presets(void)
{
    static const char *const names[] = {"default", "development", "development-ladder",
                                        "development-fast", "cysic-production"};
    for (int i = 0; i < 5; i++) {
        struct policy preset;
        struct policy row;
        const char *member = NULL;
        PGresult *r = PQexecParams(m.sql,
                                   "SELECT to_jsonb(p) FROM policies p WHERE name = $1 AND "
                                   "version = 1",
                                   1, NULL, &names[i], NULL, NULL, 0);
        CU_ASSERT_EQUAL_FATAL(PQntuples(r), 1);
        json_t *doc = json_loads(PQgetvalue(r, 0, 0), 0, NULL);
        CU_ASSERT_EQUAL(policy_parse(doc, &row, &member), ERR_OK);
        CU_ASSERT_EQUAL(policy_preset(names[i], &preset), ERR_OK);
        json_t *a = policy_json(&row);
        json_t *b = policy_json(&preset);
        const char *key;
        json_t *value;
        json_object_foreach(a, key, value)
        {
            if (!json_equal(value, json_object_get(b, key)))
                printf("  %s of %s differs\n", key, names[i]);
        }
        CU_ASSERT(json_equal(a, b));
        json_decref(a);
        json_decref(b);
        json_decref(doc);
        PQclear(r);
    }
}

CU_MAIN_WITH(open_market, close_market, "committees",
             {"seeded policies are the presets", test_seeded_policies_are_the_presets},
             {"unanimous first rung", test_unanimous_first_rung},
             {"draw can be replayed", test_draw_can_be_replayed},
             {"one no climbs and is overturned", test_one_no_climbs_and_is_overturned},
             {"ladder climbs to its end", test_ladder_climbs_to_its_end},
             {"empty treasury ends the ladder", test_empty_treasury_ends_the_ladder},
             {"refused provider is slashed", test_refused_provider_is_slashed},
             {"refusal after a climb hands over", test_refusal_after_a_climb_hands_over},
             {"absent seat is replaced", test_absent_seat_is_replaced},
             {"unrevealed vote costs and climbs", test_unrevealed_vote_costs_and_climbs},
             {"checked work needs no ladder", test_checked_work_needs_no_ladder},
             {"nobody votes on checked work", test_nobody_votes_on_checked_work},
             {"no award without a committee", test_no_award_without_a_committee},
             {"verifiers gone pays checked work", test_verifiers_gone_pays_checked_work},
             {"verifiers gone refunds other work", test_verifiers_gone_refunds_other_work},
             {"committee can be waived", test_committee_can_be_waived},
             {"challenge window is waited for", test_challenge_window_is_waited_for},
             {"failed challenge costs its bond", test_failed_challenge_costs_its_bond},
             {"upheld challenge refuses the result", test_upheld_challenge_refuses_the_result})
