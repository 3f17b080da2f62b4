/* SPDX-License-Identifier: Apache-2.0 */
/* Each invariant holds over a database with tasks in every state, and names a database in which one
 * cell was corrupted. */
#include <stdlib.h>

#include "tests/support/cu.h"
#include "tests/support/market.h"
#include "tests/support/pg.h"

enum { SEATS = 5 };

static char uri[256];
static PGconn *db;
static struct actor requester;
static struct actor provider;
static struct actor rival;
static struct actor verifiers[SEATS];
static struct uuid paid;
static struct uuid refunded;
static struct uuid verifying;
static struct uuid assigned;
static struct uuid open_task;

static struct uuid award_one(struct uuid *task)
{
    struct task_create_args args = market_task_args();
    *task = market_task(db, &requester, &args);
    struct answer bid = market_bid(db, &provider, task, CYS / 2);
    struct answer second = market_bid(db, &rival, task, CYS / 3);
    market_close(db, task);
    struct answer opened = market_open(db, &provider, task, &bid.id, CYS / 2);
    SQLT_CHECK(strcmp(opened.status, "ok") == 0 && second.has_id);
    sqlt_exec(db, "SELECT test_slash_bid('%s')", market_id(&second.id)); /* the rival never opens */
    return market_award(db, task, &bid.id, 0);
}

static struct uuid judge_one(struct uuid *task, struct uuid *seats)
{
    struct uuid job = award_one(task);
    market_deliver(db, &provider, task, &job, "42");
    sqlt_exec(db,
              "UPDATE jobs SET state = 'checked', check_verdict = 'accept' WHERE id = '%s'; "
              "SELECT task_move('%s', 'submitted', 'submitted', clock_timestamp())",
              market_id(&job), market_id(task));
    market_rung(db, task, &job, verifiers, SEATS, seats);
    for (int i = 0; i < SEATS; i++)
        market_vote_commit(db, &verifiers[i], task, &seats[i], true);
    for (int i = 0; i < SEATS; i++)
        market_vote_reveal(db, &verifiers[i], task, &seats[i], true);
    return job;
}

static void make_paid(void)
{
    struct uuid seats[SEATS];
    struct uuid job = judge_one(&paid, seats);
    sqlt_exec(db,
              "UPDATE rungs SET outcome = 'accept', yes_weight = 5, no_weight = 0, tallied_at = "
              "clock_timestamp() WHERE task_id = '%s'; SELECT test_unlock('seat', id, 0, '') "
              "FROM seats WHERE task_id = '%s'; UPDATE jobs SET state = 'accepted' WHERE id = '%s';"
              " SELECT task_move('%s', 'accepted', 'accepted', clock_timestamp()); "
              "SELECT test_settle('%s', 'paid'); SELECT test_unlock('award', '%s', 0, '')",
              market_id(&paid), market_id(&paid), market_id(&job), market_id(&paid),
              market_id(&paid), market_id(&job));
}

static void make_refunded(void)
{
    struct uuid job = award_one(&refunded);
    sqlt_exec(db,
              "SELECT test_unlock('award', '%s', 200000000, 'no_show'); UPDATE jobs SET "
              "state = 'lapsed', ended_at = clock_timestamp() WHERE id = '%s'; "
              "SELECT test_settle('%s', 'refunded')",
              market_id(&job), market_id(&job), market_id(&refunded));
}

static void make_stake_leave(void)
{
    struct db_call c;
    struct sql_caller who = market_caller(&rival, NULL, "");
    for (int i = 0; i < 2; i++) {
        struct unstake_args u = {market_id_new(), 5 * CYS, "development"};
        sql_unstake(&c, &who, &u);
        SQLT_CHECK(strcmp(sqlt_call(db, &c).status, "ok") == 0);
        if (i > 0)
            break;
        sqlt_exec(db, "UPDATE unbondings SET requested_at = requested_at - interval '1 h', "
                      "due_at = due_at - interval '1 h'; SELECT w_unbond(id) FROM work "
                      "WHERE job = 'unbond'");
    }
    struct node_unreserve_args n = {market_id_new(), rival.node, CYS / 2, "development"};
    sql_node_unreserve(&c, &who, &n);
    SQLT_CHECK(strcmp(sqlt_call(db, &c).status, "ok") == 0);
}

