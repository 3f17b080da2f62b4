/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a task, which may follow which, and Cysic's public codes. */
#ifndef CF_DOMAIN_TASK_STATE_H
#define CF_DOMAIN_TASK_STATE_H

#include <stdbool.h>

#include "server/core/err.h"

/* S(name, text in SQL and JSON, Cysic's code, final) */
#define TASK_STATES(S)                                                                             \
    S(OPEN, "open", 0, false)                                                                      \
    S(OPENING, "opening", 1, false)                                                                \
    S(ASSIGNED, "assigned", 2, false)                                                              \
    S(SUBMITTED, "submitted", 3, false)                                                            \
    S(VERIFYING, "verifying", 3, false)                                                            \
    S(ACCEPTED, "accepted", 3, false)                                                              \
    S(PAID, "paid", 100, true)                                                                     \
    S(REFUNDED, "refunded", 200, true)                                                             \
    S(CANCELLED, "cancelled", 400, true)                                                           \
    S(EXPIRED, "expired", 40, true)

enum task_state {
#define S(name, text, code, final) TASK_##name,
    TASK_STATES(S)
#undef S
        TASK_STATE_COUNT
};

enum { TASK_CODE_NO_VERIFIERS = 401 }; /* of a refund because no committee could be seated */

const char *task_state_text(enum task_state s);
enum err task_state_parse(const char *text, enum task_state *out) CF_MUST_CHECK;
int task_state_code(enum task_state s);
bool task_state_is_final(enum task_state s);
/* True when the life of a task may step from one to the other (the same state counts where a step
 * may leave it unchanged: takeover, next rung). */
bool task_state_may(enum task_state from, enum task_state to);

#endif
