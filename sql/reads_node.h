/* SPDX-License-Identifier: Apache-2.0 */
/* Reads on nodes and blobs. */
#ifndef CF_SQL_READS_NODE_H
#define CF_SQL_READS_NODE_H

#include "sql/reads.h"

extern const struct db_stmt sql_find_node_stmt;
extern const struct db_stmt sql_list_nodes_stmt;
extern const struct db_stmt sql_find_blob_stmt;
extern const struct db_stmt sql_find_blob_part_stmt;

/* id, account_id, name, node_key, class, kinds, provides, verifies, hardware, created_at,
 * last_seen_at, retired_at, draining, online, pledged_gwei, releasing_gwei. A node is online for
 * three heartbeats of the policy after the last one. */
void sql_find_node(struct db_call *c, const struct uuid *node_id, const char *policy_name);

struct list_nodes_args {
    const struct uuid *account_id; /* NULL: of everybody */
    const char *kind;              /* NULL: any */
    const bool *online;            /* NULL: any */
    const char *policy_name;
};
/* Newest first. */
void sql_list_nodes(struct db_call *c, const struct list_nodes_args *a,
                    const struct sql_page *page);

/* No row unless the account may read the blob: its owner, anybody for the input of a task, the
 * requester for a released result, a verifier for the result of a task it sits on. id, account_id,
 * digest, size_bytes, state, created_at, completed_at, parts ("0,1,2"). */
void sql_find_blob(struct db_call *c, const struct uuid *blob_id, const struct uuid *account_id);

/* The same rule; data. */
void sql_find_blob_part(struct db_call *c, const struct uuid *blob_id,
                        const struct uuid *account_id, int64_t part_index);

#endif
