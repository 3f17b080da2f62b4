/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, votes and challenges: fences, leases, reveal order, windows, bonds. */
#include "tests/support/cu.h"
#include "tests/support/market.h"
#include "tests/support/pg.h"

enum { SEATS = 5 };

static char uri[256];
static PGconn *db;
static struct actor requester;
static struct actor provider;
static struct actor verifiers[SEATS];

static int open_db(void)
{
    db = market_db(uri, sizeof uri);
    market_actor(db, &requester, 1000 * CYS, 0);
    market_actor(db, &provider, 0, 1000 * CYS);
    for (int i = 0; i < SEATS; i++)
        market_actor(db, &verifiers[i], 0, 100 * CYS);
    return 0;
}

static int close_db(void)
{
    SQLT_CHECK(market_violations(db, 0, true) == 0);
    PQfinish(db);
    test_db_drop(uri);
    return 0;
}

#define EXPECT(answer, wanted) CU_ASSERT_STRING_EQUAL((answer).status, wanted)

/* A task whose slots went to these providers. */
struct running {
    struct uuid task;
    struct uuid jobs[2];
};

static struct running start(const struct actor *const *who, int slots)
{
    struct running r;
    struct answer bids[2];
    struct task_create_args args = market_task_args();
    args.replicas = slots;
    r.task = market_task(db, &requester, &args);
    for (int i = 0; i < slots; i++)
        bids[i] = market_bid(db, who[i], &r.task, CYS / 2);
    market_close(db, &r.task);
    for (int i = 0; i < slots; i++)
        EXPECT(market_open(db, who[i], &r.task, &bids[i].id, CYS / 2), "ok");
    for (int i = 0; i < slots; i++)
        r.jobs[i] = market_award(db, &r.task, &bids[i].id, i);
    return r;
}

static struct running start_one(void)
{
    const struct actor *who[] = {&provider};
    return start(who, 1);
}

static struct answer heartbeat(const struct actor *a, const struct uuid *job, int64_t fence)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, NULL, "");
    struct job_ref ref = {*job, fence};
    sql_job_heartbeat(&c, &who, &ref);
    return sqlt_call(db, &c);
}

static struct answer decline(const struct actor *a, const struct uuid *job, int64_t fence)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, NULL, "");
    struct job_ref ref = {*job, fence};
    sql_job_decline(&c, &who, &ref, "no time");
    return sqlt_call(db, &c);
}

struct delivery {
    const struct actor *who;
    const struct uuid *task;
    const struct uuid *job;
    int slot;
    const char *result;
    const char *idem;
};

static struct answer commit(const struct delivery *d)
{
    struct db_call c;
    uint8_t commitment[HASH_BYTES];
    static const uint8_t signature[SIG_BYTES] = {2};
    struct sql_caller who = market_caller(d->who, d->idem, d->result);
    market_result_commitment(d->who, d->task, d->slot, 1, d->result, commitment);
    struct job_commit_args args = {{*d->job, 1}, commitment, signature, d->who->node_key};
    sql_job_commit(&c, &who, &args);
    return sqlt_call(db, &c);
}

static struct answer reveal(const struct delivery *d)
{
    struct db_call c;
    uint8_t commitment[HASH_BYTES];
    struct sql_caller who = market_caller(d->who, d->idem, d->result);
    market_result_commitment(d->who, d->task, d->slot, 1, d->result, commitment);
    struct job_reveal_args args = {.job = {*d->job, 1},
                                   .commitment = commitment,
                                   .salt = market_hash("salt"),
                                   .digest = market_hash(d->result),
                                   .result = {(const uint8_t *)d->result, strlen(d->result)},
                                   .task_id = *d->task,
                                   .slot = d->slot,
                                   .node_key = d->who->node_key};
    sql_job_reveal(&c, &who, &args);
    return sqlt_call(db, &c);
}

