/* SPDX-License-Identifier: Apache-2.0 */
#include "api/view.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "api/key.h"
#include "server/core/clock.h"

enum { COLUMN_NAME_MAX = 80, NUMBER_TEXT_MAX = 32, SCOPES_TEXT_MAX = 128, MS_DIGITS = 3 };
enum { SECONDS_END = 19 }; /* of "2026-11-22 22:48:50" */

struct view view_open(struct http_request *rq, const char *object)
{
    struct view v = {rq, &rq->reply.body, true};
    buf_adds(v.out, "{");
    if (object != NULL)
        view_text(&v, "object", object);
    return v;
}

void view_close(struct view *v)
{
    buf_adds(v->out, "}");
}

void view_member(struct view *v, const char *member)
{
    buf_addf(v->out, "%s\"%s\":", v->first ? "" : ",", member);
    v->first = false;
}

/* "2026-11-22 22:48:50.123456+00" of a column or "2026-11-22T22:48:50.1+00:00" of to_jsonb; both
 * UTC. Milliseconds are cut, not rounded, as the clocks of the program do. */
static void add_time(struct buf *out, const char *text)
{
    char ms[MS_DIGITS + 1] = "000";
    if (strlen(text) < SECONDS_END) {
        buf_adds(out, "null");
        return;
    }
    if (text[SECONDS_END] == '.') {
        const char *p = text + SECONDS_END + 1;
        for (int i = 0; i < MS_DIGITS && isdigit((unsigned char)p[i]); i++)
            ms[i] = p[i];
    }
    buf_addf(out, "\"%.10sT%.8s.%sZ\"", text, text + 11, ms);
}

static void add_words(struct buf *out, const char *text)
{
    buf_adds(out, "[");
    for (const char *p = text; *p != '\0';) {
        size_t len = strcspn(p, ",");
        buf_adds(out, p > text ? "," : "");
        buf_add_json(out, p, len);
        p += len + (p[len] == ',');
    }
    buf_adds(out, "]");
}

static void add_id(struct buf *out, const char *prefix, const char *uuid_text, size_t len)
{
    char copy[UUID_TEXT_MAX] = "";
    char text[TYPEID_TEXT_MAX];
    struct uuid id;
    memcpy(copy, uuid_text, len < sizeof copy ? len : sizeof copy - 1);
    if (uuid_parse(copy, &id) != ERR_OK || uuid_is_nil(&id)) {
        buf_adds(out, "null");
        return;
    }
    typeid_print(prefix, &id, text);
    buf_addf(out, "\"%s\"", text);
}

static void add_ids(struct buf *out, const char *prefix, const char *text)
{
    buf_adds(out, "[");
    for (const char *p = text; *p != '\0';) {
        size_t len = strcspn(p, ",");
        buf_adds(out, p > text ? "," : "");
        add_id(out, prefix, p, len);
        p += len + (p[len] == ',');
    }
    buf_adds(out, "]");
}

static void add_ints(struct buf *out, const char *text)
{
    size_t len = strlen(text);
    assert(len >= 2);
    buf_addf(out, "[%.*s]", (int)(len - 2), text + 1);
}

void view_value(struct view *v, const struct view_field *f, const char *text)
{
    char scopes[SCOPES_TEXT_MAX];
    if (text == NULL) {
        buf_adds(v->out, "null");
        return;
    }
    switch (f->kind) {
    case VIEW_ID:
        add_id(v->out, f->what, text, strlen(text));
        break;
    case VIEW_GWEI:
        buf_addf(v->out, "\"%s\"", text);
        break;
    case VIEW_TIME:
        add_time(v->out, text);
        break;
    case VIEW_INT:
    case VIEW_JSON:
        buf_adds(v->out, text);
        break;
    case VIEW_BOOL:
        buf_adds(v->out, text[0] == 't' ? "true" : "false");
        break;
    case VIEW_TEXT:
        buf_add_json(v->out, text, strlen(text));
        break;
    case VIEW_HEX:
        buf_addf(v->out, "\"%s\"", strncmp(text, "\\x", 2) == 0 ? text + 2 : text);
        break;
    case VIEW_WORDS:
        add_words(v->out, text);
        break;
    case VIEW_INTS:
        add_ints(v->out, text);
        break;
    case VIEW_IDS:
        add_ids(v->out, f->what, text);
        break;
    case VIEW_SCOPES:
        key_scopes_print(strtoll(text, NULL, 10), scopes, sizeof scopes);
        buf_adds(v->out, scopes);
        break;
    }
}

