/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGN = 16, BLOCK_BYTES = 4096 };

/* The first block stays last in the list: blocks are pushed at the head. */
struct arena_block {
    struct arena_block *next;
    size_t cap;
    size_t len;
    _Alignas(ARENA_ALIGN) uint8_t data[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){.max_bytes = max_bytes};
}

static struct arena_block *grow(struct arena *a, size_t size)
{
    size_t cap = BLOCK_BYTES - sizeof(struct arena_block);
    if (size > cap)
        cap = size;
    struct arena_block *b = malloc(sizeof *b + cap);
    if (b == NULL)
        return NULL;
    b->next = a->head;
    b->cap = cap;
    b->len = 0;
    a->head = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t rounded;
    if (__builtin_add_overflow(size, (size_t)(ARENA_ALIGN - 1), &rounded))
        return NULL;
    rounded &= ~(size_t)(ARENA_ALIGN - 1);
    if (rounded == 0)
        rounded = ARENA_ALIGN;
    if (rounded > a->max_bytes - a->used_bytes)
        return NULL;
    struct arena_block *b = a->head;
    if (b == NULL || rounded > b->cap - b->len)
        b = grow(a, rounded);
    if (b == NULL)
        return NULL;
    void *p = b->data + b->len;
    b->len += rounded;
    a->used_bytes += rounded;
    return memset(p, 0, rounded);
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
    size_t size;
    if (__builtin_add_overflow(len, (size_t)1, &size))
        return NULL;
    char *p = arena_alloc(a, size);
    if (p != NULL && len > 0)
        memcpy(p, text, len);
    return p;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *p = len < 0 ? NULL : arena_alloc(a, (size_t)len + 1);
    if (p != NULL)
        vsnprintf(p, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    return p;
}

void arena_reset(struct arena *a)
{
    while (a->head != NULL && a->head->next != NULL) {
        struct arena_block *b = a->head;
        a->head = b->next;
        free(b);
    }
    if (a->head != NULL)
        a->head->len = 0;
    a->used_bytes = 0;
}

void arena_clear(struct arena *a)
{
    arena_reset(a);
    free(a->head);
    a->head = NULL;
}
