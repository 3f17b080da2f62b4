/* SPDX-License-Identifier: Apache-2.0 */
/* How money leaves a task: the settlement split and the waterfall of a slash. Shares are floors;
 * every gwei has a line, nothing is made or lost. */
#ifndef CF_DOMAIN_SETTLE_H
#define CF_DOMAIN_SETTLE_H

#include <stddef.h>
#include <stdint.h>

#include "server/core/err.h"

enum { SETTLE_SLOTS_MAX = 16, SETTLE_RULE_MAX = 160 };

struct settle_terms {
    int64_t escrow_gwei; /* what the escrow account holds now */
    int64_t fee_ppm;     /* of a slot's price, deducted from the provider */
    int64_t pool_ppm;    /* of a slot's price, shared by the verifiers; 0: they earn seat fees */
};

struct settle_slot { /* a slot that is paid */
    int64_t price_gwei;
    int64_t fee_gwei; /* out */
    int64_t net_gwei; /* out: to the provider */
};

/* Seats that revealed with the final majority. */
struct settle_seat {
    int slot;         /* index into slots: whose result it judged */
    int weight;       /* how often it was drawn, > 0 */
    int64_t due_gwei; /* weight * seat fee; ignored when there is a pool */
    int64_t net_gwei; /* out */
};

struct settle_split {
    int64_t provider_gwei;
    int64_t fee_gwei;
    int64_t verifier_gwei;
    int64_t refund_gwei; /* the rest, with every remainder, to the requester */
};

/* fee = floor(price * fee_ppm / 10^6); with a pool: floor(price * pool_ppm / 10^6) of each slot is
 * shared by its seats in proportion to weight (floors), the provider gets price - fee - pool.
 * Without slots the whole escrow is refunded. ERR_RANGE when the escrow is smaller than what is
 * due. */
enum err settle_split(const struct settle_terms *t, struct settle_slot *slots, size_t slot_count,
                      struct settle_seat *seats, size_t seat_count,
                      struct settle_split *out) CF_MUST_CHECK;

/* floor(bond * share_ppm / 10^6), never more than the bond. */
int64_t settle_slash_gwei(int64_t bond_gwei, int64_t share_ppm);
/* count * fee, at most the bond: a penalty counted in seat fees. */
int64_t settle_penalty_gwei(int64_t bond_gwei, int64_t fee_gwei, int64_t count);

/* Where slashed CYS goes: first the verification spent on the failed attempt, then what the
 * takeover costs more than the failed one, the rest is burned. */
struct settle_waterfall {
    int64_t verification_gwei;
    int64_t difference_gwei;
    int64_t burn_gwei;
};
struct settle_waterfall settle_waterfall(int64_t slash_gwei, int64_t verification_gwei,
                                         int64_t difference_gwei);

/* Pays claims out of a pot that may be too small: share i is claim_i when the pot covers the sum,
 * else floor(pot * claim_i / sum). Claims are overwritten; the sum paid is returned. ERR_RANGE. */
enum err settle_prorate(int64_t pot_gwei, int64_t *claims, size_t count,
                        int64_t *out_paid) CF_MUST_CHECK;

/* max_price * replicas + 2 * seats * seat_fee. ERR_RANGE. */
enum err settle_escrow(int64_t max_price_gwei, int replicas, int seats, int64_t seat_fee_gwei,
                       int64_t *out) CF_MUST_CHECK;

/* What a cancel costs the requester once there are bids: floor(max_price * ppm / 10^6), shared by
 * the bidders in equal floors; the rest of it stays with the requester. */
int64_t settle_cancel_share(int64_t max_price_gwei, int64_t cancel_ppm, int bidders);

#endif