static void test_a_heartbeat_needs_the_lease(void)
{
    struct running r = start_one();
    struct uuid missing = market_id_new();
    EXPECT(heartbeat(&provider, &r.jobs[0], 1), "ok");
    EXPECT(heartbeat(&provider, &r.jobs[0], 2), "fence_stale");
    EXPECT(heartbeat(&requester, &r.jobs[0], 1), "forbidden");
    EXPECT(heartbeat(&provider, &missing, 1), "not_found");
    sqlt_exec(db,
              "UPDATE jobs SET awarded_at = awarded_at - interval '1 h', lease_until = "
              "clock_timestamp() WHERE id = '%s'",
              market_id(&r.jobs[0]));
    EXPECT(heartbeat(&provider, &r.jobs[0], 1), "lease_lapsed");
}

static void test_the_first_commitment_is_final(void)
{
    struct running r = start_one();
    struct delivery d = {&provider, &r.task, &r.jobs[0], 0, "42", "c1"};
    struct actor thief = verifiers[0];
    struct delivery stolen = {&thief, &r.task, &r.jobs[0], 0, "42", NULL};
    EXPECT(commit(&stolen), "forbidden");
    EXPECT(reveal(&d), "not_committed");
    struct answer first = commit(&d);
    EXPECT(first, "ok");
    CU_ASSERT_PTR_NOT_NULL(strstr(first.wake, market_id(&provider.node))); /* it may reveal */
    CU_ASSERT_TRUE(commit(&d).replayed);
    d.idem = NULL;
    struct answer again = commit(&d);
    EXPECT(again, "ok");
    CU_ASSERT_STRING_EQUAL(first.at, again.at);
    d.result = "43";
    EXPECT(commit(&d), "already_done");
    EXPECT(reveal(&d), "commitment_mismatch");
    EXPECT(decline(&provider, &r.jobs[0], 1), "already_done");
    d.result = "42";
    EXPECT(reveal(&d), "ok");
    EXPECT(reveal(&d), "ok");
    CU_ASSERT_EQUAL(sqlt_int(db,
                             "SELECT count(*) FROM work WHERE job = 'dispatch' AND subject_id = "
                             "'%s' AND due_at <= clock_timestamp()",
                             market_id(&r.task)),
                    1);
}

static void test_two_commitments_in_one_batch(void)
{
    struct running r = start_one();
    struct db_call calls[2];
    struct answer out[2];
    static const uint8_t signature[SIG_BYTES] = {2};
    struct sql_caller who = market_caller(&provider, NULL, "");
    const char *names[] = {"one", "two"};
    for (int i = 0; i < 2; i++) {
        struct job_commit_args args = {
            {r.jobs[0], 1}, market_hash(names[i]), signature, provider.node_key};
        sql_job_commit(&calls[i], &who, &args);
    }
    CU_ASSERT_STRING_EQUAL(sqlt_batch(db, calls, 2, out), "");
    EXPECT(out[0], "ok");
    EXPECT(out[1], "busy");
    EXPECT(sqlt_call(db, &calls[1]), "already_done");
}

static void test_a_late_commitment_is_refused(void)
{
    struct running r = start_one();
    struct delivery d = {&provider, &r.task, &r.jobs[0], 0, "42", NULL};
    sqlt_exec(db, "UPDATE tasks SET deadline_at = clock_timestamp() WHERE id = '%s'",
              market_id(&r.task));
    EXPECT(commit(&d), "lease_lapsed");
    sqlt_exec(db,
              "UPDATE tasks SET deadline_at = clock_timestamp() + interval '1 h' "
              "WHERE id = '%s'",
              market_id(&r.task));
    struct actor other = provider;
    other.node_key[0] ^= 1;
    struct delivery forged = {&other, &r.task, &r.jobs[0], 0, "42", NULL};
    EXPECT(commit(&forged), "commitment_mismatch");
    EXPECT(commit(&d), "ok");
}

