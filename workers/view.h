/* SPDX-License-Identifier: Apache-2.0 */
/* A task as the workers see it: w_load's document as plain structs. Valid until view_clear. */
#ifndef CF_WORKERS_VIEW_H
#define CF_WORKERS_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/core/arena.h"
#include "server/core/bytes.h"
#include "server/core/ids.h"
#include "server/domain/policy.h"
#include "server/domain/task_state.h"

enum { US_PER_MS = 1000 };
struct bid_view { /* the counting bid of an entity in the current round */
    struct uuid id;
    struct uuid entity;
    struct uuid owner;
    struct uuid node;
    struct uuid lock_bid; /* the revision that holds the bid lock */
    uint8_t commitment[HASH_BYTES];
    uint8_t salt[SALT_BYTES];
    bool opened;
    bool suspended;
    bool retired; /* its node is retired or draining */
    bool used;    /* had a job of this task in this round */
    int64_t price_gwei;
    int64_t reserve_gwei; /* snapshot */
    int64_t free_gwei;    /* reserve now, without the lock */
    int64_t lock_gwei;    /* still held */
    int rank;             /* 0: never ranked */
};

/* J(name, text in jobs.state) */
#define JOB_STATES(J)                                                                              \
    J(ASSIGNED, "assigned")                                                                        \
    J(COMMITTED, "committed")                                                                      \
    J(REVEALED, "revealed")                                                                        \
    J(CHECKED, "checked")                                                                          \
    J(ACCEPTED, "accepted")                                                                        \
    J(PAID, "paid")                                                                                \
    J(DECLINED, "declined")                                                                        \
    J(LAPSED, "lapsed")                                                                            \
    J(WRONG, "wrong")                                                                              \
    J(VOIDED, "voided")

enum job_state {
#define J(name, text) JOB_##name,
    JOB_STATES(J)
#undef J
};

struct job_view {
    struct uuid id;
    struct uuid bid;
    struct uuid entity;
    struct uuid node;
    struct uuid bond_id;
    uint8_t node_key[PUBKEY_BYTES];
    uint8_t commitment[HASH_BYTES];
    int slot;
    int fence;
    int round;
    enum job_state state;
    bool check_accepted; /* the mechanical check said yes */
    int64_t price_gwei;
    int64_t bond_gwei; /* still locked */
    int64_t lease_us;
    int64_t seen_us; /* last sign of life of the job or its node */
    int64_t committed_us;
    int64_t revealed_us;
};

enum seat_state {
    SEAT_SEATED,
    SEAT_COMMITTED,
    SEAT_REVEALED,
    SEAT_ABSENT,
    SEAT_UNREVEALED,
    SEAT_RELEASED
};

struct seat_view {
    struct uuid id;
    struct uuid entity;
    struct uuid node;
    struct uuid bond_id;
    int weight;
    bool replacement;
    enum seat_state state;
    bool vote;
    int64_t commit_us;
    int64_t bond_gwei; /* still locked */
};

enum rung_outcome { RUNG_RUNNING, RUNG_ACCEPT, RUNG_ESCALATE, RUNG_REFUSE, RUNG_INCONCLUSIVE };

struct rung_view {
    struct uuid id;
    struct uuid job;
    int rung; /* from 1 */
    int seat_count;
    int quorum;
    bool final;
    uint8_t seed[HASH_BYTES];
    int64_t commit_us;
    int64_t reveal_us;
    int64_t from_us; /* 0: votes are not open yet */
    int64_t advanced_gwei;
    enum rung_outcome outcome;
    struct seat_view *seats;
    size_t seats_count; /* rows, with replacements */
};

struct eligible_view {
    struct uuid entity;
    struct uuid node;
    int64_t units;
    int64_t free_gwei;
};

struct treasury_view {
    struct uuid shard;
    int64_t balance_gwei;
};

struct challenge_view {
    bool open;
    struct uuid id;
    struct uuid job;
    struct uuid entity;
    struct uuid bond_id;
    int64_t bond_gwei;
};

struct view {
    json_t *doc;
    struct arena arena;
    int64_t now_us;
    struct uuid id;
    struct uuid requester;
    struct uuid owner;
    const char *kind;
    enum task_state state;
    int version;
    int round;
    int rounds_max;
    int replicas;
    int64_t max_price_gwei;
    int64_t seat_fee_gwei;
    int64_t promise_gwei; /* escrow promised at the opening */
    int64_t held_gwei;    /* escrow account now */
    int64_t weight_ppm;
    bool operator_opens;
    int64_t bidding_us;
    int64_t opening_us;
    int64_t lease_us;
    int64_t closes_us;
    int64_t opens_us;
    int64_t deadline_us;
    int64_t settle_us;
    int64_t accepted_us; /* 0: not yet */
    bool cancel;
    const json_t *allow; /* JSON null: everybody */
    const json_t *deny;
    struct policy policy;
    struct challenge_view challenge;
    struct bid_view *bids;
    size_t bids_count;
    struct job_view *jobs; /* all rounds, by slot and fence */
    size_t jobs_count;
    struct rung_view *rungs; /* by job and rung */
    size_t rungs_count;
    struct eligible_view *eligible; /* by entity */
    size_t eligible_count;
    struct treasury_view *treasury;
    size_t treasury_count;
};

/* text: what w_load answered. ERR_PARSE (logged with the member) when it is not what we expect,
 * ERR_NO_MEMORY. */
enum err view_parse(const char *text, struct view *out) CF_MUST_CHECK;
void view_clear(struct view *v);

bool job_is_live(const struct job_view *j);
/* The live job of a slot, NULL when there is none. */
struct job_view *view_live_job(const struct view *v, int slot);
struct job_view *view_job(const struct view *v, const struct uuid *id);
struct bid_view *view_bid(const struct view *v, const struct uuid *id);
/* The highest rung of a job, NULL before the first. */
struct rung_view *view_last_rung(const struct view *v, const struct uuid *job);
/* Slots of this round: fewer than the replicas when the award was partial. */
int view_slots(const struct view *v);
/* True when the coordinator's own check decides about this job. */
bool view_is_checked(const struct view *v, const struct job_view *j);
int view_entities_least(const struct view *v);

#endif
