/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers which long-poll statements answered nothing, so that an empty poll costs no SQL while
 * nothing was woken. Thread-safe. */
#ifndef CF_API_POLL_H
#define CF_API_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/err.h"
#include "server/db/stmt.h"

enum { POLL_EMPTY_MAX_AGE_MS = 5000 };

struct poll_cache;

enum err poll_cache_new(struct poll_cache **out) CF_MUST_CHECK;
void poll_cache_free(struct poll_cache *c);
/* The call answered nothing when its topic had this version. */
void poll_cache_set(struct poll_cache *c, const struct db_call *call, uint64_t version,
                    int64_t now_mono_ms);
/* True when the same call answered nothing at this very version, lately. */
bool poll_cache_empty(struct poll_cache *c, const struct db_call *call, uint64_t version,
                      int64_t now_mono_ms);

#endif
