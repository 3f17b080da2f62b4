/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 256 };

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max_bytes = max_bytes};
}

void buf_clear(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.max_bytes = b->max_bytes};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

/* Room for extra bytes and the final NUL, which is not part of max_bytes. */
static bool reserve(struct buf *b, size_t extra)
{
    if (b->failed || extra > b->max_bytes - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + extra + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap == 0 ? FIRST_BYTES : b->cap;
    while (cap < need)
        cap *= 2; /* need <= max_bytes + 1: ends, and doubles at most once past it */
    char *data = realloc(b->data, cap);
    if (data == NULL) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    if (!reserve(b, len))
        return;
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    size_t room = b->failed ? 0 : b->cap - b->len;
    int len = vsnprintf(room > 0 ? b->data + b->len : NULL, room, format, args);
    if (len < 0)
        b->failed = true;
    else if (reserve(b, (size_t)len)) {
        if ((size_t)len >= room)
            vsnprintf(b->data + b->len, (size_t)len + 1, format, again);
        b->len += (size_t)len;
    } else if (b->data != NULL) {
        b->data[b->len] = '\0'; /* the first attempt may have written past len */
    }
    va_end(again);
    va_end(args);
}

void buf_add_u8(struct buf *b, uint8_t v)
{
    buf_add(b, &v, 1);
}

void buf_add_u32be(struct buf *b, uint32_t v)
{
    uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    buf_add(b, bytes, sizeof bytes);
}

void buf_add_u64be(struct buf *b, uint64_t v)
{
    buf_add_u32be(b, (uint32_t)(v >> 32));
    buf_add_u32be(b, (uint32_t)v);
}

static void add_escape(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"':
        buf_add(b, "\\\"", 2);
        break;
    case '\\':
        buf_add(b, "\\\\", 2);
        break;
    case '\n':
        buf_add(b, "\\n", 2);
        break;
    case '\r':
        buf_add(b, "\\r", 2);
        break;
    case '\t':
        buf_add(b, "\\t", 2);
        break;
    default:
        buf_addf(b, "\\u%04x", c);
    }
}

void buf_add_json(struct buf *b, const char *text, size_t len)
{
    size_t plain = 0; /* start of the run that needs no escape */
    buf_add_u8(b, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        buf_add(b, text + plain, i - plain);
        add_escape(b, c);
        plain = i + 1;
    }
    buf_add(b, text + plain, len - plain);
    buf_add_u8(b, '"');
}