static void test_nobody_reveals_before_all_committed(void)
{
    const struct actor *who[] = {&provider, &verifiers[0]};
    struct running r = start(who, 2);
    struct delivery a = {who[0], &r.task, &r.jobs[0], 0, "a", NULL};
    struct delivery b = {who[1], &r.task, &r.jobs[1], 1, "b", NULL};
    struct answer first = commit(&a);
    EXPECT(first, "ok");
    CU_ASSERT_PTR_NULL(strstr(first.wake, "node:"));
    EXPECT(reveal(&a), "reveal_early");
    struct answer second = commit(&b);
    CU_ASSERT_PTR_NOT_NULL(strstr(second.wake, market_id(&who[0]->node)));
    CU_ASSERT_PTR_NOT_NULL(strstr(second.wake, market_id(&who[1]->node)));
    EXPECT(reveal(&a), "ok");
    EXPECT(reveal(&b), "ok");
}

static void test_a_reveal_may_follow_the_lease_for_a_while(void)
{
    struct running r = start_one();
    struct delivery d = {&provider, &r.task, &r.jobs[0], 0, "42", NULL};
    EXPECT(commit(&d), "ok");
    sqlt_exec(db,
              "UPDATE jobs SET awarded_at = awarded_at - interval '1 h', committed_at = "
              "committed_at - interval '1 min', lease_until = clock_timestamp() - "
              "interval '30 s' WHERE id = '%s'",
              market_id(&r.jobs[0]));
    EXPECT(reveal(&d), "lease_lapsed");
    sqlt_exec(db, "UPDATE jobs SET committed_at = lease_until WHERE id = '%s'",
              market_id(&r.jobs[0]));
    EXPECT(reveal(&d), "lease_lapsed");
    sqlt_exec(db,
              "UPDATE jobs SET lease_until = clock_timestamp() + interval '1 min' "
              "WHERE id = '%s'",
              market_id(&r.jobs[0]));
    EXPECT(reveal(&d), "ok");
}

static void test_a_result_may_be_a_blob(void)
{
    struct running r = start_one();
    struct delivery d = {&provider, &r.task, &r.jobs[0], 0, "large", NULL};
    struct db_call c;
    uint8_t commitment[HASH_BYTES];
    struct uuid blob = market_id_new();
    struct sql_caller who = market_caller(&provider, NULL, "");
    EXPECT(commit(&d), "ok");
    market_result_commitment(&provider, &r.task, 0, 1, "large", commitment);
    struct job_reveal_args args = {.job = {r.jobs[0], 1},
                                   .commitment = commitment,
                                   .salt = market_hash("salt"),
                                   .digest = market_hash("large"),
                                   .blob_id = &blob,
                                   .task_id = r.task,
                                   .node_key = provider.node_key};
    sql_job_reveal(&c, &who, &args);
    EXPECT(sqlt_call(db, &c), "blob_incomplete");
    struct blob_create_args b = {blob, market_hash("large"), 5};
    sql_blob_create(&c, &who, &b);
    EXPECT(sqlt_call(db, &c), "ok");
    sql_job_reveal(&c, &who, &args);
    EXPECT(sqlt_call(db, &c), "blob_incomplete");
    sqlt_exec(db, "UPDATE blobs SET state = 'complete' WHERE id = '%s'", market_id(&blob));
    EXPECT(sqlt_call(db, &c), "ok");
}

static void test_a_decline_asks_the_dispatcher(void)
{
    struct running r = start_one();
    EXPECT(decline(&provider, &r.jobs[0], 7), "fence_stale");
    struct answer first = decline(&provider, &r.jobs[0], 1);
    struct answer again = decline(&provider, &r.jobs[0], 1);
    EXPECT(first, "ok");
    EXPECT(again, "ok");
    CU_ASSERT_STRING_EQUAL(first.at, again.at);
    EXPECT(heartbeat(&provider, &r.jobs[0], 1), "fence_stale");
    CU_ASSERT_EQUAL(market_violations(db, 8, true), 0);
    sqlt_exec(db,
              "SELECT test_unlock('award', '%s', 0, ''); SELECT task_move('%s', 'open', 'reopened',"
              " clock_timestamp()); UPDATE tasks SET round = 2 WHERE id = '%s'",
              market_id(&r.jobs[0]), market_id(&r.task), market_id(&r.task));
}

