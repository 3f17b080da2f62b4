/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/task_state.h"

#include <string.h>

static const struct {
    const char *text;
    int code;
    bool final;
} states[TASK_STATE_COUNT] = {
#define S(name, text, code, final) {text, code, final},
    TASK_STATES(S)
#undef S
};

#define TO(s) (1u << TASK_##s)

/* Row: from. A set bit: may follow. */
static const unsigned next[TASK_STATE_COUNT] = {
    [TASK_OPEN] =
        TO(OPEN) | TO(OPENING) | TO(ASSIGNED) | TO(CANCELLED) | TO(EXPIRED) | TO(REFUNDED),
    [TASK_OPENING] = TO(OPEN) | TO(ASSIGNED) | TO(CANCELLED) | TO(EXPIRED) | TO(REFUNDED),
    [TASK_ASSIGNED] = TO(ASSIGNED) | TO(SUBMITTED) | TO(OPEN) | TO(REFUNDED),
    [TASK_SUBMITTED] = TO(VERIFYING) | TO(ACCEPTED) | TO(REFUNDED),
    [TASK_VERIFYING] = TO(VERIFYING) | TO(ACCEPTED) | TO(ASSIGNED) | TO(OPEN) | TO(REFUNDED),
    [TASK_ACCEPTED] = TO(VERIFYING) | TO(PAID),
};

const char *task_state_text(enum task_state s)
{
    return states[s].text;
}

enum err task_state_parse(const char *text, enum task_state *out)
{
    for (int i = 0; i < TASK_STATE_COUNT; i++) {
        if (strcmp(states[i].text, text) == 0) {
            *out = (enum task_state)i;
            return ERR_OK;
        }
    }
    return ERR_PARSE;
}

int task_state_code(enum task_state s)
{
    return states[s].code;
}

bool task_state_is_final(enum task_state s)
{
    return states[s].final;
}

bool task_state_may(enum task_state from, enum task_state to)
{
    return (next[from] >> to & 1u) != 0;
}
