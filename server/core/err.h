/* SPDX-License-Identifier: Apache-2.0 */
/* One enumeration of every error, expanded from err.def. */
#ifndef CF_CORE_ERR_H
#define CF_CORE_ERR_H

#include <stdbool.h>

#define CF_MUST_CHECK __attribute__((warn_unused_result))

enum err {
#define X(name, code, status, retry, title) ERR_##name,
#include "server/core/err.def"
#undef X
    ERR_COUNT
};

/* Wire code ("bad_field"); never NULL. */
const char *err_code(enum err e);
/* Title for people; never NULL. */
const char *err_title(enum err e);
/* HTTP status that reports this error. */
int err_status(enum err e);
/* True when the same request may succeed later. */
bool err_retryable(enum err e);
/* Looks a wire code up, for SQL functions that answer with codes. ERR_INTERNAL when unknown. */
enum err err_from_code(const char *code);

#endif
