/* SPDX-License-Identifier: Apache-2.0 */
/* Writes on tasks, bids, jobs, votes and challenges. */
#include "sql/writes_market.h"

#include "sql/writes_p.h"

const struct db_stmt sql_task_create_stmt = {
    .name = "task_create",
    .sql = OUTCOME_OF("task_create($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,"
                      "$17,$18,$19,$20,$21,$22,$23,$24,$25,$26)"),
    .mode = DB_BATCH,
    .param_count = 26,
    .params = {DB_UUID, DB_UUID,  DB_TEXT, DB_BYTES, DB_UUID, DB_TEXT, DB_INT,  DB_TEXT, DB_TEXT,
               DB_TEXT, DB_BYTES, DB_UUID, DB_TEXT,  DB_INT,  DB_TEXT, DB_INT,  DB_INT,  DB_INT,
               DB_INT,  DB_TEXT,  DB_INT,  DB_INT,   DB_INT,  DB_INT,  DB_TEXT, DB_TEXT},
};

const struct db_stmt sql_task_cancel_stmt = {
    .name = "task_cancel",
    .sql = OUTCOME_OF("task_cancel($1,$2,$3,$4,$5)"),
    .mode = DB_BATCH,
    .param_count = 5,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID},
};

const struct db_stmt sql_bid_create_stmt = {
    .name = "bid_create",
    .sql = OUTCOME_OF("bid_create($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)"),
    .mode = DB_BATCH,
    .param_count = 12,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_UUID, DB_UUID, DB_BYTES, DB_BYTES,
               DB_INT, DB_BYTES, DB_BYTES},
};

const struct db_stmt sql_bid_open_stmt = {
    .name = "bid_open",
    .sql = OUTCOME_OF("bid_open($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)"),
    .mode = DB_BATCH,
    .param_count = 10,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_INT, DB_BYTES, DB_BYTES, DB_UUID,
               DB_UUID},
};

const struct db_stmt sql_job_heartbeat_stmt = {
    .name = "job_heartbeat",
    .sql = OUTCOME_OF("job_heartbeat($1,$2,$3,$4,$5,$6)"),
    .mode = DB_BATCH,
    .param_count = 6,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_INT},
};

const struct db_stmt sql_job_decline_stmt = {
    .name = "job_decline",
    .sql = OUTCOME_OF("job_decline($1,$2,$3,$4,$5,$6,$7)"),
    .mode = DB_BATCH,
    .param_count = 7,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_INT, DB_TEXT},
};

const struct db_stmt sql_job_commit_stmt = {
    .name = "job_commit",
    .sql = OUTCOME_OF("job_commit($1,$2,$3,$4,$5,$6,$7,$8,$9)"),
    .mode = DB_BATCH,
    .param_count = 9,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_INT, DB_BYTES, DB_BYTES, DB_BYTES},
};

const struct db_stmt sql_job_reveal_stmt = {
    .name = "job_reveal",
    .sql = OUTCOME_OF("job_reveal($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)"),
    .mode = DB_BATCH,
    .param_count = 14,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_INT, DB_BYTES, DB_BYTES, DB_BYTES,
               DB_BYTES, DB_UUID, DB_UUID, DB_INT, DB_BYTES},
};

const struct db_stmt sql_vote_commit_stmt = {
    .name = "vote_commit",
    .sql = OUTCOME_OF("vote_commit($1,$2,$3,$4,$5,$6,$7,$8)"),
    .mode = DB_BATCH,
    .param_count = 8,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_BYTES, DB_BYTES, DB_BYTES},
};

const struct db_stmt sql_vote_reveal_stmt = {
    .name = "vote_reveal",
    .sql = OUTCOME_OF("vote_reveal($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)"),
    .mode = DB_BATCH,
    .param_count = 14,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_BOOL, DB_TEXT, DB_BYTES, DB_BYTES,
               DB_UUID, DB_INT, DB_INT, DB_INT, DB_BYTES},
};

const struct db_stmt sql_challenge_create_stmt = {
    .name = "challenge_create",
    .sql = OUTCOME_OF("challenge_create($1,$2,$3,$4,$5,$6,$7,$8)"),
    .mode = DB_BATCH,
    .param_count = 8,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_UUID, DB_UUID, DB_TEXT},
};

void sql_task_create(struct db_call *c, const struct sql_caller *who,
                     const struct task_create_args *a)
{
    struct bind b = bind_begin(c, &sql_task_create_stmt, who);
    bind_uuid(&b, &a->id);
    bind_text(&b, a->kind);
    bind_int(&b, a->kind_version);
    bind_text(&b, a->label);
    bind_text(&b, a->policy_name);
    bind_text(&b, a->input);
    bind_hash(&b, a->input_hash);
    bind_uuid(&b, a->input_blob_id);
    bind_text(&b, a->hardware_class);
    bind_int(&b, a->work_units);
    bind_text(&b, a->unit);
    bind_int(&b, a->max_price_gwei);
    bind_int(&b, a->replicas);
    bind_int_or_null(&b, a->seat_fee_gwei);
    bind_int_or_null(&b, a->rank_weight_ppm);
    bind_text(&b, a->sealing);
    bind_int_or_null(&b, a->bidding_ms);
    bind_int_or_null(&b, a->lease_ms);
    bind_int(&b, a->deadline_ms);
    bind_int(&b, a->rounds_max);
    bind_text(&b, a->allow);
    bind_text(&b, a->deny);
    bind_done(&b);
}

