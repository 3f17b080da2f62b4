/* SPDX-License-Identifier: Apache-2.0 */
/* Reads on policies, units and the market as a whole. */
#include "sql/reads_market.h"

#define POLICY_COLUMNS                                                                             \
    "id, name, version, created_at, preset, sealing, bidding_ms, bidding_min_ms, "                 \
    "opening_ms, bid_lock_ppm, bond_ppm, reserve_cap_gwei, rank_weight_ppm, "                      \
    "rank_weight_max_ppm, reserve_age_ms, min_pledge_gwei, heartbeat_ms, max_attempts, "           \
    "max_winners, lease_ms, no_show_ppm, wrong_ppm, mechanical_check, committee, "                 \
    "rung_seats, rung_quorums, commit_ms, reveal_ms, seat_fee_ppm, seat_lock_fees, "               \
    "absent_fees, unrevealed_fees, contradicted_fees, overturned_fees, "                           \
    "min_committee_entities, challenge_ms, fee_ppm, verifier_share_ppm, "                          \
    "cancel_fee_ppm, unbonding_ms, pledge_release_ms"

const struct db_stmt sql_find_policy_stmt = {
    .name = "find_policy",
    .sql = "SELECT " POLICY_COLUMNS " FROM policies WHERE id = $1",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

void sql_find_policy(struct db_call *c, const struct uuid *policy_id)
{
    c->stmt = &sql_find_policy_stmt;
    c->params[0] = db_uuid(policy_id);
}

const struct db_stmt sql_list_policies_stmt = {
    .name = "list_policies",
    .sql = "SELECT " POLICY_COLUMNS " FROM policies WHERE ($1::text IS NULL OR name = $1)"
           " AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3 + 1",
    .mode = DB_READ,
    .param_count = 3,
    .params = {DB_TEXT, DB_UUID, DB_INT},
};

void sql_list_policies(struct db_call *c, const char *name, const struct sql_page *page)
{
    c->stmt = &sql_list_policies_stmt;
    c->params[0] = db_text(name);
    c->params[1] = db_uuid(page->cursor_id);
    c->params[2] = db_int(page->limit);
}

const struct db_stmt sql_list_units_stmt = {
    .name = "list_units",
    .sql = "SELECT kind, version, unit, cu_per_unit_ppb, source FROM units"
           " ORDER BY kind, version DESC LIMIT 1000",
    .mode = DB_READ,
};

void sql_list_units(struct db_call *c)
{
    c->stmt = &sql_list_units_stmt;
}

/* A slot's price is what its provider was paid, fee included; its work is the task's. */
const struct db_stmt sql_market_index_stmt = {
    .name = "market_index",
    .sql =
        "SELECT x.kind, x.unit, x.bucket_at, x.task_count, x.slot_count, x.work_units,"
        " x.price_gwei, div(x.price_gwei * 1000000, x.work_units) AS price_per_million_units_gwei,"
        " div(x.price_gwei * 1000000000, x.work_units * u.cu_per_unit_ppb) AS price_per_cu_gwei"
        " FROM (SELECT t.kind, t.unit, date_trunc('hour', s.at) AS bucket_at,"
        "   count(DISTINCT t.id) AS task_count, count(*) AS slot_count,"
        "   sum(t.work_units::numeric) AS work_units, sum(j.price_gwei::numeric) AS price_gwei"
        "  FROM settlements s JOIN tasks t ON t.id = s.task_id"
        "  JOIN jobs j ON j.task_id = t.id AND j.state = 'paid'"
        "  WHERE s.outcome = 'paid' AND s.at > clock_timestamp() - $1 * interval '1 hour'"
        "  GROUP BY GROUPING SETS ((t.kind, t.unit), (t.kind, t.unit, date_trunc('hour', s.at)))"
        " ) x LEFT JOIN LATERAL (SELECT cu_per_unit_ppb FROM units u WHERE u.kind = x.kind"
        "  ORDER BY version DESC LIMIT 1) u ON true"
        " ORDER BY x.kind, x.bucket_at DESC NULLS FIRST LIMIT 5000",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_INT},
};

void sql_market_index(struct db_call *c, int64_t hours)
{
    c->stmt = &sql_market_index_stmt;
    c->params[0] = db_int(hours);
}

const struct db_stmt sql_stats_stmt = {
    .name = "stats",
    .sql = "SELECT clock_timestamp() AS time,"
           " (SELECT count(*) FROM entities WHERE id <> nil_uuid()) AS account_count,"
           " (SELECT count(*) FROM nodes WHERE retired_at IS NULL) AS node_count,"
           " (SELECT count(*) FROM nodes WHERE retired_at IS NULL AND last_seen_at >"
           "   clock_timestamp() - 3 * (SELECT heartbeat_ms FROM policies WHERE name = $1"
           "    ORDER BY version DESC LIMIT 1) * interval '1 ms') AS online_count,"
           " (SELECT count(*) FROM tasks) AS task_count,"
           " (SELECT count(*) FROM tasks WHERE state = 'open') AS open_count,"
           " (SELECT count(*) FROM tasks WHERE finished_at IS NULL) AS live_count,"
           " (SELECT count(*) FROM settlements WHERE outcome = 'paid') AS paid_count,"
           " (SELECT coalesce(sum(provider_gwei::numeric + fee_gwei + verifier_gwei), 0)"
           "   FROM settlements WHERE outcome = 'paid') AS paid_gwei,"
           " (SELECT coalesce(sum(balance_gwei), 0) FROM ledger_accounts WHERE kind = 'staked')"
           "  AS staked_gwei,"
           " (SELECT coalesce(sum(balance_gwei), 0) FROM ledger_accounts WHERE kind = 'escrow')"
           "  AS escrow_gwei,"
           " (SELECT count(*) FROM settlements WHERE at > clock_timestamp() - interval '1 day')"
           "  AS settled_day_count",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_TEXT},
};

void sql_stats(struct db_call *c, const char *policy_name)
{
    c->stmt = &sql_stats_stmt;
    c->params[0] = db_text(policy_name);
}
