/* SPDX-License-Identifier: Apache-2.0 */
/* Draws committees and replacements from the eligible entities of a view. */
#ifndef CF_WORKERS_SEATING_H
#define CF_WORKERS_SEATING_H

#include "workers/change.h"
#include "workers/view.h"

enum seating_result {
    SEATING_DONE,
    SEATING_NO_RUNG, /* the ladder ends here, or too few entities are eligible */
    SEATING_FAULT
};

/* Seats rung `number` (from 1) for a job: draws, locks the seat bonds, advances the fees of higher
 * rungs, writes the event. The windows start now. */
enum seating_result seating_draw(struct change *c, struct view *v, const struct job_view *j,
                                 int number, const char *market_id);

/* Seats somebody else for an absent seat, with its weight and a new commit window; false when
 * nobody is left who does not sit in this rung. */
bool seating_replace(struct change *c, struct view *v, struct rung_view *r,
                     const struct seat_view *absent);

/* Whether rung `number` could be drawn at all with those who are eligible now. */
bool seating_possible(const struct view *v, int number);
/* The same, and the treasury holds what it would have to advance. */
bool seating_affordable(const struct view *v, int number);

#endif
