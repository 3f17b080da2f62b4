/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDv7 and TypeIDs ("task_" + 26 base32 characters). */
#ifndef CF_CORE_IDS_H
#define CF_CORE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/err.h"

enum { UUID_BYTES = 16, UUID_TEXT_MAX = 37, TYPEID_TEXT_MAX = 48 };

struct uuid {
    uint8_t b[UUID_BYTES];
};

/* A new UUIDv7 from the given wall clock in ms and 10 random bytes (libsodium). Monotonic per
 * thread. */
struct uuid uuid_new(int64_t now_ms);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
bool uuid_is_nil(const struct uuid *a);
int uuid_compare(const struct uuid *a, const struct uuid *b);
/* 36 characters, lower case. */
void uuid_print(const struct uuid *id, char out[UUID_TEXT_MAX]);
enum err uuid_parse(const char *text, struct uuid *out) CF_MUST_CHECK;
/* prefix: "task", "bid", ... lower case ASCII. */
void typeid_print(const char *prefix, const struct uuid *id, char out[TYPEID_TEXT_MAX]);
/* Strict: the given prefix, 26 base32 digits, no overflow; ERR_PARSE otherwise. */
enum err typeid_parse(const char *prefix, const char *text, struct uuid *out) CF_MUST_CHECK;

#endif
