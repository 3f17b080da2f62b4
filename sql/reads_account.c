/* SPDX-License-Identifier: Apache-2.0 */
/* Reads on accounts, keys, balances, transfers and stakes. */
#include "sql/reads_account.h"

const struct db_stmt sql_find_key_stmt = {
    .name = "find_key",
    .sql = "SELECT k.entity_id AS account_id, k.secret_hash, k.scopes,"
           " (extract(epoch FROM k.expires_at) * 1000)::bigint AS expires_ms,"
           " k.revoked_at IS NOT NULL AS revoked, e.is_operator"
           " FROM api_keys k JOIN entities e ON e.id = k.entity_id WHERE k.id = $1",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

void sql_find_key(struct db_call *c, const struct uuid *key_id)
{
    c->stmt = &sql_find_key_stmt;
    c->params[0] = db_uuid(key_id);
}

const struct db_stmt sql_find_account_stmt = {
    .name = "find_account",
    .sql = "SELECT id, name, is_operator, suspended_at, created_at,"
           " (SELECT count(*) FROM nodes n WHERE n.entity_id = e.id AND n.retired_at IS NULL)"
           " AS node_count,"
           " (SELECT count(*) FROM tasks t WHERE t.entity_id = e.id) AS task_count,"
           " (SELECT count(*) FROM jobs j WHERE j.entity_id = e.id AND j.state = 'paid')"
           " AS job_count"
           " FROM entities e WHERE e.id = $1 AND e.id <> nil_uuid()",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

void sql_find_account(struct db_call *c, const struct uuid *account_id)
{
    c->stmt = &sql_find_account_stmt;
    c->params[0] = db_uuid(account_id);
}

const struct db_stmt sql_list_keys_stmt = {
    .name = "list_keys",
    .sql = "SELECT id, name, scopes, created_at, expires_at, revoked_at FROM api_keys"
           " WHERE entity_id = $1 AND ($2::uuid IS NULL OR id < $2)"
           " ORDER BY id DESC LIMIT $3 + 1",
    .mode = DB_READ,
    .param_count = 3,
    .params = {DB_UUID, DB_UUID, DB_INT},
};

void sql_list_keys(struct db_call *c, const struct uuid *account_id, const struct sql_page *page)
{
    c->stmt = &sql_list_keys_stmt;
    c->params[0] = db_uuid(account_id);
    c->params[1] = db_uuid(page->cursor_id);
    c->params[2] = db_int(page->limit);
}

const struct db_stmt sql_list_balances_stmt = {
    .name = "list_balances",
    .sql = "SELECT kind, asset, balance_gwei, CASE WHEN kind = 'escrow' THEN ref END AS task_id"
           " FROM ledger_accounts WHERE owner = $1 AND (kind <> 'escrow' OR balance_gwei > 0)"
           " ORDER BY kind = 'escrow', kind, ref DESC LIMIT 1000",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

void sql_list_balances(struct db_call *c, const struct uuid *account_id)
{
    c->stmt = &sql_list_balances_stmt;
    c->params[0] = db_uuid(account_id);
}

const struct db_stmt sql_list_transfers_stmt = {
    .name = "list_transfers",
    .sql = "SELECT t.id, x.line, t.kind, x.account, x.asset, x.amount_gwei, t.task_id, t.at"
           " FROM (SELECT e.transfer_id, e.line, a.kind AS account, a.asset, e.amount_gwei"
           "   FROM ledger_accounts a CROSS JOIN LATERAL"
           "    (SELECT transfer_id, line, amount_gwei FROM entries e WHERE e.account_id = a.id"
           "      AND ($2::uuid IS NULL OR (e.transfer_id, e.line) < ($2, $3::bigint))"
           "      ORDER BY e.transfer_id DESC, e.line DESC LIMIT $4 + 1) e"
           "   WHERE a.owner = $1"
           "   ORDER BY e.transfer_id DESC, e.line DESC LIMIT $4 + 1) x"
           " JOIN transfers t ON t.id = x.transfer_id"
           " ORDER BY x.transfer_id DESC, x.line DESC",
    .mode = DB_READ,
    .param_count = 4,
    .params = {DB_UUID, DB_UUID, DB_INT, DB_INT},
};

void sql_list_transfers(struct db_call *c, const struct uuid *account_id,
                        const struct sql_page *page)
{
    c->stmt = &sql_list_transfers_stmt;
    c->params[0] = db_uuid(account_id);
    c->params[1] = db_uuid(page->cursor_id);
    c->params[2] = db_int(page->cursor_n);
    c->params[3] = db_int(page->limit);
}

const struct db_stmt sql_find_stake_stmt = {
    .name = "find_stake",
    .sql = "SELECT e.id AS account_id, ledger_balance(e.id, 'reserve') AS reserve_gwei,"
           " ledger_balance(e.id, 'bond') AS bond_gwei,"
           " ledger_balance(e.id, 'unbonding') AS unbonding_gwei,"
           " coalesce(p.pledged, 0)::bigint AS pledged_gwei,"
           " coalesce(p.releasing, 0)::bigint AS releasing_gwei,"
           " u.id AS unb_id, u.node_id AS unb_node_id, u.amount_gwei AS unb_amount_gwei,"
           " u.requested_at AS unb_requested_at, u.due_at AS unb_due_at"
           " FROM entities e"
           " CROSS JOIN (SELECT sum(pledged_gwei) AS pledged, sum(releasing_gwei) AS releasing"
           "   FROM pledges WHERE entity_id = $1) p"
           " LEFT JOIN (SELECT * FROM unbondings WHERE entity_id = $1 AND released_at IS NULL"
           "   ORDER BY id LIMIT 100) u ON true"
           " WHERE e.id = $1 ORDER BY u.id",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

void sql_find_stake(struct db_call *c, const struct uuid *account_id)
{
    c->stmt = &sql_find_stake_stmt;
    c->params[0] = db_uuid(account_id);
}
