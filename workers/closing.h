/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a task: exactly one settlement, no escrow left, no bond left. */
#ifndef CF_WORKERS_CLOSING_H
#define CF_WORKERS_CLOSING_H

#include "workers/bonds.h"
#include "workers/change.h"
#include "workers/view.h"

/* Everything back to the requester, every bond and lock to its owner. final: TASK_REFUNDED or
 * TASK_EXPIRED; code: the public code. */
void close_refund(struct change *c, struct view *v, enum task_state final, int code,
                  const char *reason);

/* After a cancel: once there are bids, floor(max_price * cancel_fee_ppm / 10^6) is shared by the
 * bidders in equal floors; the rest goes back. */
void close_cancel(struct change *c, struct view *v);

/* Pays every accepted job and the seats that revealed with the majority; slashes those that
 * revealed against it; returns what the treasury advanced and was not needed. False (logged) when
 * the escrow does not cover what is due, which no rule allows. */
bool close_paid(struct change *c, struct view *v);

/* Entries for the treasury: takes amount_gwei out of its shards (out > 0) into the escrow; false
 * when the treasury holds less. Keeps the view's balances right. */
bool treasury_advance(struct change *c, struct view *v, const struct uuid *rung,
                      int64_t amount_gwei);
/* Gives the treasury back what a rung did not need; the view's escrow shrinks by it. */
void treasury_return(struct change *c, struct view *v, const struct uuid *rung,
                     int64_t amount_gwei);

/* Closes the bond of a seat without fault; a seat that still waits is released. */
void seat_release(struct change *c, const struct view *v, struct seat_view *s);
struct locked seat_locked(const struct view *v, const struct seat_view *s);

#endif
