/* SPDX-License-Identifier: Apache-2.0 */
/* The score of a bid, and whether a bid may be scored at all. Pure integer arithmetic: whoever has
 * the public log gets the same numbers. */
#ifndef CF_DOMAIN_SCORE_H
#define CF_DOMAIN_SCORE_H

#include <stdbool.h>
#include <stdint.h>

/* Denominators come from the task and its policy only, so that no bidder can move them. */
struct score_terms {
    int64_t weight_ppm;     /* share of the reserve, 0..10^6 */
    int64_t cap_gwei;       /* reserve that counts in full, > 0 */
    int64_t max_price_gwei; /* per slot, > 0 */
};

struct score {
    int64_t reserve_ppm;
    int64_t price_ppm;
    int64_t total_ppm; /* the sum of both, 0..10^6 */
};

/* floor(w * min(reserve, cap) / cap) + floor((10^6 - w) * (max_price - price) / max_price).
 * 0 <= price_gwei <= max_price_gwei and reserve_gwei >= 0 (asserted). */
struct score score_compute(const struct score_terms *t, int64_t price_gwei, int64_t reserve_gwei);

/* What a full reserve is worth in price, in parts per million of max_price: w / (10^6 - w), floor;
 * weight_ppm < 10^6. The estimate shows it and the "behind" rule of the ranking uses it. */
int64_t score_reserve_worth_ppm(int64_t weight_ppm);

/* Why a bid counts or does not; V(name, code stored in bids.reason and shown to the bidder). */
#define BID_VERDICTS(V)                                                                            \
    V(VALID, "valid")                                                                              \
    V(UNOPENED, "unopened")                                                                        \
    V(MISMATCH, "commitment_mismatch")                                                             \
    V(PRICE_HIGH, "price_too_high")                                                                \
    V(SUSPENDED, "suspended")                                                                      \
    V(OWN_TASK, "own_task")                                                                        \
    V(NOT_ADMITTED, "not_allowed")                                                                 \
    V(NODE_RETIRED, "node_retired")                                                                \
    V(RESERVE_SHORT, "insufficient_reserve")

enum bid_verdict {
#define V(name, code) BID_##name,
    BID_VERDICTS(V)
#undef V
};

/* What is known of a bid after the opening window. */
struct bid_facts {
    bool opened;       /* an opening arrived inside the window */
    bool matches;      /* the opening hashes to the commitment */
    bool own_task;     /* bidder is the requester or shares its owner */
    bool admitted;     /* allow and deny lists */
    bool suspended;    /* of the entity, now */
    bool node_retired; /* of the bidding node, now */
    int64_t price_gwei;
    int64_t ceiling_gwei; /* max_price of this round */
    int64_t reserve_gwei; /* the snapshot in the bid */
    int64_t least_reserve_gwei;
};

/* The first rule the bid breaks, in the order of the list above. */
enum bid_verdict bid_judge(const struct bid_facts *f);
const char *bid_verdict_code(enum bid_verdict v);

#endif