void sql_task_cancel(struct db_call *c, const struct sql_caller *who, const struct uuid *task_id)
{
    struct bind b = bind_begin(c, &sql_task_cancel_stmt, who);
    bind_uuid(&b, task_id);
    bind_done(&b);
}

void sql_bid_create(struct db_call *c, const struct sql_caller *who,
                    const struct bid_create_args *a)
{
    struct bind b = bind_begin(c, &sql_bid_create_stmt, who);
    bind_uuid(&b, &a->id);
    bind_uuid(&b, &a->task_id);
    bind_uuid(&b, &a->node_id);
    bind_hash(&b, a->commitment);
    bind_blob(&b, a->signature, SIG_BYTES);
    bind_int_or_null(&b, a->price_gwei);
    bind_hash(&b, a->salt);
    bind_hash(&b, a->node_key);
    bind_done(&b);
}

void sql_bid_open(struct db_call *c, const struct sql_caller *who, const struct bid_open_args *a)
{
    struct bind b = bind_begin(c, &sql_bid_open_stmt, who);
    bind_uuid(&b, &a->bid_id);
    bind_int(&b, a->price_gwei);
    bind_hash(&b, a->salt);
    bind_hash(&b, a->commitment);
    bind_uuid(&b, &a->task_id);
    bind_uuid(&b, &a->node_id);
    bind_done(&b);
}

void sql_job_heartbeat(struct db_call *c, const struct sql_caller *who, const struct job_ref *job)
{
    struct bind b = bind_begin(c, &sql_job_heartbeat_stmt, who);
    bind_uuid(&b, &job->job_id);
    bind_int(&b, job->fence);
    bind_done(&b);
}

void sql_job_decline(struct db_call *c, const struct sql_caller *who, const struct job_ref *job,
                     const char *reason)
{
    struct bind b = bind_begin(c, &sql_job_decline_stmt, who);
    bind_uuid(&b, &job->job_id);
    bind_int(&b, job->fence);
    bind_text(&b, reason);
    bind_done(&b);
}

void sql_job_commit(struct db_call *c, const struct sql_caller *who,
                    const struct job_commit_args *a)
{
    struct bind b = bind_begin(c, &sql_job_commit_stmt, who);
    bind_uuid(&b, &a->job.job_id);
    bind_int(&b, a->job.fence);
    bind_hash(&b, a->commitment);
    bind_blob(&b, a->signature, SIG_BYTES);
    bind_hash(&b, a->node_key);
    bind_done(&b);
}

void sql_job_reveal(struct db_call *c, const struct sql_caller *who,
                    const struct job_reveal_args *a)
{
    struct bind b = bind_begin(c, &sql_job_reveal_stmt, who);
    bind_uuid(&b, &a->job.job_id);
    bind_int(&b, a->job.fence);
    bind_hash(&b, a->commitment);
    bind_hash(&b, a->salt);
    bind_hash(&b, a->digest);
    bind_blob(&b, a->result.data, a->result.len);
    bind_uuid(&b, a->blob_id);
    bind_uuid(&b, &a->task_id);
    bind_int(&b, a->slot);
    bind_hash(&b, a->node_key);
    bind_done(&b);
}

void sql_vote_commit(struct db_call *c, const struct sql_caller *who,
                     const struct vote_commit_args *a)
{
    struct bind b = bind_begin(c, &sql_vote_commit_stmt, who);
    bind_uuid(&b, &a->seat_id);
    bind_hash(&b, a->commitment);
    bind_blob(&b, a->signature, SIG_BYTES);
    bind_hash(&b, a->node_key);
    bind_done(&b);
}

void sql_vote_reveal(struct db_call *c, const struct sql_caller *who,
                     const struct vote_reveal_args *a)
{
    struct bind b = bind_begin(c, &sql_vote_reveal_stmt, who);
    bind_uuid(&b, &a->seat_id);
    bind_bool(&b, a->vote);
    bind_text(&b, a->reason);
    bind_hash(&b, a->salt);
    bind_hash(&b, a->commitment);
    bind_uuid(&b, &a->task_id);
    bind_int(&b, a->slot);
    bind_int(&b, a->fence);
    bind_int(&b, a->rung);
    bind_hash(&b, a->node_key);
    bind_done(&b);
}

void sql_challenge_create(struct db_call *c, const struct sql_caller *who,
                          const struct challenge_create_args *a)
{
    struct bind b = bind_begin(c, &sql_challenge_create_stmt, who);
    bind_uuid(&b, &a->id);
    bind_uuid(&b, &a->task_id);
    bind_uuid(&b, a->job_id);
    bind_text(&b, a->reason);
    bind_done(&b);
}
