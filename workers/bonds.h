/* SPDX-License-Identifier: Apache-2.0 */
/* Reserve that is locked, given back or slashed, as parts of a change. */
#ifndef CF_WORKERS_BONDS_H
#define CF_WORKERS_BONDS_H

#include "workers/change.h"

struct bond_order {
    const char *purpose; /* "award", "seat" */
    struct uuid task;
    struct uuid subject; /* job or seat */
    struct uuid entity;
    int64_t amount_gwei; /* 0 opens nothing */
};
void bond_open(struct change *c, const struct bond_order *o);

/* Reserve that is locked now: by a bond, or (bond nil) by the bid lock of lock_bid. */
struct locked {
    struct uuid task;
    struct uuid entity;
    struct uuid bond;
    struct uuid lock_bid;
    int64_t amount_gwei;
};
/* Gives all of it back; nothing for an amount of 0. */
void locked_release(struct change *c, const struct locked *l);

/* Slashes slash_gwei (at most the amount) and gives the rest back. Takes the CGT from the bond and
 * the same CYS out of `staked`; the caller adds where the CYS goes, slash_gwei in all, to the
 * returned transfer. 0 when there is nothing to slash. evidence is taken over. */
int locked_slash(struct change *c, const struct locked *l, int64_t slash_gwei, const char *reason,
                 json_t *evidence);
/* CYS of a slash that goes nowhere. */
void slash_burn(struct change *c, int transfer, const struct uuid *by, int64_t amount_gwei);

#endif
