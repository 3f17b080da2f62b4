/* SPDX-License-Identifier: Apache-2.0 */
/* A line is composed in one fixed buffer and written with one call, so lines of threads and of
 * processes that share standard error never mix. */
#include "server/core/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/core/clock.h"

enum { LINE_MAX_BYTES = 4096, TAIL_BYTES = 32, FIELDS_MAX = 32 };

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
    bool cut;
};

/* Written once by log_setup before threads start. */
static struct {
    const char *program;
    enum log_level least;
    bool text;
} setup = {"computefi", LOG_INFO, false};

static const char *const LEVELS[] = {"debug", "info", "warn", "error"};

void log_setup(const char *program, enum log_level least, int format_text)
{
    setup.program = program;
    setup.least = least;
    setup.text = format_text != 0;
}

/* Whole or not at all: an escape is never split. The tail is kept for the closing. */
static void put(struct line *l, const char *text, size_t len)
{
    if (l->cut || len > LINE_MAX_BYTES - TAIL_BYTES - l->len) {
        l->cut = true;
        return;
    }
    memcpy(l->text + l->len, text, len);
    l->len += len;
}

static void puts_line(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* Length of the well-formed UTF-8 sequence at s, 0 when there is none. */
static size_t utf8_len(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 0;
    if (s[0] >= 0xf0 && s[0] < 0xf5)
        n = 4;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (s[0] == 0xe0 && n == 3 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && n == 3 && s[1] >= 0xa0;
    bool beyond = s[0] == 0xf4 && n == 4 && s[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : n;
}

static void put_escaped(struct line *l, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s != '\0') {
        size_t n = utf8_len(s);
        char escape[8];
        if (n == 0) {
            puts_line(l, "\\ufffd");
            n = 1;
        } else if (*s == '"' || *s == '\\') {
            snprintf(escape, sizeof escape, "\\%c", *s);
            puts_line(l, escape);
        } else if (*s < 0x20 || *s == 0x7f) {
            snprintf(escape, sizeof escape, "\\u%04x", *s);
            puts_line(l, escape);
        } else {
            put(l, (const char *)s, n);
        }
        s += n;
    }
}

static void put_json(struct line *l, const char *key, const char *value)
{
    if (l->cut)
        return;
    size_t start = l->len;
    puts_line(l, l->len == 0 ? "{\"" : ",\"");
    put_escaped(l, key);
    puts_line(l, "\":\"");
    if (l->cut) { /* not even the key fits: leave the field out */
        l->len = start;
        return;
    }
    put_escaped(l, value);
    l->text[l->len++] = '"'; /* fits: the tail is reserved */
}

static void put_text(struct line *l, const char *key, const char *value)
{
    puts_line(l, " ");
    put_escaped(l, key);
    puts_line(l, "=");
    put_escaped(l, value);
}

static void finish(struct line *l)
{
    const char *end =
        setup.text ? (l->cut ? " ...\n" : "\n") : (l->cut ? ",\"cut\":\"true\"}\n" : "}\n");
    size_t len = strlen(end);
    memcpy(l->text + l->len, end, len);
    l->len += len;
    for (size_t done = 0; done < l->len;) {
        ssize_t n = write(STDERR_FILENO, l->text + done, l->len - done);
        if (n <= 0)
            return; /* nowhere left to complain to */
        done += (size_t)n;
    }
}

void log_event(enum log_level level, const char *message, ...)
{
    if (level < setup.least)
        return;
    struct line l = {.len = 0};
    char ts[RFC3339_MAX];
    clock_rfc3339(clock_wall_ms(), ts);
    if (setup.text) {
        puts_line(&l, ts);
        put_text(&l, "level", LEVELS[level]);
        put_text(&l, "prog", setup.program);
        puts_line(&l, " ");
        put_escaped(&l, message);
    } else {
        put_json(&l, "ts", ts);
        put_json(&l, "level", LEVELS[level]);
        put_json(&l, "prog", setup.program);
        put_json(&l, "msg", message);
    }
    va_list args;
    va_start(args, message);
    for (int i = 0; i < FIELDS_MAX; i++) {
        const char *key = va_arg(args, const char *);
        if (key == NULL)
            break;
        const char *value = va_arg(args, const char *);
        (setup.text ? put_text : put_json)(&l, key, value == NULL ? "" : value);
    }
    va_end(args);
    finish(&l);
}
