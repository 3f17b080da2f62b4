/* SPDX-License-Identifier: Apache-2.0 */
/* Writes on accounts, keys, money, nodes, blobs and policies. */
#include "sql/writes_account.h"

#include "sql/writes_p.h"

const struct db_stmt sql_account_create_stmt = {
    .name = "account_create",
    .sql = OUTCOME_OF("account_create($1,$2,$3,$4,$5,$6,$7)"),
    .mode = DB_BATCH,
    .param_count = 7,
    .params = {DB_TEXT, DB_BYTES, DB_UUID, DB_TEXT, DB_UUID, DB_BYTES, DB_INT},
};

const struct db_stmt sql_key_create_stmt = {
    .name = "key_create",
    .sql = OUTCOME_OF("key_create($1,$2,$3,$4,$5,$6,$7,$8,$9)"),
    .mode = DB_BATCH,
    .param_count = 9,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_TEXT, DB_BYTES, DB_INT, DB_INT},
};

const struct db_stmt sql_key_revoke_stmt = {
    .name = "key_revoke",
    .sql = OUTCOME_OF("key_revoke($1,$2,$3,$4,$5)"),
    .mode = DB_BATCH,
    .param_count = 5,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID},
};

const struct db_stmt sql_faucet_stmt = {
    .name = "faucet",
    .sql = OUTCOME_OF("faucet($1,$2,$3,$4,$5,$6)"),
    .mode = DB_BATCH,
    .param_count = 6,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_INT},
};

const struct db_stmt sql_stake_stmt = {
    .name = "stake",
    .sql = OUTCOME_OF("stake($1,$2,$3,$4,$5,$6)"),
    .mode = DB_BATCH,
    .param_count = 6,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_INT},
};

const struct db_stmt sql_unstake_stmt = {
    .name = "unstake",
    .sql = OUTCOME_OF("unstake($1,$2,$3,$4,$5,$6,$7)"),
    .mode = DB_BATCH,
    .param_count = 7,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_INT, DB_TEXT},
};

const struct db_stmt sql_node_register_stmt = {
    .name = "node_register",
    .sql = OUTCOME_OF("node_register($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)"),
    .mode = DB_BATCH,
    .param_count = 12,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_TEXT, DB_BYTES, DB_TEXT, DB_TEXT,
               DB_BOOL, DB_BOOL, DB_TEXT},
};

const struct db_stmt sql_node_heartbeat_stmt = {
    .name = "node_heartbeat",
    .sql = OUTCOME_OF("node_heartbeat($1,$2,$3,$4,$5,$6)"),
    .mode = DB_BATCH,
    .param_count = 6,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_BOOL},
};

const struct db_stmt sql_node_reserve_stmt = {
    .name = "node_reserve",
    .sql = OUTCOME_OF("node_reserve($1,$2,$3,$4,$5,$6)"),
    .mode = DB_BATCH,
    .param_count = 6,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_INT},
};

const struct db_stmt sql_node_unreserve_stmt = {
    .name = "node_unreserve",
    .sql = OUTCOME_OF("node_unreserve($1,$2,$3,$4,$5,$6,$7,$8)"),
    .mode = DB_BATCH,
    .param_count = 8,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_UUID, DB_INT, DB_TEXT},
};

const struct db_stmt sql_node_retire_stmt = {
    .name = "node_retire",
    .sql = OUTCOME_OF("node_retire($1,$2,$3,$4,$5)"),
    .mode = DB_BATCH,
    .param_count = 5,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID},
};

const struct db_stmt sql_blob_create_stmt = {
    .name = "blob_create",
    .sql = OUTCOME_OF("blob_create($1,$2,$3,$4,$5,$6,$7)"),
    .mode = DB_BATCH,
    .param_count = 7,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_BYTES, DB_INT},
};

const struct db_stmt sql_blob_part_stmt = {
    .name = "blob_part",
    .sql = OUTCOME_OF("blob_part($1,$2,$3,$4,$5,$6,$7)"),
    .mode = DB_BATCH,
    .param_count = 7,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_INT, DB_BYTES},
};

const struct db_stmt sql_blob_complete_stmt = {
    .name = "blob_complete",
    .sql = OUTCOME_OF("blob_complete($1,$2,$3,$4,$5)"),
    .mode = DB_BATCH,
    .param_count = 5,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID},
};

const struct db_stmt sql_policy_create_stmt = {
    .name = "policy_create",
    .sql = OUTCOME_OF("policy_create($1,$2,$3,$4,$5,$6)"),
    .mode = DB_BATCH,
    .param_count = 6,
    .params = {DB_UUID, DB_UUID, DB_TEXT, DB_BYTES, DB_UUID, DB_TEXT},
};

/* The one write without a caller: idempotency is kept under the nil account. */
void sql_account_create(struct db_call *c, const struct sql_caller *who,
                        const struct account_create_args *a)
{
    sql_bind_caller(c, &sql_account_create_stmt, who);
    struct bind b = {.call = c, .next = 0};
    bind_text(&b, who->idem);
    bind_hash(&b, who->hash);
    bind_uuid(&b, &a->id);
    bind_text(&b, a->name);
    bind_uuid(&b, &a->key_id);
    bind_hash(&b, a->secret_hash);
    bind_int(&b, a->scopes);
    bind_done(&b);
}

