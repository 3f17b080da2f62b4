/* SPDX-License-Identifier: Apache-2.0 */
/* Jansson behind a gate: size, depth and structure are counted before anything is allocated. */
#ifndef CF_CORE_JSON_H
#define CF_CORE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/err.h"

enum { JSON_BODY_MAX_BYTES = 64 * 1024, JSON_DEPTH_MAX = 16, JSON_STRUCTURE_MAX = 4096 };

/* False when nesting is deeper than JSON_DEPTH_MAX or there are more than JSON_STRUCTURE_MAX of
 * []{},: outside strings. */
bool json_prescan(const char *text, size_t len);
/* Prescan, then parse with JSON_REJECT_DUPLICATES. ERR_BAD_JSON, ERR_TOO_LARGE. The caller decrefs
 * *out. */
enum err json_parse(const char *text, size_t len, json_t **out) CF_MUST_CHECK;
/* Canonical text: sorted keys, compact. Caller frees; NULL on failure. */
char *json_canonical(const json_t *value);
/* Seeds the hash and fixes the locale-free number format; call once before threads. */
void json_setup(void);

#endif
