/* SPDX-License-Identifier: Apache-2.0 */
/* Growing byte buffer with a hard maximum. After the first failure all appends are ignored and
 * buf_ok is false. */
#ifndef CF_CORE_BUF_H
#define CF_CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; /* NUL-terminated after any append */
    size_t len;
    size_t cap;
    size_t max_bytes;
    bool failed;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_clear(struct buf *b);
void buf_reset(struct buf *b);
bool buf_ok(const struct buf *b);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *text);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_add_u8(struct buf *b, uint8_t v);
void buf_add_u32be(struct buf *b, uint32_t v);
void buf_add_u64be(struct buf *b, uint64_t v);
/* JSON string with quotes and escapes; text of len bytes must be UTF-8. */
void buf_add_json(struct buf *b, const char *text, size_t len);

#endif
