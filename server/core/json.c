/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/json.h"

/* The only state is whether we are inside a string; Jansson judges the grammar afterwards. */
struct scan {
    int depth;
    int structure;
    bool in_string;
    bool escaped;
};

static void scan_string(struct scan *s, char c)
{
    if (s->escaped)
        s->escaped = false;
    else if (c == '\\')
        s->escaped = true;
    else if (c == '"')
        s->in_string = false;
}

static void scan_plain(struct scan *s, char c)
{
    switch (c) {
    case '"':
        s->in_string = true;
        break;
    case '[':
    case '{':
        s->depth++;
        s->structure++;
        break;
    case ']':
    case '}':
        s->depth--;
        s->structure++;
        break;
    case ',':
    case ':':
        s->structure++;
        break;
    default:
        break;
    }
}

bool json_prescan(const char *text, size_t len)
{
    struct scan s = {0};
    for (size_t i = 0; i < len; i++) {
        if (s.in_string)
            scan_string(&s, text[i]);
        else
            scan_plain(&s, text[i]);
        if (s.depth > JSON_DEPTH_MAX || s.structure > JSON_STRUCTURE_MAX)
            return false;
    }
    return true;
}

enum err json_parse(const char *text, size_t len, json_t **out)
{
    json_error_t e;
    if (len > JSON_BODY_MAX_BYTES)
        return ERR_TOO_LARGE;
    if (text == NULL || len == 0 || !json_prescan(text, len))
        return ERR_BAD_JSON;
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
    if (value == NULL)
        return json_error_code(&e) == json_error_out_of_memory ? ERR_NO_MEMORY : ERR_BAD_JSON;
    *out = value;
    return ERR_OK;
}

char *json_canonical(const json_t *value)
{
    return json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);
}

void json_setup(void)
{
    /* 0 asks the system for a random seed; without it the first parse would race in threads. The
     * number format stays free of locales because nobody calls setlocale. */
    json_object_seed(0);
}
