/* SPDX-License-Identifier: Apache-2.0 */
/* Column lists that several reads share. p is a prefix of the result's column names:
 * TASK_COLUMNS("") or TASK_COLUMNS("task_"). Only the files of sql/ include this. */
#ifndef CF_SQL_READS_COLUMNS_H
#define CF_SQL_READS_COLUMNS_H

/* From tasks t JOIN policies p. */
#define TASK_COLUMNS(p)                                                                            \
    "t.id AS " p "id, t.entity_id AS " p "requester_id, t.kind AS " p "kind,"                      \
    " t.kind_version AS " p "kind_version, t.label AS " p "label, t.policy_id AS " p "policy_id,"  \
    " p.name AS " p "policy, t.state AS " p "state, t.code AS " p "code,"                          \
    " t.version AS " p "version, t.round AS " p "round, t.rounds_max AS " p "rounds_max,"          \
    " t.class AS " p "class, t.work_units AS " p "work_units, t.unit AS " p "unit,"                \
    " t.max_price_gwei AS " p "max_price_gwei, t.replicas AS " p "replicas,"                       \
    " t.seat_fee_gwei AS " p "seat_fee_gwei, t.rank_weight_ppm AS " p "rank_weight_ppm,"           \
    " t.sealing AS " p "sealing, t.escrow_gwei AS " p "escrow_gwei,"                               \
    " t.bidding_ms AS " p "bidding_ms, t.opening_ms AS " p "opening_ms,"                           \
    " t.lease_ms AS " p "lease_ms, t.created_at AS " p "created_at,"                               \
    " t.closes_at AS " p "closes_at, t.opens_until AS " p "opens_until,"                           \
    " t.deadline_at AS " p "deadline_at, t.settle_by AS " p "settle_by,"                           \
    " t.accepted_at AS " p "accepted_at, t.finished_at AS " p "finished_at,"                       \
    " t.cancel_requested_at AS " p "cancel_requested_at, t.unwitnessed AS " p "unwitnessed,"       \
    " t.input_hash AS " p "input_hash, t.input_blob_id AS " p "input_blob_id,"                     \
    " array_to_string(t.allow, ',') AS " p "allow, array_to_string(t.deny, ',') AS " p "deny"

/* From jobs j JOIN nodes n. A commitment may be opened when no slot is still to be committed. */
#define JOB_REVEAL_OPEN                                                                            \
    "(j.state = 'committed' AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.task_id = j.task_id"      \
    " AND o.state = 'assigned'))"
#define JOB_COLUMNS                                                                                \
    "j.id, j.task_id, j.slot, j.fence, j.round, j.bid_id, j.entity_id AS account_id, j.node_id,"   \
    " n.node_key, j.price_gwei, j.bond_gwei, j.state, j.awarded_at, j.lease_until,"                \
    " j.heartbeat_at, j.commitment, j.committed_at, " JOB_REVEAL_OPEN " AS reveal_open,"           \
    " j.result_digest, j.result_blob_id, j.revealed_at, j.check_verdict, j.check_reason,"          \
    " j.ended_at"

/* Bytes as unpadded base64url. */
#define BASE64URL(bytes) "translate(encode(" bytes ", 'base64'), E'+/=\\n', '-_')"

/* From seats s JOIN rungs r JOIN jobs j JOIN nodes n (of the seat) JOIN nodes w (of the job). */
#define SEAT_REVEAL_OPEN                                                                           \
    "(s.state = 'committed' AND r.reveal_from <= clock_timestamp()"                                \
    " AND clock_timestamp() <= r.reveal_until AND r.tallied_at IS NULL)"
#define SEAT_COLUMNS                                                                               \
    "s.id, s.task_id, r.job_id, s.rung_id, r.slot, r.fence, r.rung, s.entity_id AS account_id,"    \
    " s.node_id, n.node_key, s.weight, s.state, s.seated_at, s.commit_until, r.reveal_until,"      \
    " coalesce(" SEAT_REVEAL_OPEN ", false) AS reveal_open, s.commitment, s.committed_at,"         \
    " s.vote, s.vote_reason, s.revealed_at, s.fee_gwei"

#endif
