/* SPDX-License-Identifier: Apache-2.0 */
/* Reads on bids, jobs and seats: what a provider or verifier has, and what it has to do next. */
#ifndef CF_SQL_READS_WORK_H
#define CF_SQL_READS_WORK_H

#include "sql/reads.h"

extern const struct db_stmt sql_find_bid_stmt;
extern const struct db_stmt sql_list_bids_stmt;
extern const struct db_stmt sql_claim_job_stmt;
extern const struct db_stmt sql_find_job_stmt;
extern const struct db_stmt sql_list_jobs_stmt;
extern const struct db_stmt sql_list_task_jobs_stmt;
extern const struct db_stmt sql_claim_seat_stmt;
extern const struct db_stmt sql_find_seat_stmt;
extern const struct db_stmt sql_list_seats_stmt;
extern const struct db_stmt sql_list_task_seats_stmt;

/* Own bid: id, task_id, account_id, node_id, round, revision, commitment, at, reserve_gwei,
 * lock_gwei, lock_state, price_gwei, opened_at, verdict, reason, rank, score_ppm. */
void sql_find_bid(struct db_call *c, const struct uuid *bid_id, const struct uuid *account_id);
void sql_list_bids(struct db_call *c, const struct uuid *account_id, const struct uuid *task_id,
                   const struct sql_page *page);

/* Whose next thing to do. */
struct claim_args {
    struct uuid node_id;
    struct uuid account_id;
    const char *except; /* comma-separated uuids the caller works on already; "" none */
};
/* No row: no such node. node_owner, and with a job JOB_COLUMNS, TASK_COLUMNS("task_"), task_input;
 * id NULL: nothing to do. */
void sql_claim_job(struct db_call *c, const struct claim_args *a);
/* The account's own job, with its task. */
void sql_find_job(struct db_call *c, const struct uuid *job_id, const struct uuid *account_id);
/* JOB_COLUMNS, newest first. */
void sql_list_jobs(struct db_call *c, const struct uuid *account_id, const char *state,
                   const struct sql_page *page);
/* Every job of a task (at most 1000); one row with id NULL when it has none, no row without the
 * task. */
void sql_list_task_jobs(struct db_call *c, const struct uuid *task_id);

/* As sql_claim_job: node_owner, SEAT_COLUMNS, TASK_COLUMNS("task_"), task_input, and the result:
 * result_node_key, result_account_id, result_result_digest, result_result, result_blob_id. */
void sql_claim_seat(struct db_call *c, const struct claim_args *a);
void sql_find_seat(struct db_call *c, const struct uuid *seat_id, const struct uuid *account_id);
void sql_list_seats(struct db_call *c, const struct uuid *account_id, const struct sql_page *page);
/* Every seat of a task (at most 2000) with its rung: rung_id, rung_job_id, rung_slot, rung_fence,
 * rung_rung, rung_seat_count, rung_quorum, rung_final, rung_seed, rung_snapshot,
 * rung_snapshot_root, rung_drawn_at, rung_commit_until, rung_reveal_from, rung_reveal_until,
 * rung_outcome, rung_yes_weight, rung_no_weight, rung_tallied_at, and id, account_id, node_id,
 * weight, replaces_id, state, commitment, committed_at, revealed_at, vote, vote_reason, salt,
 * fee_gwei. Votes, reasons and salts are NULL until the rung was tallied; rung_snapshot stands in
 * the first row of a rung only. */
void sql_list_task_seats(struct db_call *c, const struct uuid *task_id);

#endif
