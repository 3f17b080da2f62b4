/* SPDX-License-Identifier: Apache-2.0 */
/* The table behind err.def. */
#include "server/core/err.h"

#include <string.h>

struct err_row {
    const char *code;
    const char *title;
    int status;
    bool retryable;
};

static const struct err_row ROWS[ERR_COUNT] = {
#define X(name, code, status, retry, title) [ERR_##name] = {code, title, status, retry},
#include "server/core/err.def"
#undef X
};

static const struct err_row *row_of(enum err e)
{
    size_t i = (size_t)e;
    return &ROWS[i < ERR_COUNT ? i : (size_t)ERR_INTERNAL];
}

const char *err_code(enum err e)
{
    return row_of(e)->code;
}

const char *err_title(enum err e)
{
    return row_of(e)->title;
}

int err_status(enum err e)
{
    return row_of(e)->status;
}

bool err_retryable(enum err e)
{
    return row_of(e)->retryable;
}

enum err err_from_code(const char *code)
{
    if (code == NULL)
        return ERR_INTERNAL;
    for (size_t i = 0; i < ERR_COUNT; i++) {
        if (strcmp(ROWS[i].code, code) == 0)
            return (enum err)i;
    }
    return ERR_INTERNAL;
}