void sql_key_create(struct db_call *c, const struct sql_caller *who,
                    const struct key_create_args *a)
{
    struct bind b = bind_begin(c, &sql_key_create_stmt, who);
    bind_uuid(&b, &a->id);
    bind_text(&b, a->name);
    bind_hash(&b, a->secret_hash);
    bind_int(&b, a->scopes);
    bind_int_or_null(&b, a->expires_ms);
    bind_done(&b);
}

void sql_key_revoke(struct db_call *c, const struct sql_caller *who, const struct uuid *key_id)
{
    struct bind b = bind_begin(c, &sql_key_revoke_stmt, who);
    bind_uuid(&b, key_id);
    bind_done(&b);
}

void sql_faucet(struct db_call *c, const struct sql_caller *who, const struct amount_args *a)
{
    struct bind b = bind_begin(c, &sql_faucet_stmt, who);
    bind_uuid(&b, &a->id);
    bind_int(&b, a->amount_gwei);
    bind_done(&b);
}

void sql_stake(struct db_call *c, const struct sql_caller *who, const struct amount_args *a)
{
    struct bind b = bind_begin(c, &sql_stake_stmt, who);
    bind_uuid(&b, &a->id);
    bind_int(&b, a->amount_gwei);
    bind_done(&b);
}

void sql_unstake(struct db_call *c, const struct sql_caller *who, const struct unstake_args *a)
{
    struct bind b = bind_begin(c, &sql_unstake_stmt, who);
    bind_uuid(&b, &a->id);
    bind_int(&b, a->amount_gwei);
    bind_text(&b, a->policy_name);
    bind_done(&b);
}

void sql_node_register(struct db_call *c, const struct sql_caller *who,
                       const struct node_register_args *a)
{
    struct bind b = bind_begin(c, &sql_node_register_stmt, who);
    bind_uuid(&b, &a->id);
    bind_text(&b, a->name);
    bind_hash(&b, a->node_key);
    bind_text(&b, a->hardware_class);
    bind_text(&b, a->kinds);
    bind_bool(&b, a->provides);
    bind_bool(&b, a->verifies);
    bind_text(&b, a->hardware);
    bind_done(&b);
}

void sql_node_heartbeat(struct db_call *c, const struct sql_caller *who, const struct uuid *node_id,
                        bool draining)
{
    struct bind b = bind_begin(c, &sql_node_heartbeat_stmt, who);
    bind_uuid(&b, node_id);
    bind_bool(&b, draining);
    bind_done(&b);
}

void sql_node_reserve(struct db_call *c, const struct sql_caller *who, const struct uuid *node_id,
                      int64_t amount_gwei)
{
    struct bind b = bind_begin(c, &sql_node_reserve_stmt, who);
    bind_uuid(&b, node_id);
    bind_int(&b, amount_gwei);
    bind_done(&b);
}

void sql_node_unreserve(struct db_call *c, const struct sql_caller *who,
                        const struct node_unreserve_args *a)
{
    struct bind b = bind_begin(c, &sql_node_unreserve_stmt, who);
    bind_uuid(&b, &a->id);
    bind_uuid(&b, &a->node_id);
    bind_int(&b, a->amount_gwei);
    bind_text(&b, a->policy_name);
    bind_done(&b);
}

void sql_node_retire(struct db_call *c, const struct sql_caller *who, const struct uuid *node_id)
{
    struct bind b = bind_begin(c, &sql_node_retire_stmt, who);
    bind_uuid(&b, node_id);
    bind_done(&b);
}

void sql_blob_create(struct db_call *c, const struct sql_caller *who,
                     const struct blob_create_args *a)
{
    struct bind b = bind_begin(c, &sql_blob_create_stmt, who);
    bind_uuid(&b, &a->id);
    bind_hash(&b, a->digest);
    bind_int(&b, a->size_bytes);
    bind_done(&b);
}

void sql_blob_part(struct db_call *c, const struct sql_caller *who, const struct blob_part_args *a)
{
    struct bind b = bind_begin(c, &sql_blob_part_stmt, who);
    bind_uuid(&b, &a->blob_id);
    bind_int(&b, a->part_index);
    bind_blob(&b, a->data.data, a->data.len);
    bind_done(&b);
}

void sql_blob_complete(struct db_call *c, const struct sql_caller *who, const struct uuid *blob_id)
{
    struct bind b = bind_begin(c, &sql_blob_complete_stmt, who);
    bind_uuid(&b, blob_id);
    bind_done(&b);
}

void sql_policy_create(struct db_call *c, const struct sql_caller *who,
                       const struct policy_create_args *a)
{
    struct bind b = bind_begin(c, &sql_policy_create_stmt, who);
    bind_uuid(&b, &a->id);
    bind_text(&b, a->body);
    bind_done(&b);
}
