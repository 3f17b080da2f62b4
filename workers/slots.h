/* SPDX-License-Identifier: Apache-2.0 */
/* Who works on a slot: awards, failed attempts, takeovers, and what happens when none is left. */
#ifndef CF_WORKERS_SLOTS_H
#define CF_WORKERS_SLOTS_H

#include "workers/bonds.h"
#include "workers/change.h"
#include "workers/view.h"

/* The bond of one slot: floor(max_price * bond_ppm / 10^6). */
int64_t slot_bond_gwei(const struct view *v);

/* A new job with the next fence of the slot, its bond locked; returns its payload for the event. */
json_t *slot_award(struct change *c, const struct view *v, struct bid_view *b, int slot,
                   int64_t price_gwei);

/* The next-ranked bid that may take the slot over: not used in this round, not suspended, node not
 * retired, bond covered now, attempts and time left. NULL when there is none. */
struct bid_view *slot_takeover(const struct view *v, int slot);

/* How an attempt ended. */
struct slot_failure {
    struct job_view *job;
    enum job_state ends;       /* JOB_DECLINED, JOB_LAPSED or JOB_WRONG */
    const char *reason;        /* of the slash */
    int64_t share_ppm;         /* of the bond */
    int64_t verification_gwei; /* spent on the attempt: the slash pays it first */
    json_t *evidence;          /* taken over */
};
struct slot_slash {
    int transfer;              /* 0: nothing was slashed */
    int64_t verification_gwei; /* of the slash; the caller pays it out of `transfer` */
};
/* Ends the attempt and slashes; what the takeover costs more goes back to the requester, the rest
 * burns. takeover may be NULL. */
struct slot_slash slot_fail(struct change *c, const struct view *v, const struct slot_failure *f,
                            const struct bid_view *takeover);

/* Awards the failed job's slot to the bid that takes it over, as a transition to `assigned`. */
void slot_hand_over(struct change *c, const struct view *v, const struct job_view *failed,
                    struct bid_view *next);

/* Gives live jobs of all slots back without fault. */
void slots_void(struct change *c, struct view *v);

/* Another auction when the requester's bounds allow one; false when they do not. Every job must
 * have ended. */
bool slots_reopen(struct change *c, struct view *v, const char *why);

/* The earliest moment at which something of the live jobs is due, INT64_MAX for none. */
int64_t slots_due_us(const struct view *v);
/* When this job lapses if it goes on as it is; INT64_MAX once its result is revealed. */
int64_t job_lapse_us(const struct view *v, const struct job_view *j);

#endif