/* Brings a task to a committee of five. */
static struct running judged(struct uuid *seats)
{
    struct running r = start_one();
    market_deliver(db, &provider, &r.task, &r.jobs[0], "42");
    sqlt_exec(db,
              "UPDATE jobs SET state = 'checked', check_verdict = 'undecided' WHERE id = '%s'; "
              "SELECT task_move('%s', 'submitted', 'submitted', clock_timestamp())",
              market_id(&r.jobs[0]), market_id(&r.task));
    market_rung(db, &r.task, &r.jobs[0], verifiers, SEATS, seats);
    return r;
}

static void accept_task(const struct running *r)
{
    sqlt_exec(db,
              "UPDATE rungs SET outcome = 'accept', yes_weight = 5, no_weight = 0, tallied_at = "
              "clock_timestamp() WHERE task_id = '%s' AND outcome IS NULL; "
              "SELECT test_unlock('seat', id, 0, '') FROM seats WHERE task_id = '%s'; "
              "UPDATE jobs SET state = 'accepted' WHERE task_id = '%s'; "
              "SELECT task_move('%s', 'accepted', 'accepted', clock_timestamp())",
              market_id(&r->task), market_id(&r->task), market_id(&r->task), market_id(&r->task));
}

static void test_votes_open_together(void)
{
    struct uuid seats[SEATS];
    struct running r = judged(seats);
    EXPECT(market_vote_commit(db, &verifiers[1], &r.task, &seats[0], true), "forbidden");
    for (int i = 0; i < SEATS - 1; i++) {
        struct answer a = market_vote_commit(db, &verifiers[i], &r.task, &seats[i], true);
        EXPECT(a, "ok");
        CU_ASSERT_PTR_NULL(strstr(a.wake, "node:"));
    }
    EXPECT(market_vote_commit(db, &verifiers[0], &r.task, &seats[0], true), "ok");
    EXPECT(market_vote_commit(db, &verifiers[0], &r.task, &seats[0], false), "already_done");
    EXPECT(market_vote_reveal(db, &verifiers[0], &r.task, &seats[0], true), "reveal_early");
    EXPECT(market_vote_reveal(db, &verifiers[4], &r.task, &seats[4], true), "not_committed");
    struct answer last = market_vote_commit(db, &verifiers[4], &r.task, &seats[4], true);
    EXPECT(last, "ok");
    for (int i = 0; i < SEATS; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(last.wake, market_id(&verifiers[i].node)));
    EXPECT(market_vote_reveal(db, &verifiers[0], &r.task, &seats[0], false), "commitment_mismatch");
    for (int i = 0; i < SEATS; i++)
        EXPECT(market_vote_reveal(db, &verifiers[i], &r.task, &seats[i], true), "ok");
    EXPECT(market_vote_reveal(db, &verifiers[0], &r.task, &seats[0], true), "ok");
    CU_ASSERT_EQUAL(market_violations(db, 0, true), 0);
    accept_task(&r);
    sqlt_exec(db, "SELECT test_settle('%s', 'paid')", market_id(&r.task));
    sqlt_exec(db, "SELECT test_unlock('award', '%s', 0, '')", market_id(&r.jobs[0]));
    CU_ASSERT_EQUAL(market_violations(db, 0, true), 0);
}