static int open_db(void)
{
    struct uuid seats[SEATS];
    struct task_create_args args = market_task_args();
    db = market_db(uri, sizeof uri);
    market_actor(db, &requester, 1000 * CYS, 0);
    market_actor(db, &provider, 0, 1000 * CYS);
    market_actor(db, &rival, 0, 100 * CYS);
    for (int i = 0; i < SEATS; i++)
        market_actor(db, &verifiers[i], 0, 100 * CYS);
    make_paid();
    make_refunded();
    judge_one(&verifying, seats);
    award_one(&assigned);
    open_task = market_task(db, &requester, &args);
    market_bid(db, &provider, &open_task, 7);
    market_bid(db, &provider, &open_task, 8);
    make_stake_leave();
    return 0;
}

static int close_db(void)
{
    PQfinish(db);
    test_db_drop(uri);
    return 0;
}

static void test_a_good_database_has_no_violation(void)
{
    CU_ASSERT_EQUAL(market_violations(db, 0, true), 0);
    CU_ASSERT_EQUAL(market_violations(db, 21, true), 0);
}

/* {invariant, what breaks it}; :paid and so on are ids. Names of constraints that would refuse the
 * corruption are dropped first. */
static const struct mutation {
    int invariant;
    const char *sql;
} mutations[] = {
    {1, "UPDATE entries SET amount_gwei = amount_gwei + 1 WHERE line = 1 AND transfer_id = "
        "(SELECT transfer_id FROM settlements WHERE task_id = :paid)"},
    {1,
     "DELETE FROM entries WHERE transfer_id = (SELECT transfer_id FROM settlements WHERE task_id "
     "= :paid)"},
    {1, "DELETE FROM transfers WHERE kind = 'settle'"},
    {2, "UPDATE ledger_accounts SET balance_gwei = balance_gwei + 1 WHERE owner = :requester AND "
        "kind = 'available'"},
    {3,
     "UPDATE ledger_accounts SET balance_gwei = balance_gwei + CASE kind WHEN 'available' THEN 1 "
     "ELSE -1 END WHERE owner = :requester AND kind IN ('available', 'escrow') AND ref IN "
     "(nil_uuid(), :assigned)"},
    {3, "UPDATE ledger_accounts SET ref = :paid WHERE owner = :rival AND kind = 'available'"},
    {4,
     "ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_balance; UPDATE ledger_accounts "
     "SET balance_gwei = -1 WHERE owner = :requester AND kind = 'available'"},
    {4, "UPDATE ledger_accounts SET balance_gwei = balance_gwei - 1 WHERE kind = 'staked' AND "
        "balance_gwei > 0"},
    {4, "UPDATE ledger_accounts SET owner = :rival WHERE kind = 'treasury'"},
    {5,
     "UPDATE ledger_accounts SET balance_gwei = balance_gwei - 1 WHERE kind = 'escrow' AND ref = "
     ":assigned"},
    {5, "UPDATE ledger_accounts SET balance_gwei = 1 WHERE kind = 'escrow' AND ref = :paid"},
    {5, "UPDATE tasks SET max_price_gwei = max_price_gwei + 1 WHERE id = :open"},
    {5, "DELETE FROM tasks WHERE id = :open"},
    {6, "DELETE FROM settlements WHERE task_id = :paid"},
    {6,
     "INSERT INTO settlements SELECT :open, outcome, reason, escrow_gwei, provider_gwei, fee_gwei,"
     " verifier_gwei, refund_gwei, transfer_id, at FROM settlements WHERE task_id = :paid"},
    {6, "UPDATE settlements SET outcome = 'refunded' WHERE task_id = :paid"},
    {6,
     "UPDATE settlement_lines SET amount_gwei = amount_gwei + 1 WHERE task_id = :paid AND line = "
     "1"},
    {6, "UPDATE settlement_lines SET entity_id = :rival WHERE task_id = :paid AND line = 1"},
    {6, "UPDATE bids SET price_gwei = price_gwei - 1 WHERE id = (SELECT bid_id FROM jobs WHERE "
        "task_id = :paid)"},
    {7, "UPDATE jobs SET revealed_at = NULL WHERE task_id = :paid"},
    {7,
     "UPDATE jobs SET fence = 0 WHERE false; INSERT INTO jobs SELECT gen_random_uuid(), task_id, "
     "slot, 2, round, bid_id, entity_id, node_id, price_gwei, bond_gwei, 'wrong', awarded_at, "
     "lease_until, heartbeat_at, commitment, commit_signature, committed_at, result, "
     "result_blob_id, result_digest, result_salt, revealed_at FROM jobs WHERE task_id = :paid"},
    {7, "UPDATE jobs SET result = 'forged' WHERE task_id = :paid"},
    {7, "UPDATE jobs SET commitment = sha256('other') WHERE task_id = :verifying"},
    {7, "UPDATE jobs SET lease_until = committed_at - interval '1 s' WHERE task_id = :verifying"},
    {8, "UPDATE jobs SET state = 'lapsed' WHERE task_id = :assigned"},
    {8, "UPDATE jobs SET state = 'revealed' WHERE task_id = :refunded"},
    {8, "UPDATE jobs SET state = 'assigned' WHERE task_id = :verifying"},
    {9, "UPDATE bids SET at = at + interval '1 h' WHERE task_id = :open AND revision = 2"},
    {9, "UPDATE bids SET opened_at = opened_at + interval '1 h' WHERE task_id = :assigned AND "
        "opened_at IS NOT NULL"},
    {9, "UPDATE bids SET salt = sha256('x') WHERE task_id = :assigned AND opened_at IS NOT NULL"},
    {9, "UPDATE bids SET commitment = sha256('x') WHERE task_id = :paid"},
    {9, "UPDATE bids SET price_gwei = price_gwei + 1 WHERE task_id = :assigned AND price_gwei > 0"},
    {9, "DELETE FROM bids WHERE task_id = :open AND revision = 1"},
    {9, "UPDATE bids SET verdict = 'lost' WHERE task_id = :paid AND verdict = 'won'"},
    {11,
     "UPDATE seats SET vote = false WHERE id = (SELECT id FROM seats WHERE task_id = :verifying "
     "LIMIT 1)"},
    {11, "UPDATE seats SET commitment = sha256('x') WHERE task_id = :paid"},
    {11,
     "UPDATE seats SET committed_at = commit_until + interval '1 s' WHERE task_id = :verifying"},
    {11, "UPDATE rungs SET reveal_from = NULL WHERE task_id = :paid"},
    {11, "UPDATE entities SET owner_id = :requester WHERE id = (SELECT entity_id FROM seats WHERE "
         "task_id = :verifying LIMIT 1)"},
    {11, "UPDATE rungs SET snapshot = '[]' WHERE task_id = :verifying"},
    {11, "UPDATE seats SET weight = 2 WHERE task_id = :verifying"},
    {12, "UPDATE rungs SET outcome = 'inconclusive' WHERE task_id = :paid"},
    {12, "UPDATE rungs SET yes_weight = 4 WHERE task_id = :paid"},
    {12, "UPDATE tasks SET unwitnessed = true WHERE id = :paid; DELETE FROM rungs WHERE task_id = "
         ":paid; UPDATE jobs SET check_verdict = 'undecided' WHERE task_id = :paid"},
    {12, "UPDATE jobs SET check_verdict = 'reject' WHERE task_id = :paid"},
    {13, "UPDATE bonds SET amount_gwei = amount_gwei + 1 WHERE closed_at IS NULL AND task_id = "
         ":assigned"},
    {13, "UPDATE bonds SET closed_at = now() WHERE task_id = :assigned AND purpose = 'award'"},
    {13, "UPDATE bids SET lock_state = 'released' WHERE task_id = :open AND lock_state = 'held'"},
    {13, "UPDATE bonds SET closed_at = NULL WHERE task_id = :paid"},
    {13, "UPDATE stake_history SET total_gwei = total_gwei + 1 WHERE entity_id = :rival"},
    {13, "DELETE FROM stake_history WHERE entity_id = :provider"},
    {14,
     "ALTER TABLE slashes DROP CONSTRAINT slashes_evidence; UPDATE slashes SET evidence = '{}'"},
    {14, "UPDATE slashes SET amount_gwei = amount_gwei + 1000000000 WHERE bond_id IS NOT NULL"},
    {14, "UPDATE slashes SET amount_gwei = amount_gwei - 1 WHERE bid_id IS NOT NULL"},
    {14, "UPDATE bonds SET slashed_gwei = 1 WHERE task_id = :paid AND purpose = 'award'"},
    {14, "DELETE FROM slashes WHERE task_id = :refunded"},
    {14, "UPDATE slashes SET transfer_id = (SELECT transfer_id FROM settlements LIMIT 1)"},
    {15, "DELETE FROM events WHERE task_id = :paid AND seq = 3"},
    {15, "UPDATE events SET to_state = 'paid', from_state = 'open' WHERE task_id = :assigned AND "
         "seq = 2"},
    {15, "UPDATE tasks SET version = version + 1 WHERE id = :open"},
    {15, "UPDATE tasks SET state = 'opening' WHERE id = :open"},
    {15, "UPDATE events SET at = at + interval '1 h' WHERE task_id = :paid AND seq = 2"},
    {15, "UPDATE events SET from_state = 'open' WHERE seq IS NULL"},
    {20, "UPDATE unbondings SET due_at = due_at + interval '2 h' WHERE released_at IS NOT NULL"},
    {20,
     "UPDATE unbondings SET released_at = due_at WHERE released_at IS NULL AND node_id IS NULL"},
    {20, "UPDATE unbondings SET released_at = NULL WHERE released_at IS NOT NULL"},
    {20, "UPDATE pledges SET releasing_gwei = 0 WHERE releasing_gwei > 0"},
    {21,
     "UPDATE tasks SET settle_by = now() - interval '1 h', opens_until = now() - interval '1 h' "
     "WHERE id = :open"},
    {21,
     "UPDATE jobs SET lease_until = now() - interval '1 h', awarded_at = now() - interval '2 h' "
     "WHERE task_id = :assigned"},
    {21, "UPDATE work SET due_at = now() - interval '1 h' WHERE subject_id = :open"},
    {21,
     "UPDATE unbondings SET requested_at = now() - interval '2 h', due_at = now() - interval '1 h' "
     "WHERE released_at IS NULL"},
    {21, "UPDATE rungs SET reveal_until = now() - interval '1 h' WHERE task_id = :verifying"},
};

