/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON value into one C value. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/input.h"
#include "server/core/money.h"

enum { JOINED_MAX_BYTES = 4096, ERA_YEAR = 1970, TM_YEAR = 1900, MS = 1000, MINUTE_S = 60 };
enum { DAY_HOURS = 24, OFFSET_CHARS = 6, SECONDS_CHARS = 19 };

static enum err bad(const char **why, const char *text)
{
    *why = text;
    return ERR_BAD_FIELD;
}

static enum err bad_range(struct arena *arena, const struct input_field *f, const char *unit,
                          const char **why)
{
    *why = arena_printf(arena, "must be %lld to %lld%s", (long long)f->least, (long long)f->most,
                        unit);
    return *why == NULL ? ERR_NO_MEMORY : ERR_BAD_FIELD;
}

static bool in_class(const char *class_name, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        bool lower = islower(c) || isdigit(c);
        if (class_name == NULL) {
            if (c < ' ' || c == 127)
                return false;
        } else if (strcmp(class_name, TEXT_NAME) == 0) {
            if (c > 127 || (!isalnum(c) && (p == text || strchr(" ._-", c) == NULL)))
                return false;
        } else if (!lower && c != '-' &&
                   (strcmp(class_name, TEXT_KIND) != 0 || strchr("._", c) == NULL)) {
            return false;
        }
    }
    return true;
}

/* Unicode characters, as length() of the database counts them. */
static int64_t text_length(const char *text)
{
    int64_t n = 0;
    for (const char *p = text; *p != '\0'; p++)
        n += ((unsigned char)*p & 0xc0) != 0x80;
    return n;
}

static enum err check_text(struct arena *arena, const struct input_field *f, const char *text,
                           const char **why)
{
    if (text == NULL)
        return bad(why, "must be a string");
    if (text_length(text) < f->least || text_length(text) > f->most)
        return bad_range(arena, f, " characters long", why);
    return in_class(f->what, text) ? ERR_OK : bad(why, "has characters that are not allowed here");
}

static enum err get_number(struct arena *arena, const struct input_field *f, const json_t *v,
                           int64_t *out, const char **why)
{
    if (f->kind == INPUT_INT) {
        if (!json_is_integer(v))
            return bad(why, "must be an integer");
        *out = json_integer_value(v);
    } else if (f->kind == INPUT_TIME) {
        if (!json_is_string(v) || input_time_parse(json_string_value(v), out) != ERR_OK)
            return bad(why, "must be an RFC 3339 time");
        return ERR_OK;
    } else if (!json_is_string(v) ||
               money_parse(json_string_value(v), json_string_length(v), out) != ERR_OK) {
        return bad(why, "must be a string of decimal digits, gwei, at most 10^18");
    }
    return *out < f->least || *out > f->most ? bad_range(arena, f, "", why) : ERR_OK;
}

/* In place, or behind a pointer when the field may be NULL. */
static enum err store(struct arena *arena, const struct input_field *f, const void *value,
                      size_t size, void *out)
{
    void *at = out;
    if (f->need == MAY_NULL) {
        at = arena_alloc(arena, size);
        if (at == NULL)
            return ERR_NO_MEMORY;
        memcpy(out, &at, sizeof at);
    }
    memcpy(at, value, size);
    return ERR_OK;
}

static enum err get_hex(struct arena *arena, const struct input_field *f, const json_t *v,
                        void *out, const char **why)
{
    size_t len = (size_t)f->most;
    uint8_t *bytes = arena_alloc(arena, len);
    if (bytes == NULL)
        return ERR_NO_MEMORY;
    if (!json_is_string(v) || json_string_length(v) != 2 * len ||
        hex_decode(json_string_value(v), bytes, len) != ERR_OK) {
        *why = arena_printf(arena, "must be %zu hexadecimal digits", 2 * len);
        return ERR_BAD_FIELD;
    }
    memcpy(out, &bytes, sizeof bytes);
    return ERR_OK;
}

static enum err get_bytes(struct arena *arena, const struct input_field *f, const json_t *v,
                          struct bytes *out, const char **why)
{
    if (!json_is_string(v))
        return bad(why, "must be a base64url string");
    size_t cap = json_string_length(v) / 4 * 3 + 3;
    uint8_t *data = arena_alloc(arena, cap);
    if (data == NULL)
        return ERR_NO_MEMORY;
    if (base64url_decode(json_string_value(v), data, cap, &out->len) != ERR_OK)
        return bad(why, "must be unpadded base64url");
    if (out->len < (size_t)f->least || out->len > (size_t)f->most)
        return bad_range(arena, f, " bytes", why);
    out->data = data;
    return ERR_OK;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);
    if (strchr(text, '|') != NULL)
        return false;
    for (const char *p = choices; *p != '\0' && len > 0; p += strcspn(p, "|")) {
        p += *p == '|';
        if (strncmp(p, text, len) == 0 && (p[len] == '|' || p[len] == '\0'))
            return true;
    }
    return false;
}

static enum err get_choice(struct arena *arena, const struct input_field *f, const json_t *v,
                           const char **out, const char **why)
{
    *out = json_string_value(v);
    if (*out != NULL && is_choice(f->what, *out))
        return ERR_OK;
    *why = arena_printf(arena, "must be one of %s", f->what);
    return ERR_BAD_FIELD;
}

