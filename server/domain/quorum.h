/* SPDX-License-Identifier: Apache-2.0 */
/* The ladder of committees and how a rung is counted. Quorums count seats. */
#ifndef CF_DOMAIN_QUORUM_H
#define CF_DOMAIN_QUORUM_H

#include <stdbool.h>

enum { LADDER_RUNGS_MAX = 8, RUNG_SEATS_PER_ENTITY = 10 };

struct rung {
    int seats;
    int quorum; /* "yes" seats that accept */
};

struct ladder {
    struct rung rungs[LADDER_RUNGS_MAX];
    int count;
};

/* "Yes" seats that accept, when the policy does not say: 5 of 5, else floor(2n/3) + 1. */
int quorum_of(int seats);
/* "No" seats that refuse on the last rung: floor(2n/3) + 1. */
int quorum_refusal(int seats);

/* The rung as it can be seated from `eligible` entities: at most ten seats each. False when the
 * ladder has no such rung, fewer than `entities_least` are eligible, or (index > 0) the rung would
 * not be larger than the one below it, which would only ask the same people again. A rung of
 * another size than the policy's needs floor(2n/3) + 1, or all when the policy's rung is unanimous.
 */
bool ladder_rung(const struct ladder *l, int index, int eligible, int entities_least,
                 struct rung *out);
/* The same rung after the draw seated another number (drawing goes on until three entities sit). */
struct rung rung_resize(struct rung wanted, int seats);

struct tally {
    int yes;
    int no;
    int missing; /* not committed or not revealed */
};

enum tally_result { TALLY_ACCEPT, TALLY_ESCALATE, TALLY_REFUSE, TALLY_INCONCLUSIVE };

/* Accepts at the quorum; else escalates, unless this is the last rung: there a refusal needs
 * quorum_refusal "no" seats, and everything between is inconclusive. */
enum tally_result quorum_tally(struct rung r, struct tally t, bool last);
const char *tally_result_name(enum tally_result r);

#endif