static void put_names(const char *sql, char *out, size_t cap)
{
    const struct {
        const char *name;
        const struct uuid *id;
    } names[] = {{":paid", &paid},
                 {":refunded", &refunded},
                 {":verifying", &verifying},
                 {":assigned", &assigned},
                 {":open", &open_task},
                 {":requester", &requester.entity},
                 {":provider", &provider.entity},
                 {":rival", &rival.entity}};
    size_t n = 0;
    while (*sql != '\0' && n + UUID_TEXT_MAX + 2 < cap) {
        size_t i = 0;
        while (i < sizeof names / sizeof *names &&
               strncmp(sql, names[i].name, strlen(names[i].name)) != 0)
            i++;
        if (i == sizeof names / sizeof *names) {
            out[n++] = *sql++;
            continue;
        }
        n += (size_t)snprintf(out + n, cap - n, "'%s'", market_id(names[i].id));
        sql += strlen(names[i].name);
    }
    out[n] = '\0';
    SQLT_CHECK(*sql == '\0');
}

static void test_each_corruption_is_named(void)
{
    char sql[2048];
    for (size_t i = 0; i < sizeof mutations / sizeof *mutations; i++) {
        put_names(mutations[i].sql, sql, sizeof sql);
        sqlt_exec(db, "BEGIN; SET LOCAL session_replication_role = replica; %s", sql);
        int found = market_violations(db, mutations[i].invariant, false);
        if (found == 0)
            fprintf(stderr, "invariant %d does not see: %s\n", mutations[i].invariant, sql);
        CU_ASSERT(found > 0);
        sqlt_exec(db, "ROLLBACK");
    }
}

static void test_every_invariant_has_a_corruption(void)
{
    static const int numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 20, 21};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        int seen = 0;
        for (size_t i = 0; i < sizeof mutations / sizeof *mutations; i++)
            seen += mutations[i].invariant == numbers[k];
        CU_ASSERT(seen > 0);
    }
    FILE *p = popen("grep -c '^-- invariant: ' sql/invariants.sql", "r");
    char line[32] = "";
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_PTR_NOT_NULL(fgets(line, sizeof line, p));
    pclose(p);
    CU_ASSERT_EQUAL((size_t)atoi(line), sizeof numbers / sizeof *numbers);
}

CU_MAIN_WITH(open_db, close_db, "sql/invariants",
             {"a good database has no violation", test_a_good_database_has_no_violation},
             {"each corruption is named", test_each_corruption_is_named},
             {"every invariant has a corruption", test_every_invariant_has_a_corruption})