/* One element of a list, as the text that is joined. */
static enum err element_text(struct arena *arena, const struct input_field *f, const json_t *v,
                             char id_text[UUID_TEXT_MAX], const char **out, const char **why)
{
    struct uuid id;
    if (f->kind == INPUT_IDS) {
        *out = id_text;
        if (!json_is_string(v) || typeid_parse(f->what, json_string_value(v), &id) != ERR_OK)
            return bad(why, "must be an array of ids of the right kind");
        uuid_print(&id, id_text);
        return ERR_OK;
    }
    static const struct input_field WORD = {"", INPUT_TEXT, NEED, 0, 1, 64, TEXT_KIND};
    *out = json_string_value(v);
    return check_text(arena, &WORD, *out, why);
}

static enum err get_list(struct arena *arena, const struct input_field *f, const json_t *v,
                         const char **out, const char **why)
{
    char joined[JOINED_MAX_BYTES] = "";
    char id_text[UUID_TEXT_MAX];
    size_t len = 0;
    if (!json_is_array(v))
        return bad(why, "must be an array");
    int64_t count = (int64_t)json_array_size(v);
    if (count < f->least || count > f->most)
        return bad_range(arena, f, " elements", why);
    for (int64_t i = 0; i < count; i++) {
        const char *text = NULL;
        enum err e = element_text(arena, f, json_array_get(v, (size_t)i), id_text, &text, why);
        if (e != ERR_OK)
            return e;
        int added = snprintf(joined + len, sizeof joined - len, "%s%s", i > 0 ? "," : "", text);
        if (added < 0 || (size_t)added >= sizeof joined - len)
            return bad(why, "is too long");
        len += (size_t)added;
    }
    *out = arena_strndup(arena, joined, len);
    return *out == NULL ? ERR_NO_MEMORY : ERR_OK;
}

/* Two digits; -1 for anything else. */
static int two_digits(const char *p)
{
    if (!isdigit((unsigned char)p[0]) || !isdigit((unsigned char)p[1]))
        return -1;
    return (p[0] - '0') * 10 + (p[1] - '0');
}

/* "Z" or "+hh:mm" to the end of the text. */
static enum err offset_parse(const char *p, int64_t *out_s)
{
    *out_s = 0;
    if (strcmp(p, "Z") == 0 || strcmp(p, "z") == 0)
        return ERR_OK;
    if (strlen(p) != OFFSET_CHARS || (p[0] != '+' && p[0] != '-') || p[3] != ':')
        return ERR_PARSE;
    int hours = two_digits(p + 1);
    int minutes = two_digits(p + 4);
    if (hours < 0 || hours >= DAY_HOURS || minutes < 0 || minutes >= MINUTE_S)
        return ERR_PARSE;
    *out_s = ((int64_t)hours * MINUTE_S + minutes) * MINUTE_S * (p[0] == '-' ? -1 : 1);
    return ERR_OK;
}

enum err input_time_parse(const char *text, int64_t *out_ms)
{
    struct tm t = {0};
    int64_t ms = 0;
    int64_t offset_s = 0;
    const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &t);
    if (p == NULL || t.tm_year + TM_YEAR < ERA_YEAR || p - text != SECONDS_CHARS)
        return ERR_PARSE;
    if (*p == '.') {
        if (!isdigit((unsigned char)p[1]))
            return ERR_PARSE;
        int64_t scale = MS / 10;
        for (p++; isdigit((unsigned char)*p); p++, scale /= 10)
            ms += (*p - '0') * scale;
    }
    if (offset_parse(p, &offset_s) != ERR_OK)
        return ERR_PARSE;
    *out_ms = ((int64_t)timegm(&t) - offset_s) * MS + ms;
    return ERR_OK;
}

static enum err get_id(struct arena *arena, const struct input_field *f, const json_t *v, void *out,
                       const char **why)
{
    struct uuid id;
    if (json_is_string(v) && typeid_parse(f->what, json_string_value(v), &id) == ERR_OK)
        return store(arena, f, &id, sizeof id, out);
    *why = arena_printf(arena, "must be an id like %s_01h...", f->what);
    return ERR_BAD_FIELD;
}

enum err input_value(struct arena *arena, const struct input_field *f, const json_t *v, void *out,
                     const char **why)
{
    int64_t number = 0;
    enum err e = ERR_OK;
    switch (f->kind) {
    case INPUT_TEXT:
        *(const char **)out = json_string_value(v);
        return check_text(arena, f, json_string_value(v), why);
    case INPUT_INT:
    case INPUT_GWEI:
    case INPUT_TIME:
        e = get_number(arena, f, v, &number, why);
        return e == ERR_OK ? store(arena, f, &number, sizeof number, out) : e;
    case INPUT_ID:
        return get_id(arena, f, v, out, why);
    case INPUT_HEX:
        return get_hex(arena, f, v, out, why);
    case INPUT_BYTES:
        return get_bytes(arena, f, v, out, why);
    case INPUT_BOOL:
        *(bool *)out = json_is_true(v);
        return json_is_boolean(v) ? ERR_OK : bad(why, "must be true or false");
    case INPUT_CHOICE:
        return get_choice(arena, f, v, out, why);
    case INPUT_OBJECT:
        *(const json_t **)out = v;
        return json_is_object(v) ? ERR_OK : bad(why, "must be an object");
    case INPUT_IDS:
    case INPUT_WORDS:
        return get_list(arena, f, v, out, why);
    }
    return ERR_INTERNAL;
}
