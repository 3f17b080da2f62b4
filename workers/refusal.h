/* SPDX-License-Identifier: Apache-2.0 */
/* What a refused job costs whom: its provider, the seats that called it right, and the treasury. */
#ifndef CF_WORKERS_REFUSAL_H
#define CF_WORKERS_REFUSAL_H

#include "workers/change.h"
#include "workers/view.h"

/* Ends a job that the last rung refused. Its bond pays first the fees of the seats that said no,
 * on every rung; what it cannot pay comes from the seats that said yes (overturned), then from the
 * treasury's advances; what is left of these goes back. The next-ranked bid takes the slot over.
 * False when nobody does. */
bool refusal_apply(struct change *c, struct view *v, struct job_view *j);

/* A penalty counted in seat fees from the bond of one seat; the rest of the bond is released. The
 * slashed CYS is burned. */
void seat_penalty(struct change *c, struct view *v, struct seat_view *s, int64_t fees,
                  const char *reason);

#endif
