/* SPDX-License-Identifier: Apache-2.0 */
/* Reads on nodes and blobs. */
#include "sql/reads_node.h"

#define NODE_COLUMNS                                                                               \
    "n.id, n.entity_id AS account_id, n.name, n.node_key, n.class,"                                \
    " array_to_string(n.kinds, ',') AS kinds, n.provides, n.verifies, n.hardware, n.created_at,"   \
    " n.last_seen_at, n.retired_at, n.draining, o.online,"                                         \
    " coalesce(g.pledged_gwei, 0) AS pledged_gwei,"                                                \
    " coalesce(g.releasing_gwei, 0) AS releasing_gwei"
/* $1 is the name of the policy */
#define NODE_TABLES                                                                                \
    " FROM nodes n LEFT JOIN pledges g ON g.node_id = n.id"                                        \
    " CROSS JOIN LATERAL (SELECT n.retired_at IS NULL AND coalesce(n.last_seen_at >"               \
    "  clock_timestamp() - 3 * (SELECT heartbeat_ms FROM policies WHERE name = $1"                 \
    "   ORDER BY version DESC LIMIT 1) * interval '1 ms', false) AS online) o"

const struct db_stmt sql_find_node_stmt = {
    .name = "find_node",
    .sql = "SELECT " NODE_COLUMNS NODE_TABLES " WHERE n.id = $2",
    .mode = DB_READ,
    .param_count = 2,
    .params = {DB_TEXT, DB_UUID},
};

void sql_find_node(struct db_call *c, const struct uuid *node_id, const char *policy_name)
{
    c->stmt = &sql_find_node_stmt;
    c->params[0] = db_text(policy_name);
    c->params[1] = db_uuid(node_id);
}

const struct db_stmt sql_list_nodes_stmt = {
    .name = "list_nodes",
    .sql =
        "SELECT " NODE_COLUMNS NODE_TABLES " WHERE ($2::uuid IS NULL OR n.entity_id = $2)"
        " AND ($3::text IS NULL OR $3 = ANY (n.kinds)) AND ($4::boolean IS NULL OR o.online = $4)"
        " AND ($5::uuid IS NULL OR n.id < $5) ORDER BY n.id DESC LIMIT $6 + 1",
    .mode = DB_READ,
    .param_count = 6,
    .params = {DB_TEXT, DB_UUID, DB_TEXT, DB_BOOL, DB_UUID, DB_INT},
};

void sql_list_nodes(struct db_call *c, const struct list_nodes_args *a, const struct sql_page *page)
{
    c->stmt = &sql_list_nodes_stmt;
    c->params[0] = db_text(a->policy_name);
    c->params[1] = db_uuid(a->account_id);
    c->params[2] = db_text(a->kind);
    c->params[3] = a->online == NULL ? db_null() : db_bool(*a->online);
    c->params[4] = db_uuid(page->cursor_id);
    c->params[5] = db_int(page->limit);
}

/* $1 the blob, $2 the reader */
#define BLOB_READABLE                                                                              \
    " WHERE b.id = $1 AND (b.entity_id = $2"                                                       \
    " OR EXISTS (SELECT 1 FROM tasks t WHERE t.input_blob_id = b.id)"                              \
    " OR EXISTS (SELECT 1 FROM jobs j JOIN tasks t ON t.id = j.task_id"                            \
    "   WHERE j.result_blob_id = b.id AND (t.entity_id = $2 AND j.state IN ('accepted', 'paid')"   \
    "    AND t.state IN ('accepted', 'paid')"                                                      \
    "    OR EXISTS (SELECT 1 FROM seats s JOIN rungs r ON r.id = s.rung_id"                        \
    "     WHERE r.job_id = j.id AND s.entity_id = $2))))"

const struct db_stmt sql_find_blob_stmt = {
    .name = "find_blob",
    .sql = "SELECT b.id, b.entity_id AS account_id, b.digest, b.size_bytes, b.state, b.created_at,"
           " b.completed_at, (SELECT coalesce(string_agg(p.part_index::text, ','"
           "  ORDER BY p.part_index), '') FROM blob_parts p WHERE p.blob_id = b.id) AS parts"
           " FROM blobs b" BLOB_READABLE,
    .mode = DB_READ,
    .param_count = 2,
    .params = {DB_UUID, DB_UUID},
};

void sql_find_blob(struct db_call *c, const struct uuid *blob_id, const struct uuid *account_id)
{
    c->stmt = &sql_find_blob_stmt;
    c->params[0] = db_uuid(blob_id);
    c->params[1] = db_uuid(account_id);
}

const struct db_stmt sql_find_blob_part_stmt = {
    .name = "find_blob_part",
    .sql = "SELECT p.data FROM blobs b JOIN blob_parts p ON p.blob_id = b.id"
           " AND p.part_index = $3" BLOB_READABLE,
    .mode = DB_READ,
    .param_count = 3,
    .params = {DB_UUID, DB_UUID, DB_INT},
};

void sql_find_blob_part(struct db_call *c, const struct uuid *blob_id,
                        const struct uuid *account_id, int64_t part_index)
{
    c->stmt = &sql_find_blob_part_stmt;
    c->params[0] = db_uuid(blob_id);
    c->params[1] = db_uuid(account_id);
    c->params[2] = db_int(part_index);
}
