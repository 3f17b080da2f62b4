/* SPDX-License-Identifier: Apache-2.0 */
#include "api/input.h"

#include <stdlib.h>
#include <string.h>

enum { POINTER_CHARS_MAX = 80, INT_DIGITS_MAX = 18 };

/* "/name" with the two escapes of RFC 6901, cut at a length that still identifies it. */
static const char *pointer_of(struct arena *arena, const char *name)
{
    char text[POINTER_CHARS_MAX + 4] = "/";
    size_t len = 1;
    for (const char *p = name; *p != '\0' && len < POINTER_CHARS_MAX; p++) {
        if (*p == '~' || *p == '/') {
            text[len++] = '~';
            text[len++] = *p == '~' ? '0' : '1';
        } else {
            text[len++] = *p;
        }
    }
    /* never cut within a character */
    while (len >= POINTER_CHARS_MAX && ((unsigned char)text[len - 1] & 0x80) != 0)
        len--;
    return arena_strndup(arena, text, len);
}

static enum err take(struct http_request *rq, const struct input_field *f, const json_t *v,
                     const char *pointer, void *out)
{
    const char *why = NULL;
    enum err e = input_value(&rq->arena, f, v, (char *)out + f->offset, &why);
    if (e != ERR_BAD_FIELD)
        return e;
    return http_bad(rq, pointer, why == NULL ? "is not valid" : why);
}

static enum err refuse_unknown(struct http_request *rq, const struct input_field *fields,
                               size_t count)
{
    const char *name = NULL;
    json_t *value = NULL;
    enum err worst = ERR_OK;
    json_object_foreach(rq->json, name, value)
    {
        size_t i = 0;
        while (i < count && strcmp(fields[i].name, name) != 0)
            i++;
        if (i == count)
            worst = http_bad(rq, pointer_of(&rq->arena, name), "is not a member of this request");
    }
    return worst;
}

enum err input_body(struct http_request *rq, const struct input_field *fields, size_t count,
                    void *out)
{
    if (!json_is_object(rq->json))
        return http_bad(rq, "", "must be an object");
    enum err worst = refuse_unknown(rq, fields, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_object_get(rq->json, fields[i].name);
        const char *pointer = pointer_of(&rq->arena, fields[i].name);
        enum err e = ERR_OK;
        if (v != NULL && !json_is_null(v))
            e = take(rq, &fields[i], v, pointer, out);
        else if (fields[i].need == NEED)
            e = http_bad(rq, pointer, "is required");
        if (e != ERR_OK)
            worst = e;
    }
    return worst;
}

/* A query parameter as the JSON value that the table expects. */
static json_t *query_json(const struct input_field *f, const char *text)
{
    switch (f->kind) {
    case INPUT_INT: {
        char *end = NULL;
        if (strlen(text) > INT_DIGITS_MAX)
            return json_null();
        long long n = strtoll(text, &end, 10);
        return end == text || *end != '\0' ? json_null() : json_integer(n);
    }
    case INPUT_BOOL:
        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
            return json_boolean(text[0] == 't');
        return json_null();
    case INPUT_TEXT:
    case INPUT_GWEI:
    case INPUT_ID:
    case INPUT_HEX:
    case INPUT_BYTES:
    case INPUT_CHOICE:
    case INPUT_TIME:
    case INPUT_OBJECT:
    case INPUT_IDS:
    case INPUT_WORDS:
        break;
    }
    return json_string(text);
}

enum err input_query(struct http_request *rq, const struct input_field *fields, size_t count,
                     void *out)
{
    enum err worst = ERR_OK;
    for (size_t i = 0; i < count; i++) {
        const char *text = http_query(rq, fields[i].name);
        const char *pointer = arena_printf(&rq->arena, "#query/%s", fields[i].name);
        if (text == NULL) {
            if (fields[i].need == NEED)
                worst = http_bad(rq, pointer, "is required");
            continue;
        }
        json_t *v = query_json(&fields[i], text);
        enum err e = v == NULL ? http_bad(rq, pointer, "is not UTF-8")
                               : take(rq, &fields[i], v, pointer, out);
        /* texts and choices point into v: point them at the query itself */
        if (e == ERR_OK && (fields[i].kind == INPUT_TEXT || fields[i].kind == INPUT_CHOICE))
            *(const char **)(void *)((char *)out + fields[i].offset) = text;
        json_decref(v);
        if (e != ERR_OK)
            worst = e;
    }
    return worst;
}

enum err input_none(struct http_request *rq)
{
    return input_body(rq, NULL, 0, NULL);
}

enum err input_param(const struct http_request *rq, int index, const char *prefix, struct uuid *out)
{
    return typeid_parse(prefix, rq->params[index], out) == ERR_OK ? ERR_OK : ERR_NOT_FOUND;
}