static void test_late_votes_are_refused(void)
{
    struct uuid seats[SEATS];
    struct running r = judged(seats);
    EXPECT(market_vote_commit(db, &verifiers[0], &r.task, &seats[0], true), "ok");
    sqlt_exec(db, "UPDATE seats SET commit_until = clock_timestamp() WHERE id = '%s'",
              market_id(&seats[1]));
    EXPECT(market_vote_commit(db, &verifiers[1], &r.task, &seats[1], true), "window_closed");
    sqlt_exec(db,
              "UPDATE rungs SET reveal_from = clock_timestamp() - interval '1 s', reveal_until = "
              "clock_timestamp() WHERE task_id = '%s'",
              market_id(&r.task));
    EXPECT(market_vote_reveal(db, &verifiers[0], &r.task, &seats[0], true), "window_closed");
}

static struct answer challenge(const struct actor *a, const struct uuid *task,
                               const struct uuid *job, const char *idem)
{
    struct db_call c;
    struct sql_caller who = market_caller(a, idem, "");
    struct challenge_create_args args = {market_id_new(), *task, job, "it is wrong"};
    sql_challenge_create(&c, &who, &args);
    return sqlt_call(db, &c);
}

static void test_one_challenge_opens_the_ladder(void)
{
    struct uuid seats[SEATS];
    struct running r = judged(seats);
    struct actor bold;
    market_actor(db, &bold, 0, 10 * CYS);
    EXPECT(challenge(&bold, &r.task, NULL, NULL), "not_found"); /* nothing is accepted yet */
    EXPECT(challenge(&bold, &r.task, &r.jobs[0], NULL), "conflict");
    for (int i = 0; i < SEATS; i++)
        market_vote_commit(db, &verifiers[i], &r.task, &seats[i], true);
    for (int i = 0; i < SEATS; i++)
        market_vote_reveal(db, &verifiers[i], &r.task, &seats[i], true);
    accept_task(&r);
    EXPECT(challenge(&bold, &r.task, &r.jobs[0], NULL), "window_closed"); /* development: none */
    sqlt_exec(db,
              "SET session_replication_role = replica; UPDATE policies SET challenge_ms = 60000 "
              "WHERE name = 'development'; SET session_replication_role = origin");
    EXPECT(challenge(&provider, &r.task, &r.jobs[0], NULL), "not_allowed");
    EXPECT(challenge(&requester, &r.task, &r.jobs[0], NULL), "insufficient_reserve");
    struct answer first = challenge(&bold, &r.task, NULL, "ch");
    EXPECT(first, "ok");
    CU_ASSERT_TRUE(challenge(&bold, &r.task, NULL, "ch").replayed);
    CU_ASSERT_EQUAL(market_balance(db, &bold, "bond"), CYS); /* a hundred seat fees */
    CU_ASSERT_STRING_EQUAL(
        sqlt_text(db, "SELECT state FROM tasks WHERE id = '%s'", market_id(&r.task)), "verifying");
    EXPECT(challenge(&bold, &r.task, &r.jobs[0], NULL), "conflict");
    CU_ASSERT_EQUAL(market_violations(db, 0, true), 0);
}

CU_MAIN_WITH(open_db, close_db, "sql/jobs",
             {"a heartbeat needs the lease", test_a_heartbeat_needs_the_lease},
             {"the first commitment is final", test_the_first_commitment_is_final},
             {"two commitments in one batch", test_two_commitments_in_one_batch},
             {"a late commitment is refused", test_a_late_commitment_is_refused},
             {"nobody reveals before all committed", test_nobody_reveals_before_all_committed},
             {"a reveal may follow the lease for a while",
              test_a_reveal_may_follow_the_lease_for_a_while},
             {"a result may be a blob", test_a_result_may_be_a_blob},
             {"a decline asks the dispatcher", test_a_decline_asks_the_dispatcher},
             {"votes open together", test_votes_open_together},
             {"late votes are refused", test_late_votes_are_refused},
             {"one challenge opens the ladder", test_one_challenge_opens_the_ladder})
