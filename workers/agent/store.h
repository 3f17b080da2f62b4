/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent must remember over a kill -9: one JSON file for each bid, job and seat, replaced
 * atomically before the API learns of it. Folders bids/, jobs/, seats/ and scratch/ below
 * state_dir.
 */
#ifndef CF_AGENT_STORE_H
#define CF_AGENT_STORE_H

#include <jansson.h>

#include "server/core/buf.h"
#include "server/core/err.h"

enum { STORE_PATH_MAX = 1200, STORE_RECORD_MAX_BYTES = 16 * 1024 };

/* Makes the folders (0700) and removes what lies in scratch/. ERR_IO. */
enum err store_open(const char *state_dir) CF_MUST_CHECK;
/* kind: "bids", "jobs" or "seats"; name: an id of ours (letters, digits, '_' and '-'). */
enum err store_put(const char *state_dir, const char *kind, const char *name,
                   const json_t *record) CF_MUST_CHECK;
/* ERR_NOT_FOUND, ERR_IO, ERR_PARSE. The caller decrefs. */
enum err store_get(const char *state_dir, const char *kind, const char *name,
                   json_t **out) CF_MUST_CHECK;
/* The record and the bytes beside it; a missing one is fine. */
void store_drop(const char *state_dir, const char *kind, const char *name);
/* Bytes beside a record: a result. */
enum err store_put_bytes(const char *state_dir, const char *kind, const char *name,
                         const void *data, size_t len) CF_MUST_CHECK;
enum err store_get_bytes(const char *state_dir, const char *kind, const char *name,
                         struct buf *out) CF_MUST_CHECK;
/* Calls each with every record; unreadable ones are logged and left. */
void store_each(const char *state_dir, const char *kind,
                void (*each)(void *arg, const char *name, const json_t *record), void *arg);
/* Forgets records of a kind not touched for age_s seconds. */
void store_sweep(const char *state_dir, const char *kind, int64_t age_s);

#endif
