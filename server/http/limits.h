/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets per API key or address, in memory, per process. Thread-safe. */
#ifndef CF_HTTP_LIMITS_H
#define CF_HTTP_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/err.h"

enum { LIMITS_ID_BYTES = 16 };

struct limits;

/* What a reply says about the caller's quota. */
struct limits_state {
    bool counted;
    int64_t remaining;
    int64_t reset_s; /* until the bucket is full again */
    int64_t retry_s; /* until one request is free; 0 now */
};

/* per_minute > 0: size of a bucket and how much flows in within a minute. */
enum err limits_new(int64_t per_minute, struct limits **out) CF_MUST_CHECK;
void limits_free(struct limits *l);
int64_t limits_per_minute(const struct limits *l);
/* Takes one token of id; false when there was none. is_key separates keys from addresses. */
bool limits_take(struct limits *l, const uint8_t id[LIMITS_ID_BYTES], bool is_key, int64_t now_ms,
                 struct limits_state *out);

#endif
