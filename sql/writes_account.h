/* SPDX-License-Identifier: Apache-2.0 */
/* Writes on accounts, keys, money, nodes, blobs and policies. `at` of the outcome is the moment of
 * the write, `id` what it made (or found), `detail` JSON as noted. */
#ifndef CF_SQL_WRITES_ACCOUNT_H
#define CF_SQL_WRITES_ACCOUNT_H

#include "sql/writes.h"

extern const struct db_stmt sql_account_create_stmt;
extern const struct db_stmt sql_key_create_stmt;
extern const struct db_stmt sql_key_revoke_stmt;
extern const struct db_stmt sql_faucet_stmt;
extern const struct db_stmt sql_stake_stmt;
extern const struct db_stmt sql_unstake_stmt;
extern const struct db_stmt sql_node_register_stmt;
extern const struct db_stmt sql_node_heartbeat_stmt;
extern const struct db_stmt sql_node_reserve_stmt;
extern const struct db_stmt sql_node_unreserve_stmt;
extern const struct db_stmt sql_node_retire_stmt;
extern const struct db_stmt sql_blob_create_stmt;
extern const struct db_stmt sql_blob_part_stmt;
extern const struct db_stmt sql_blob_complete_stmt;
extern const struct db_stmt sql_policy_create_stmt;

/* Outcome: id the account; detail {"name","key_id","scopes"}. A replay carries the first key_id. */
struct account_create_args {
    struct uuid id; /* of the new account */
    const char *name;
    struct uuid key_id; /* its first API key */
    const uint8_t *secret_hash;
    int64_t scopes;
};
void sql_account_create(struct db_call *c, const struct sql_caller *who,
                        const struct account_create_args *a);

/* detail {"name","scopes","expires_at"}. limit_reached beyond 100 live keys. forbidden when the
 * new key would carry a scope that the caller's key lacks. */
struct key_create_args {
    struct uuid id;
    const char *name;
    const uint8_t *secret_hash;
    int64_t scopes;
    const int64_t *expires_ms; /* from now; NULL: never */
};
void sql_key_create(struct db_call *c, const struct sql_caller *who,
                    const struct key_create_args *a);

/* Revoking again answers ok with the first revocation's time. not_found for another's key. */
void sql_key_revoke(struct db_call *c, const struct sql_caller *who, const struct uuid *key_id);

/* faucet: id of the grant, detail {"available_gwei"}; stake: detail {"available_gwei",
 * "reserve_gwei"} after the move. Errors amount_range, insufficient_funds, limit_reached. */
struct amount_args {
    struct uuid id; /* of the grant or the stake */
    int64_t amount_gwei;
};
void sql_faucet(struct db_call *c, const struct sql_caller *who, const struct amount_args *a);
void sql_stake(struct db_call *c, const struct sql_caller *who, const struct amount_args *a);

/* The policy (its newest version) says how long unbonding takes. detail {"reserve_gwei","due_at"}.
 * Errors amount_range, insufficient_reserve (too little, or pledged to nodes), unknown_policy. */
struct unstake_args {
    struct uuid id; /* of the unbonding */
    int64_t amount_gwei;
    const char *policy_name; /* the market's default policy */
};
void sql_unstake(struct db_call *c, const struct sql_caller *who, const struct unstake_args *a);

/* The same node_key of the same account answers ok with the existing id (and takes over name,
 * class, kinds, roles and hardware); of another account: conflict. */
struct node_register_args {
    struct uuid id;
    const char *name;
    const uint8_t *node_key; /* PUBKEY_BYTES */
    const char *hardware_class;
    const char *kinds; /* comma-separated */
    bool provides;
    bool verifies;
    const char *hardware; /* JSON object text */
};
void sql_node_register(struct db_call *c, const struct sql_caller *who,
                       const struct node_register_args *a);

void sql_node_heartbeat(struct db_call *c, const struct sql_caller *who, const struct uuid *node_id,
                        bool draining);

/* detail {"pledged_gwei","releasing_gwei"}; insufficient_reserve when the account's pledges would
 * exceed reserve + bonds. */
void sql_node_reserve(struct db_call *c, const struct sql_caller *who, const struct uuid *node_id,
                      int64_t amount_gwei);

/* detail as node_reserve, and "due_at" when the pledge is free. */
struct node_unreserve_args {
    struct uuid id; /* of the unbonding */
    struct uuid node_id;
    int64_t amount_gwei;
    const char *policy_name; /* the market's default policy; says how long the release takes */
};
void sql_node_unreserve(struct db_call *c, const struct sql_caller *who,
                        const struct node_unreserve_args *a);

void sql_node_retire(struct db_call *c, const struct sql_caller *who, const struct uuid *node_id);

/* detail {"state"}; the same digest of the account answers the existing id. A blob that was found
 * bad is taken up again, its parts forgotten. */
struct blob_create_args {
    struct uuid id;
    const uint8_t *digest; /* SHA-256 of the whole, HASH_BYTES */
    int64_t size_bytes;
};
void sql_blob_create(struct db_call *c, const struct sql_caller *who,
                     const struct blob_create_args *a);

/* Part index covers bytes [index * 1 MiB, ...) and must have exactly the length that size_bytes
 * implies (bad_field). The same part again replaces it while the blob is uploading. */
struct blob_part_args {
    struct uuid blob_id;
    int64_t part_index;
    struct bytes data;
};
void sql_blob_part(struct db_call *c, const struct sql_caller *who, const struct blob_part_args *a);

/* blob_incomplete while a part is missing; else state 'checking' and the blob work is asked. */
void sql_blob_complete(struct db_call *c, const struct sql_caller *who, const struct uuid *blob_id);

/* body: JSON object of every column of `policies` except id, version, created_at. forbidden for
 * others than operators; bad_field with the reason in detail. detail {"name","version"}. */
struct policy_create_args {
    struct uuid id;
    const char *body;
};
void sql_policy_create(struct db_call *c, const struct sql_caller *who,
                       const struct policy_create_args *a);

#endif
