/* SPDX-License-Identifier: Apache-2.0 */
/* Reads on tasks: what everybody may see, and the result for its requester. */
#ifndef CF_SQL_READS_TASK_H
#define CF_SQL_READS_TASK_H

#include "sql/reads.h"

extern const struct db_stmt sql_find_task_stmt;
extern const struct db_stmt sql_list_tasks_stmt;
extern const struct db_stmt sql_list_tasks_of_stmt;
extern const struct db_stmt sql_list_open_tasks_stmt;
extern const struct db_stmt sql_list_task_events_stmt;
extern const struct db_stmt sql_find_auction_stmt;
extern const struct db_stmt sql_find_settlement_stmt;
extern const struct db_stmt sql_list_settlements_stmt;
extern const struct db_stmt sql_find_task_result_stmt;

/* TASK_COLUMNS("") and input. */
void sql_find_task(struct db_call *c, const struct uuid *task_id);

struct list_tasks_args {
    const struct uuid *requester_id; /* NULL: of everybody */
    const char *state;               /* NULL: any */
    const char *kind;                /* NULL: any */
};
/* TASK_COLUMNS(""), newest first. */
void sql_list_tasks(struct db_call *c, const struct list_tasks_args *a,
                    const struct sql_page *page);

/* Tasks that take bids now with ids above after (NULL: all), oldest first. */
void sql_list_open_tasks(struct db_call *c, const struct uuid *after, const char *kind,
                         int64_t limit);

/* id, task_id, seq, kind, from_state, to_state, at, payload; oldest first; a first row with id NULL
 * when the task exists, so that an empty page is told from a missing task. */
void sql_list_task_events(struct db_call *c, const struct uuid *task_id,
                          const struct sql_page *page);

/* One row per bid that may be seen (at most 1000), or one with NULLs: task_id, state, round,
 * closed, closes_at, opens_until, max_price_gwei, replicas, rank_weight_ppm, reserve_cap_gwei,
 * preset, sealing, funnel_eligible, funnel_online, funnel_capable, funnel_pledged (NULL when there
 * are bids), and bid_id, bid_account_id, bid_node_id, bid_round, bid_revision, bid_commitment,
 * bid_at, bid_reserve_gwei, bid_lock_gwei, bid_lock_state, bid_price_gwei, bid_opened_at,
 * bid_verdict, bid_reason, bid_rank, bid_score_ppm, bid_score_reserve_ppm, bid_score_price_ppm.
 * Nothing of the running round before its close, no prices before the end of its opening window. */
void sql_find_auction(struct db_call *c, const struct uuid *task_id);

/* One row per line: task_exists, task_id, outcome, reason, escrow_gwei, provider_gwei, fee_gwei,
 * verifier_gwei, refund_gwei, transfer_id, at, and line_line, line_account_id, line_account_kind,
 * line_amount_gwei, line_job_id, line_seat_id, line_rule. */
void sql_find_settlement(struct db_call *c, const struct uuid *task_id);

/* Settlements of tasks the account posted or was paid for, newest task first: task_id .. at. */
void sql_list_settlements(struct db_call *c, const struct uuid *account_id,
                          const struct sql_page *page);

/* One row per accepted slot, or one with NULLs: requester_id, task_state, task_id, job_id, slot,
 * account_id, result_digest, result (base64url), result_blob_id. */
void sql_find_task_result(struct db_call *c, const struct uuid *task_id);

#endif