void view_row_prefixed(struct view *v, const char *prefix, const struct view_field *fields,
                       const struct db_rows *rows, int row, size_t count)
{
    char name[COLUMN_NAME_MAX];
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, fields[i].member);
        int column = db_rows_column(rows, name);
        assert(column >= 0);
        view_member(v, fields[i].member);
        view_value(v, &fields[i], db_rows_text(rows, row, column));
    }
}

void view_row(struct view *v, const struct view_field *fields, size_t count,
              const struct db_rows *rows, int row)
{
    view_row_prefixed(v, "", fields, rows, row, count);
}

static void add_json(struct view *v, const struct view_field *f, const json_t *value)
{
    char number[NUMBER_TEXT_MAX];
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        view_value(v, f, number);
    } else if (json_is_boolean(value)) {
        view_value(v, f, json_is_true(value) ? "t" : "f");
    } else if (json_is_string(value)) {
        view_value(v, f, json_string_value(value));
    } else if (json_is_object(value) || json_is_array(value)) {
        char *text = json_dumps(value, JSON_COMPACT);
        view_value(v, f, text);
        free(text);
    } else {
        view_value(v, f, NULL);
    }
}

void view_detail(struct view *v, const struct view_field *fields, size_t count)
{
    const json_t *detail = api_detail(v->rq);
    for (size_t i = 0; i < count; i++) {
        view_member(v, fields[i].member);
        add_json(v, &fields[i], json_object_get(detail, fields[i].member));
    }
}

bool view_outcome_id(const struct db_rows *rows, struct uuid *out)
{
    return db_rows_uuid(rows, 0, OUTCOME_ID, out);
}

void view_outcome(struct view *v, const struct db_rows *rows, const char *prefix,
                  const char *at_member)
{
    const struct view_field id = {"id", VIEW_ID, prefix};
    const struct view_field at = {at_member, VIEW_TIME, NULL};
    view_member(v, "id");
    view_value(v, &id, db_rows_text(rows, 0, OUTCOME_ID));
    if (at_member != NULL) {
        view_member(v, at_member);
        view_value(v, &at, db_rows_text(rows, 0, OUTCOME_AT));
    }
}

void view_text(struct view *v, const char *member, const char *text)
{
    view_member(v, member);
    if (text == NULL)
        buf_adds(v->out, "null");
    else
        buf_add_json(v->out, text, strlen(text));
}

void view_id(struct view *v, const char *member, const char *prefix, const struct uuid *id)
{
    char text[TYPEID_TEXT_MAX];
    view_member(v, member);
    if (id == NULL) {
        buf_adds(v->out, "null");
        return;
    }
    typeid_print(prefix, id, text);
    buf_addf(v->out, "\"%s\"", text);
}

void view_gwei(struct view *v, const char *member, int64_t gwei)
{
    view_member(v, member);
    buf_addf(v->out, "\"%lld\"", (long long)gwei);
}

void view_int(struct view *v, const char *member, int64_t n)
{
    view_member(v, member);
    buf_addf(v->out, "%lld", (long long)n);
}

void view_bool(struct view *v, const char *member, bool b)
{
    view_member(v, member);
    buf_adds(v->out, b ? "true" : "false");
}

void view_hex(struct view *v, const char *member, const uint8_t *data, size_t len)
{
    static const char DIGITS[] = "0123456789abcdef";
    view_member(v, member);
    if (data == NULL) {
        buf_adds(v->out, "null");
        return;
    }
    buf_adds(v->out, "\"");
    for (size_t i = 0; i < len; i++) {
        const char pair[2] = {DIGITS[data[i] >> 4], DIGITS[data[i] & 15]};
        buf_add(v->out, pair, sizeof pair);
    }
    buf_adds(v->out, "\"");
}

void view_null(struct view *v, const char *member)
{
    view_text(v, member, NULL);
}

void view_array(struct view *v, const char *member)
{
    view_member(v, member);
    buf_adds(v->out, "[");
}

void view_element(struct view *v, bool is_first)
{
    buf_adds(v->out, is_first ? "" : ",");
}

void view_array_end(struct view *v)
{
    buf_adds(v->out, "]");
}

void view_created(struct http_request *rq, int status, const char *collection, const char *prefix,
                  const struct uuid *id)
{
    char text[TYPEID_TEXT_MAX];
    typeid_print(prefix, id, text);
    rq->reply.status = status;
    const char *location = arena_printf(&rq->arena, "%s/%s", collection, text);
    if (location != NULL)
        http_header_out(rq, "Location", location);
}
