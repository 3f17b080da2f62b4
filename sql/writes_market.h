/* SPDX-License-Identifier: Apache-2.0 */
/* Writes on tasks, bids, jobs, votes and challenges. */
#ifndef CF_SQL_WRITES_MARKET_H
#define CF_SQL_WRITES_MARKET_H

#include "sql/writes.h"

extern const struct db_stmt sql_task_create_stmt;
extern const struct db_stmt sql_task_cancel_stmt;
extern const struct db_stmt sql_bid_create_stmt;
extern const struct db_stmt sql_bid_open_stmt;
extern const struct db_stmt sql_job_heartbeat_stmt;
extern const struct db_stmt sql_job_decline_stmt;
extern const struct db_stmt sql_job_commit_stmt;
extern const struct db_stmt sql_job_reveal_stmt;
extern const struct db_stmt sql_vote_commit_stmt;
extern const struct db_stmt sql_vote_reveal_stmt;
extern const struct db_stmt sql_challenge_create_stmt;

/* detail {"policy_id","policy","escrow_gwei","seat_fee_gwei","rank_weight_ppm","sealing",
 * "bidding_ms","opening_ms","lease_ms","rounds_max","first_rung_seats","closes_at","opens_until",
 * "deadline_at","settle_by"}. Errors: unknown_policy, amount_range, insufficient_funds,
 * blob_incomplete, suspended; bad_field with the reason in detail as {"pointer","reason"}. */
struct task_create_args {
    struct uuid id;
    const char *kind;
    int64_t kind_version;
    const char *label;       /* NULL for none */
    const char *policy_name; /* its newest version binds */
    const char *input;       /* canonical JSON */
    const uint8_t *input_hash;
    const struct uuid *input_blob_id; /* NULL for none; must be the account's own and complete */
    const char *hardware_class;       /* "any", or what a node's class must be */
    int64_t work_units;
    const char *unit;
    int64_t max_price_gwei; /* per slot */
    int64_t replicas;
    const int64_t *seat_fee_gwei;   /* NULL: the policy's share of max_price */
    const int64_t *rank_weight_ppm; /* NULL: the policy's */
    const char *sealing;            /* NULL: the policy's */
    const int64_t *bidding_ms;      /* NULL: the policy's */
    const int64_t *lease_ms;        /* NULL: the policy's */
    int64_t deadline_ms;            /* from now */
    int64_t rounds_max;
    const char *allow; /* comma-separated uuids; NULL or "": everybody */
    const char *deny;  /* comma-separated uuids; NULL or "": nobody */
};
void sql_task_create(struct db_call *c, const struct sql_caller *who,
                     const struct task_create_args *a);

/* detail {"state"}; forbidden for another's task; task_final; conflict once it is assigned. */
void sql_task_cancel(struct db_call *c, const struct sql_caller *who, const struct uuid *task_id);

/* detail {"round","revision","reserve_gwei","lock_gwei"}. The read half has checked the signature
 * and, with sealing 'operator', that price and salt open the commitment. */
struct bid_create_args {
    struct uuid id;
    struct uuid task_id;
    struct uuid node_id;
    const uint8_t *commitment;
    const uint8_t *signature;  /* SIG_BYTES */
    const int64_t *price_gwei; /* both NULL, or with sealing 'operator' both set */
    const uint8_t *salt;
    const uint8_t *node_key; /* that verified the signature; not the node's: signature_invalid */
};
void sql_bid_create(struct db_call *c, const struct sql_caller *who,
                    const struct bid_create_args *a);

/* commitment is what the read half computed from task, entity, node, price and salt;
 * commitment_mismatch when it or one of the ids is not the bid's. */
struct bid_open_args {
    struct uuid bid_id;
    int64_t price_gwei;
    const uint8_t *salt;
    const uint8_t *commitment;
    struct uuid task_id;
    struct uuid node_id;
};
void sql_bid_open(struct db_call *c, const struct sql_caller *who, const struct bid_open_args *a);

/* Every job write: forbidden for another's job, fence_stale for another fence. */
struct job_ref {
    struct uuid job_id;
    int64_t fence;
};
/* detail {"state","lease_until"}. */
void sql_job_heartbeat(struct db_call *c, const struct sql_caller *who, const struct job_ref *job);
void sql_job_decline(struct db_call *c, const struct sql_caller *who, const struct job_ref *job,
                     const char *reason);

struct job_commit_args {
    struct job_ref job;
    const uint8_t *commitment;
    const uint8_t *signature;
    const uint8_t *node_key; /* not the job's node's: commitment_mismatch */
};
void sql_job_commit(struct db_call *c, const struct sql_caller *who,
                    const struct job_commit_args *a);

/* commitment is what the read half computed from task, slot, fence, node key, salt and digest;
 * commitment_mismatch when it or one of them is not the job's. */
struct job_reveal_args {
    struct job_ref job;
    const uint8_t *commitment;
    const uint8_t *salt;
    const uint8_t *digest;
    struct bytes result;        /* inline; data NULL when it is a blob */
    const struct uuid *blob_id; /* own, complete, with the same digest; NULL when inline */
    struct uuid task_id;
    int64_t slot;
    const uint8_t *node_key;
};
void sql_job_reveal(struct db_call *c, const struct sql_caller *who,
                    const struct job_reveal_args *a);

struct vote_commit_args {
    struct uuid seat_id;
    const uint8_t *commitment;
    const uint8_t *signature;
    const uint8_t *node_key; /* not the seat's node's: commitment_mismatch */
};
void sql_vote_commit(struct db_call *c, const struct sql_caller *who,
                     const struct vote_commit_args *a);

/* commitment is what the read half computed; commitment_mismatch when it or one of task, slot,
 * fence, rung and node key is not the seat's. */
struct vote_reveal_args {
    struct uuid seat_id;
    bool vote;
    const char *reason; /* at most 200 characters; NULL for none */
    const uint8_t *salt;
    const uint8_t *commitment;
    struct uuid task_id;
    int64_t slot;
    int64_t fence;
    int64_t rung;
    const uint8_t *node_key;
};
void sql_vote_reveal(struct db_call *c, const struct sql_caller *who,
                     const struct vote_reveal_args *a);

/* detail {"bond_gwei","job_id"}. Without a job: the task's accepted slot 0. */
struct challenge_create_args {
    struct uuid id;
    struct uuid task_id;
    const struct uuid *job_id; /* NULL: the first accepted job */
    const char *reason;
};
void sql_challenge_create(struct db_call *c, const struct sql_caller *who,
                          const struct challenge_create_args *a);

#endif
