/* SPDX-License-Identifier: Apache-2.0 */
/* Reads on tasks. */
#include "sql/reads_task.h"

#include "sql/reads_columns.h"

#define TASKS " FROM tasks t JOIN policies p ON p.id = t.policy_id"

const struct db_stmt sql_find_task_stmt = {
    .name = "find_task",
    .sql = "SELECT " TASK_COLUMNS("") ", t.input" TASKS " WHERE t.id = $1",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

void sql_find_task(struct db_call *c, const struct uuid *task_id)
{
    c->stmt = &sql_find_task_stmt;
    c->params[0] = db_uuid(task_id);
}

#define TASK_FILTER                                                                                \
    " ($1::text IS NULL OR t.state = $1) AND ($2::text IS NULL OR t.kind = $2)"                    \
    " AND ($3::uuid IS NULL OR t.id < $3)"

const struct db_stmt sql_list_tasks_stmt = {
    .name = "list_tasks",
    .sql = "SELECT " TASK_COLUMNS("") TASKS " WHERE" TASK_FILTER " ORDER BY t.id DESC LIMIT $4 + 1",
    .mode = DB_READ,
    .param_count = 4,
    .params = {DB_TEXT, DB_TEXT, DB_UUID, DB_INT},
};

const struct db_stmt sql_list_tasks_of_stmt = {
    .name = "list_tasks_of",
    .sql = "SELECT " TASK_COLUMNS("") TASKS " WHERE" TASK_FILTER
                                            " AND t.entity_id = $5 ORDER BY t.id DESC LIMIT $4 + 1",
    .mode = DB_READ,
    .param_count = 5,
    .params = {DB_TEXT, DB_TEXT, DB_UUID, DB_INT, DB_UUID},
};

void sql_list_tasks(struct db_call *c, const struct list_tasks_args *a, const struct sql_page *page)
{
    c->stmt = a->requester_id == NULL ? &sql_list_tasks_stmt : &sql_list_tasks_of_stmt;
    c->params[0] = db_text(a->state);
    c->params[1] = db_text(a->kind);
    c->params[2] = db_uuid(page->cursor_id);
    c->params[3] = db_int(page->limit);
    c->params[4] = db_uuid(a->requester_id);
}

const struct db_stmt sql_list_open_tasks_stmt = {
    .name = "list_open_tasks",
    .sql = "SELECT " TASK_COLUMNS("") TASKS
    " WHERE t.state = 'open'"
    " AND t.closes_at > clock_timestamp() AND ($1::uuid IS NULL OR t.id > $1)"
    " AND ($2::text IS NULL OR t.kind = $2) ORDER BY t.id LIMIT $3 + 1",
    .mode = DB_READ,
    .param_count = 3,
    .params = {DB_UUID, DB_TEXT, DB_INT},
};

void sql_list_open_tasks(struct db_call *c, const struct uuid *after, const char *kind,
                         int64_t limit)
{
    c->stmt = &sql_list_open_tasks_stmt;
    c->params[0] = db_uuid(after);
    c->params[1] = db_text(kind);
    c->params[2] = db_int(limit);
}

const struct db_stmt sql_list_task_events_stmt = {
    .name = "list_task_events",
    .sql = "SELECT e.* FROM (SELECT NULL::uuid AS id, t.id AS task_id, NULL::int AS seq,"
           " NULL::text AS kind, NULL::text AS from_state, NULL::text AS to_state,"
           " NULL::timestamptz AS at, NULL::jsonb AS payload FROM tasks t WHERE t.id = $1"
           " UNION ALL (SELECT id, task_id, seq, kind, from_state, to_state, at, payload"
           "  FROM events WHERE task_id = $1 AND ($2::uuid IS NULL OR id > $2)"
           "  ORDER BY id LIMIT $3 + 1)) e ORDER BY e.id NULLS FIRST",
    .mode = DB_READ,
    .param_count = 3,
    .params = {DB_UUID, DB_UUID, DB_INT},
};

void sql_list_task_events(struct db_call *c, const struct uuid *task_id,
                          const struct sql_page *page)
{
    c->stmt = &sql_list_task_events_stmt;
    c->params[0] = db_uuid(task_id);
    c->params[1] = db_uuid(page->cursor_id);
    c->params[2] = db_int(page->limit);
}

/* An entity counts in a step when one node of it passes all steps up to there. */
#define FUNNEL                                                                                     \
    " LEFT JOIN LATERAL (SELECT count(DISTINCT x.entity_id) AS eligible,"                          \
    "  count(DISTINCT x.entity_id) FILTER (WHERE x.online) AS online,"                             \
    "  count(DISTINCT x.entity_id) FILTER (WHERE x.online AND x.capable) AS capable,"              \
    "  count(DISTINCT x.entity_id) FILTER (WHERE x.online AND x.capable AND x.pledged) AS pledged" \
    "  FROM (SELECT n.entity_id,"                                                                  \
    "    coalesce(n.last_seen_at > clock_timestamp() - 3 * p.heartbeat_ms * interval '1 ms',"      \
    "     false) AND NOT n.draining AS online,"                                                    \
    "    t.kind = ANY (n.kinds) AND t.class IN ('any', n.class) AS capable,"                       \
    "    coalesce(g.pledged_gwei, 0) >= p.min_pledge_gwei AS pledged"                              \
    "   FROM nodes n JOIN entities e ON e.id = n.entity_id"                                        \
    "   LEFT JOIN pledges g ON g.node_id = n.id"                                                   \
    "   WHERE n.provides AND n.retired_at IS NULL AND e.suspended_at IS NULL"                      \
    "    AND coalesce(e.owner_id, e.id) <> coalesce(q.owner_id, q.id)"                             \
    "    AND (t.allow IS NULL OR e.id = ANY (t.allow)) AND e.id <> ALL (t.deny)) x"                \
    " ) f ON t.state <> 'open' AND NOT EXISTS (SELECT 1 FROM bids y WHERE y.task_id = t.id)"

const struct db_stmt sql_find_auction_stmt = {
    .name = "find_auction",
    .sql = "SELECT t.id AS task_id, t.state, t.round, t.state <> 'open' AS closed, t.closes_at,"
           " t.opens_until, t.max_price_gwei, t.replicas, t.rank_weight_ppm, p.reserve_cap_gwei,"
           " p.preset, t.sealing, f.eligible AS funnel_eligible, f.online AS funnel_online,"
           " f.capable AS funnel_capable, f.pledged AS funnel_pledged, b.id AS bid_id,"
           " b.entity_id AS bid_account_id, b.node_id AS bid_node_id, b.round AS bid_round,"
           " b.revision AS bid_revision, b.commitment AS bid_commitment, b.at AS bid_at,"
           " b.reserve_gwei AS bid_reserve_gwei, b.lock_gwei AS bid_lock_gwei,"
           " b.lock_state AS bid_lock_state,"
           " CASE WHEN s.shown THEN b.price_gwei END AS bid_price_gwei,"
           " CASE WHEN s.shown THEN b.opened_at END AS bid_opened_at, b.verdict AS bid_verdict,"
           " b.reason AS bid_reason, b.rank AS bid_rank, b.score_ppm AS bid_score_ppm,"
           " b.score_reserve_ppm AS bid_score_reserve_ppm, b.score_price_ppm AS "
           "bid_score_price_ppm" TASKS " JOIN entities q ON q.id = t.entity_id" FUNNEL
           " LEFT JOIN LATERAL (SELECT * FROM bids WHERE task_id = t.id"
           "  AND (round < t.round OR t.state <> 'open')"
           "  ORDER BY round, rank NULLS LAST, id LIMIT 1000) b ON true"
           " LEFT JOIN LATERAL (SELECT b.verdict IS NOT NULL OR b.round < t.round"
           "  OR t.state NOT IN ('open', 'opening') AS shown) s ON true"
           " WHERE t.id = $1 ORDER BY b.round, b.rank NULLS LAST, b.id",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

void sql_find_auction(struct db_call *c, const struct uuid *task_id)
{
    c->stmt = &sql_find_auction_stmt;
    c->params[0] = db_uuid(task_id);
}

#define SETTLEMENT_COLUMNS                                                                         \
    "s.task_id, s.outcome, s.reason, s.escrow_gwei, s.provider_gwei, s.fee_gwei, s.verifier_gwei," \
    " s.refund_gwei, s.transfer_id, s.at"

const struct db_stmt sql_find_settlement_stmt = {
    .name = "find_settlement",
    .sql = "SELECT " SETTLEMENT_COLUMNS ", l.line AS line_line, l.entity_id AS line_account_id,"
           " l.account_kind AS line_account_kind, l.amount_gwei AS line_amount_gwei,"
           " l.job_id AS line_job_id, l.seat_id AS line_seat_id, l.rule AS line_rule"
           " FROM tasks t LEFT JOIN settlements s ON s.task_id = t.id"
           " LEFT JOIN settlement_lines l ON l.task_id = s.task_id"
           " WHERE t.id = $1 ORDER BY l.line LIMIT 2000",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

void sql_find_settlement(struct db_call *c, const struct uuid *task_id)
{
    c->stmt = &sql_find_settlement_stmt;
    c->params[0] = db_uuid(task_id);
}

const struct db_stmt sql_list_settlements_stmt = {
    .name = "list_settlements",
    .sql = "SELECT " SETTLEMENT_COLUMNS " FROM settlements s WHERE s.task_id IN"
           " ((SELECT id FROM tasks WHERE entity_id = $1 AND finished_at IS NOT NULL"
           "   AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3 + 1)"
           "  UNION (SELECT DISTINCT task_id FROM settlement_lines WHERE entity_id = $1"
           "   AND ($2::uuid IS NULL OR task_id < $2) ORDER BY task_id DESC LIMIT $3 + 1))"
           " ORDER BY s.task_id DESC LIMIT $3 + 1",
    .mode = DB_READ,
    .param_count = 3,
    .params = {DB_UUID, DB_UUID, DB_INT},
};

void sql_list_settlements(struct db_call *c, const struct uuid *account_id,
                          const struct sql_page *page)
{
    c->stmt = &sql_list_settlements_stmt;
    c->params[0] = db_uuid(account_id);
    c->params[1] = db_uuid(page->cursor_id);
    c->params[2] = db_int(page->limit);
}

const struct db_stmt sql_find_task_result_stmt = {
    .name = "find_task_result",
    .sql = "SELECT t.entity_id AS requester_id, t.state AS task_state, t.id AS task_id,"
           " j.id AS job_id, j.slot, j.entity_id AS account_id, j.result_digest,"
           " " BASE64URL("j.result") " AS result, j.result_blob_id"
                                     " FROM tasks t LEFT JOIN jobs j ON j.task_id = t.id AND "
                                     "j.state IN ('accepted', 'paid')"
                                     "  AND t.state IN ('accepted', 'paid')"
                                     " WHERE t.id = $1 ORDER BY j.slot",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

void sql_find_task_result(struct db_call *c, const struct uuid *task_id)
{
    c->stmt = &sql_find_task_result_stmt;
    c->params[0] = db_uuid(task_id);
}
