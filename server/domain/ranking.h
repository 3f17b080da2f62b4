/* SPDX-License-Identifier: Apache-2.0 */
/* From the valid bids of a closed auction to its winners. The order of the input never matters. */
#ifndef CF_DOMAIN_RANKING_H
#define CF_DOMAIN_RANKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/bytes.h"
#include "server/core/ids.h"
#include "server/domain/score.h"

enum { RANKING_SLOTS_MAX = 16 };

enum ranking_rule {
    RANKING_WEIGHTED, /* preset default */
    RANKING_CYSIC     /* preset cysic-production */
};

struct ranking_terms {
    enum ranking_rule rule;
    struct score_terms score;
    int winners_max; /* of the policy, 1..RANKING_SLOTS_MAX */
};

/* A valid bid. The fields after the blank line are written by ranking_sort. */
struct ranking_bid {
    struct uuid bid;
    struct uuid entity; /* distinct: one counting bid per entity */
    int64_t price_gwei;
    int64_t reserve_gwei; /* the snapshot */
    bool covered; /* the bond can be locked now; an uncovered bid keeps its rank, wins nothing */

    struct score score;
    bool behind; /* dearer than the cheapest valid bid by more than the reserve is worth */
    int rank;    /* 1 is best */
    uint8_t tie[HASH_BYTES];
};

/* SHA-256 with tag "computefi/close/1" over (task, then the commitment of every counting bid,
 * sorted by bid id). commitments: count entries of HASH_BYTES, already in that order.
 * ERR_NO_MEMORY. */
enum err ranking_close_root(const struct uuid *task, const uint8_t *commitments, size_t count,
                            uint8_t out[HASH_BYTES]) CF_MUST_CHECK;

/* Fills score, behind, rank and tie of every bid and sorts bids by rank.
 * Weighted: not behind first, then larger score, larger reserve, smaller
 * SHA-256(close_root || entity). A bid is behind when price - cheapest > cheapest * w / (10^6 - w).
 * Cysic: smaller price, larger reserve, smaller hash; no bid is behind. */
void ranking_sort(const struct ranking_terms *t, const uint8_t close_root[HASH_BYTES],
                  struct ranking_bid *bids, size_t count);

enum award_reason { AWARD_RANK, AWARD_DRAW, AWARD_CYSIC, AWARD_LONE };
struct award {
    size_t bid; /* index into the sorted bids */
    int64_t price_gwei;
    enum award_reason reason;
};

/* Fills up to `slots` awards from sorted bids, distinct entities, covered bids only, and returns
 * how many.
 * Weighted: the first by rank, each further one drawn by lot (seed, see sortition.h) over the
 * remaining covered bids in rank order, weighted by max(reserve, 1), so that splitting one stake
 * over many bidders gains nothing; everybody is paid its own bid.
 * Cysic: from the second-lowest bid on, at most winners_max; the lowest wins only when nobody else
 * can; everybody is paid the lowest winning bid. */
size_t ranking_award(const struct ranking_terms *t, const uint8_t seed[HASH_BYTES],
                     const struct ranking_bid *bids, size_t count, int slots, struct award *out);
const char *award_reason_text(enum award_reason r);

/* Seed of the further slots: tagged "computefi/slots/1" over (task, round u64be, close root). */
void ranking_seed(const struct uuid *task, int round, const uint8_t close_root[HASH_BYTES],
                  uint8_t out[HASH_BYTES]);

#endif
