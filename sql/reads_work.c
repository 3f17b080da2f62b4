/* SPDX-License-Identifier: Apache-2.0 */
/* Reads on bids, jobs and seats. */
#include "sql/reads_work.h"

#include "sql/reads_columns.h"

#define BID_COLUMNS                                                                                \
    "b.id, b.task_id, b.entity_id AS account_id, b.node_id, b.round, b.revision, b.commitment,"    \
    " b.at, b.reserve_gwei, b.lock_gwei, b.lock_state, b.price_gwei, b.opened_at, b.verdict,"      \
    " b.reason, b.rank, b.score_ppm"

const struct db_stmt sql_find_bid_stmt = {
    .name = "find_bid",
    .sql = "SELECT " BID_COLUMNS " FROM bids b WHERE b.id = $1 AND b.entity_id = $2",
    .mode = DB_READ,
    .param_count = 2,
    .params = {DB_UUID, DB_UUID},
};

void sql_find_bid(struct db_call *c, const struct uuid *bid_id, const struct uuid *account_id)
{
    c->stmt = &sql_find_bid_stmt;
    c->params[0] = db_uuid(bid_id);
    c->params[1] = db_uuid(account_id);
}

const struct db_stmt sql_list_bids_stmt = {
    .name = "list_bids",
    .sql = "SELECT " BID_COLUMNS " FROM bids b WHERE b.entity_id = $1"
           " AND ($2::uuid IS NULL OR b.task_id = $2) AND ($3::uuid IS NULL OR b.id < $3)"
           " ORDER BY b.id DESC LIMIT $4 + 1",
    .mode = DB_READ,
    .param_count = 4,
    .params = {DB_UUID, DB_UUID, DB_UUID, DB_INT},
};

void sql_list_bids(struct db_call *c, const struct uuid *account_id, const struct uuid *task_id,
                   const struct sql_page *page)
{
    c->stmt = &sql_list_bids_stmt;
    c->params[0] = db_uuid(account_id);
    c->params[1] = db_uuid(task_id);
    c->params[2] = db_uuid(page->cursor_id);
    c->params[3] = db_int(page->limit);
}

/* $1 node, $2 account, $3 ids to leave out */
#define CLAIMED(alias) "(" alias ".id <> ALL (string_to_array($3, ',')::uuid[]))"
#define TASK_OF(alias)                                                                             \
    " LEFT JOIN tasks t ON t.id = " alias ".task_id LEFT JOIN policies p ON p.id = t.policy_id"

const struct db_stmt sql_claim_job_stmt = {
    .name = "claim_job",
    .sql = "SELECT n.entity_id AS node_owner, " JOB_COLUMNS ", " TASK_COLUMNS(
        "task_") ", t.input AS task_input FROM nodes n LEFT JOIN LATERAL"
                 " (SELECT * FROM jobs j WHERE j.node_id = n.id AND n.entity_id = $2"
                 "  AND j.state IN ('assigned', 'committed')"
                 "  AND (j.state = 'assigned' AND j.lease_until > clock_timestamp() "
                 "OR " JOB_REVEAL_OPEN ")"
                 "  AND " CLAIMED("j") " ORDER BY j.state DESC, j.id LIMIT 1) j ON true" TASK_OF(
                     "j") " WHERE n.id = $1",
    .mode = DB_READ,
    .param_count = 3,
    .params = {DB_UUID, DB_UUID, DB_TEXT},
};

static void bind_claim(struct db_call *c, const struct db_stmt *stmt, const struct claim_args *a)
{
    c->stmt = stmt;
    c->params[0] = db_uuid(&a->node_id);
    c->params[1] = db_uuid(&a->account_id);
    c->params[2] = db_text(a->except);
}

void sql_claim_job(struct db_call *c, const struct claim_args *a)
{
    bind_claim(c, &sql_claim_job_stmt, a);
}

const struct db_stmt sql_find_job_stmt = {
    .name = "find_job",
    .sql = "SELECT " JOB_COLUMNS
           ", " TASK_COLUMNS("task_") ", t.input AS task_input"
                                      " FROM jobs j JOIN nodes n ON n.id = j.node_id" TASK_OF(
                                          "j") " WHERE j.id = $1 AND j.entity_id = $2",
    .mode = DB_READ,
    .param_count = 2,
    .params = {DB_UUID, DB_UUID},
};

void sql_find_job(struct db_call *c, const struct uuid *job_id, const struct uuid *account_id)
{
    c->stmt = &sql_find_job_stmt;
    c->params[0] = db_uuid(job_id);
    c->params[1] = db_uuid(account_id);
}

const struct db_stmt sql_list_jobs_stmt = {
    .name = "list_jobs",
    .sql = "SELECT " JOB_COLUMNS " FROM jobs j JOIN nodes n ON n.id = j.node_id"
           " WHERE j.entity_id = $1 AND ($2::text IS NULL OR j.state = $2)"
           " AND ($3::uuid IS NULL OR j.id < $3) ORDER BY j.id DESC LIMIT $4 + 1",
    .mode = DB_READ,
    .param_count = 4,
    .params = {DB_UUID, DB_TEXT, DB_UUID, DB_INT},
};

void sql_list_jobs(struct db_call *c, const struct uuid *account_id, const char *state,
                   const struct sql_page *page)
{
    c->stmt = &sql_list_jobs_stmt;
    c->params[0] = db_uuid(account_id);
    c->params[1] = db_text(state);
    c->params[2] = db_uuid(page->cursor_id);
    c->params[3] = db_int(page->limit);
}

