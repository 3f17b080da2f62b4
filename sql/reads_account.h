/* SPDX-License-Identifier: Apache-2.0 */
/* Reads on accounts, keys, balances, transfers and stakes. */
#ifndef CF_SQL_READS_ACCOUNT_H
#define CF_SQL_READS_ACCOUNT_H

#include "sql/reads.h"

extern const struct db_stmt sql_find_key_stmt;
extern const struct db_stmt sql_find_account_stmt;
extern const struct db_stmt sql_list_keys_stmt;
extern const struct db_stmt sql_list_balances_stmt;
extern const struct db_stmt sql_list_transfers_stmt;
extern const struct db_stmt sql_find_stake_stmt;

/* account_id, secret_hash, scopes, expires_ms (Unix ms or NULL), revoked, is_operator. */
void sql_find_key(struct db_call *c, const struct uuid *key_id);

/* id, name, is_operator, suspended_at, created_at, node_count, task_count, job_count. */
void sql_find_account(struct db_call *c, const struct uuid *account_id);

/* id, name, scopes, created_at, expires_at, revoked_at; newest first. */
void sql_list_keys(struct db_call *c, const struct uuid *account_id, const struct sql_page *page);

/* kind, asset, balance_gwei, task_id; at most 1000 rows, escrows of the newest tasks last. */
void sql_list_balances(struct db_call *c, const struct uuid *account_id);

/* id, line, kind, account, asset, amount_gwei, task_id, at; newest first, one row per entry. */
void sql_list_transfers(struct db_call *c, const struct uuid *account_id,
                        const struct sql_page *page);

/* One row per unbonding (at most 100 open ones), or one with NULLs: account_id, reserve_gwei,
 * bond_gwei, unbonding_gwei, pledged_gwei, releasing_gwei, unb_id, unb_node_id, unb_amount_gwei,
 * unb_requested_at, unb_due_at. */
void sql_find_stake(struct db_call *c, const struct uuid *account_id);

#endif
