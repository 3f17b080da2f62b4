/* SPDX-License-Identifier: Apache-2.0 */
/* Request memory: everything of one request is released at once. Not thread-safe. */
#ifndef CF_CORE_ARENA_H
#define CF_CORE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *head;
    size_t used_bytes; /* over all blocks */
    size_t max_bytes;  /* beyond it allocations answer NULL */
};

void arena_init(struct arena *a, size_t max_bytes);
/* Zeroed, 16-byte aligned; NULL when the maximum is reached or memory is short. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *text, size_t len);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Keeps the first block for the next request. */
void arena_reset(struct arena *a);
void arena_clear(struct arena *a);

#endif
