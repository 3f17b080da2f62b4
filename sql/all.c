/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/all.h"

#include "sql/reads_account.h"
#include "sql/reads_market.h"
#include "sql/reads_node.h"
#include "sql/reads_task.h"
#include "sql/reads_work.h"
#include "sql/writes_account.h"
#include "sql/writes_market.h"

const struct db_stmt *const sql_all[] = {
    &sql_find_key_stmt,
    &sql_find_account_stmt,
    &sql_list_keys_stmt,
    &sql_list_balances_stmt,
    &sql_list_transfers_stmt,
    &sql_find_stake_stmt,
    &sql_find_policy_stmt,
    &sql_list_policies_stmt,
    &sql_list_units_stmt,
    &sql_market_index_stmt,
    &sql_stats_stmt,
    &sql_find_node_stmt,
    &sql_list_nodes_stmt,
    &sql_find_blob_stmt,
    &sql_find_blob_part_stmt,
    &sql_find_task_stmt,
    &sql_list_tasks_stmt,
    &sql_list_tasks_of_stmt,
    &sql_list_open_tasks_stmt,
    &sql_list_task_events_stmt,
    &sql_find_auction_stmt,
    &sql_find_settlement_stmt,
    &sql_list_settlements_stmt,
    &sql_find_task_result_stmt,
    &sql_find_bid_stmt,
    &sql_list_bids_stmt,
    &sql_claim_job_stmt,
    &sql_find_job_stmt,
    &sql_list_jobs_stmt,
    &sql_list_task_jobs_stmt,
    &sql_claim_seat_stmt,
    &sql_find_seat_stmt,
    &sql_list_seats_stmt,
    &sql_list_task_seats_stmt,
    &sql_account_create_stmt,
    &sql_key_create_stmt,
    &sql_key_revoke_stmt,
    &sql_faucet_stmt,
    &sql_stake_stmt,
    &sql_unstake_stmt,
    &sql_node_register_stmt,
    &sql_node_heartbeat_stmt,
    &sql_node_reserve_stmt,
    &sql_node_unreserve_stmt,
    &sql_node_retire_stmt,
    &sql_blob_create_stmt,
    &sql_blob_part_stmt,
    &sql_blob_complete_stmt,
    &sql_policy_create_stmt,
    &sql_task_create_stmt,
    &sql_task_cancel_stmt,
    &sql_bid_create_stmt,
    &sql_bid_open_stmt,
    &sql_job_heartbeat_stmt,
    &sql_job_decline_stmt,
    &sql_job_commit_stmt,
    &sql_job_reveal_stmt,
    &sql_vote_commit_stmt,
    &sql_vote_reveal_stmt,
    &sql_challenge_create_stmt,
};
const int sql_all_count = sizeof sql_all / sizeof *sql_all;