const struct db_stmt sql_list_task_jobs_stmt = {
    .name = "list_task_jobs",
    .sql = "SELECT " JOB_COLUMNS " FROM tasks t LEFT JOIN jobs j ON j.task_id = t.id"
           " LEFT JOIN nodes n ON n.id = j.node_id WHERE t.id = $1"
           " ORDER BY j.slot, j.fence LIMIT 1000",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

void sql_list_task_jobs(struct db_call *c, const struct uuid *task_id)
{
    c->stmt = &sql_list_task_jobs_stmt;
    c->params[0] = db_uuid(task_id);
}

#define SEAT_TABLES                                                                                \
    " LEFT JOIN rungs r ON r.id = s.rung_id LEFT JOIN jobs j ON j.id = r.job_id"                   \
    " LEFT JOIN nodes w ON w.id = j.node_id" TASK_OF("s")
#define RESULT_COLUMNS                                                                             \
    ", w.node_key AS result_node_key, j.entity_id AS result_account_id,"                           \
    " j.result_digest AS result_result_digest, " BASE64URL(                                        \
        "j.result") " AS result_result,"                                                           \
                    " j.result_blob_id AS result_blob_id"

const struct db_stmt sql_claim_seat_stmt = {
    .name = "claim_seat",
    .sql = "SELECT n.entity_id AS node_owner, " SEAT_COLUMNS ", " TASK_COLUMNS(
        "task_") ", t.input AS task_input" RESULT_COLUMNS " FROM nodes n LEFT JOIN LATERAL"
                 " (SELECT s.* FROM seats s JOIN rungs r ON r.id = s.rung_id WHERE s.node_id = n.id"
                 "  AND n.entity_id = $2 AND s.state IN ('seated', 'committed')"
                 "  AND (s.state = 'seated' AND s.commit_until > clock_timestamp()"
                 "   OR " SEAT_REVEAL_OPEN ")"
                 "  AND " CLAIMED("s") " ORDER BY s.state, s.id LIMIT 1) s ON true" SEAT_TABLES
                                       " WHERE n.id = $1",
    .mode = DB_READ,
    .param_count = 3,
    .params = {DB_UUID, DB_UUID, DB_TEXT},
};

void sql_claim_seat(struct db_call *c, const struct claim_args *a)
{
    bind_claim(c, &sql_claim_seat_stmt, a);
}

const struct db_stmt sql_find_seat_stmt = {
    .name = "find_seat",
    .sql = "SELECT " SEAT_COLUMNS
           ", " TASK_COLUMNS("task_") ", t.input AS task_input" RESULT_COLUMNS
                                      " FROM seats s JOIN nodes n ON n.id = s.node_id" SEAT_TABLES
                                      " WHERE s.id = $1 AND s.entity_id = $2",
    .mode = DB_READ,
    .param_count = 2,
    .params = {DB_UUID, DB_UUID},
};

void sql_find_seat(struct db_call *c, const struct uuid *seat_id, const struct uuid *account_id)
{
    c->stmt = &sql_find_seat_stmt;
    c->params[0] = db_uuid(seat_id);
    c->params[1] = db_uuid(account_id);
}

const struct db_stmt sql_list_seats_stmt = {
    .name = "list_seats",
    .sql = "SELECT " SEAT_COLUMNS " FROM seats s JOIN nodes n ON n.id = s.node_id"
           " JOIN rungs r ON r.id = s.rung_id WHERE s.entity_id = $1"
           " AND ($2::uuid IS NULL OR s.id < $2) ORDER BY s.id DESC LIMIT $3 + 1",
    .mode = DB_READ,
    .param_count = 3,
    .params = {DB_UUID, DB_UUID, DB_INT},
};

void sql_list_seats(struct db_call *c, const struct uuid *account_id, const struct sql_page *page)
{
    c->stmt = &sql_list_seats_stmt;
    c->params[0] = db_uuid(account_id);
    c->params[1] = db_uuid(page->cursor_id);
    c->params[2] = db_int(page->limit);
}

#define TALLIED(column) "CASE WHEN r.tallied_at IS NOT NULL THEN s." column " END AS " column

const struct db_stmt sql_list_task_seats_stmt = {
    .name = "list_task_seats",
    .sql = "SELECT r.id AS rung_id, r.job_id AS rung_job_id, r.slot AS rung_slot,"
           " r.fence AS rung_fence, r.rung AS rung_rung, r.seat_count AS rung_seat_count,"
           " r.quorum AS rung_quorum, r.final AS rung_final, r.seed AS rung_seed,"
           " CASE WHEN row_number() OVER (PARTITION BY r.id ORDER BY s.id) = 1 THEN r.snapshot END"
           " AS rung_snapshot, r.snapshot_root AS rung_snapshot_root,"
           " r.drawn_at AS rung_drawn_at, r.commit_until AS rung_commit_until,"
           " r.reveal_from AS rung_reveal_from, r.reveal_until AS rung_reveal_until,"
           " r.outcome AS rung_outcome, r.yes_weight AS rung_yes_weight,"
           " r.no_weight AS rung_no_weight, r.tallied_at AS rung_tallied_at,"
           " s.id, s.entity_id AS account_id, s.node_id, s.weight, s.replaces_id, s.state,"
           " s.commitment, s.committed_at, s.revealed_at, " TALLIED("vote") ", " TALLIED(
               "vote_reason") ", " TALLIED("salt") ", s.fee_gwei"
                                                   " FROM tasks t LEFT JOIN rungs r ON r.task_id = "
                                                   "t.id"
                                                   " LEFT JOIN seats s ON s.rung_id = r.id WHERE "
                                                   "t.id = $1"
                                                   " ORDER BY r.slot, r.fence, r.rung, s.id LIMIT "
                                                   "2000",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

void sql_list_task_seats(struct db_call *c, const struct uuid *task_id)
{
    c->stmt = &sql_list_task_seats_stmt;
    c->params[0] = db_uuid(task_id);
}
