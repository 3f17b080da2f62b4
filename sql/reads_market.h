/* SPDX-License-Identifier: Apache-2.0 */
/* Reads on policies, units and the market as a whole. */
#ifndef CF_SQL_READS_MARKET_H
#define CF_SQL_READS_MARKET_H

#include "sql/reads.h"

extern const struct db_stmt sql_find_policy_stmt;
extern const struct db_stmt sql_list_policies_stmt;
extern const struct db_stmt sql_list_units_stmt;
extern const struct db_stmt sql_market_index_stmt;
extern const struct db_stmt sql_stats_stmt;

/* Every column of policies. */
void sql_find_policy(struct db_call *c, const struct uuid *policy_id);
/* Newest first. */
void sql_list_policies(struct db_call *c, const char *name, const struct sql_page *page);

/* kind, version, unit, cu_per_unit_ppb, source; newest version of each kind first; at most 1000. */
void sql_list_units(struct db_call *c);

/* Per kind and bucket of hours, from tasks settled in the last hours: kind, unit, bucket_at,
 * task_count, slot_count, work_units, price_gwei, price_per_million_units_gwei, price_per_cu_gwei;
 * bucket_at NULL is the whole window. Prices are volume-weighted, floor. */
void sql_market_index(struct db_call *c, int64_t hours);

/* One row: time, account_count, node_count, online_count, task_count, open_count, live_count,
 * paid_count, paid_gwei, staked_gwei, escrow_gwei, settled_day_count. */
void sql_stats(struct db_call *c, const char *policy_name);

#endif
