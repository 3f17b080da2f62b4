/* SPDX-License-Identifier: Apache-2.0 */
/* Turns the raw parts of a request into what handlers read. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/http/internal.h"

enum { KEY_MAX = 255, WAIT_MAX_S = 3600 };

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 0x20) - 'a' + 10; /* the gate has seen to it that these are digits */
}

/* NULL only when memory is short. */
static const char *unescape(struct arena *a, const char *text, size_t len, bool plus_is_space)
{
    char *out = arena_alloc(a, len + 1);
    size_t n = 0;
    for (size_t i = 0; out != NULL && i < len; i++) {
        char c = text[i];
        if (c == '%') {
            c = (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[n++] = c;
    }
    return out;
}

enum err input_path_params(struct slot *s, const struct router_match *m)
{
    for (int i = 0; i < m->param_count; i++) {
        s->rq.params[i] =
            unescape(&s->rq.arena, (const char *)m->params[i].data, m->params[i].len, false);
        if (s->rq.params[i] == NULL)
            return ERR_NO_MEMORY;
    }
    return ERR_OK;
}

const char *http_query(const struct http_request *rq, const char *name)
{
    const struct slot *s = (const struct slot *)(const void *)rq;
    struct arena *arena = &s->loop->chunks[s->index / SLOT_CHUNK][s->index % SLOT_CHUNK].rq.arena;
    size_t want = strlen(name);
    const char *at = s->query;
    while (*at != '\0') {
        size_t len = strcspn(at, "&");
        size_t name_len = strcspn(at, "=&");
        if (name_len == want && memcmp(at, name, want) == 0) {
            bool has_value = at[name_len] == '=';
            return unescape(arena, at + name_len + has_value, len - name_len - has_value, true);
        }
        at += len + (at[len] == '&');
    }
    return NULL;
}

const char *http_header_in(const struct http_request *rq, const char *name)
{
    const struct slot *s = (const struct slot *)(const void *)rq;
    return s->mhd == NULL ? NULL : MHD_lookup_connection_value(s->mhd, MHD_HEADER_KIND, name);
}

/* Accepts "abc" as in the IETF draft, and abc as in everyone's habit. */
static enum err read_idempotency_key(struct slot *s)
{
    const char *text = s->head.idempotency_key;
    if (text == NULL)
        return s->rq.route->idempotent_key ? ERR_IDEMPOTENCY_KEY_MISSING : ERR_OK;
    size_t len = strlen(text);
    bool quoted = len >= 2 && text[0] == '"' && text[len - 1] == '"';
    if (quoted) {
        text++;
        len -= 2;
    }
    bool valid = len >= 1 && len <= KEY_MAX;
    for (size_t i = 0; valid && i < len; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f || (quoted && (text[i] == '"' || text[i] == '\\')))
            valid = false;
    }
    if (!valid) {
        s->rq.problem_detail = "Idempotency-Key must be 1 to 255 visible ASCII characters";
        return ERR_BAD_REQUEST;
    }
    s->rq.idempotency_key = arena_strndup(&s->rq.arena, text, len);
    return s->rq.idempotency_key == NULL ? ERR_NO_MEMORY : ERR_OK;
}

/* Seconds of "wait=N" in a Prefer header, -1 when it has none. Anything odd there is ignored, as
 * RFC 7240 asks. */
static int64_t prefer_wait_s(const char *prefer)
{
    for (const char *at = prefer; at != NULL && *at != '\0';) {
        at += strspn(at, ", \t;");
        if (strncasecmp(at, "wait=", 5) == 0 && at[5] >= '0' && at[5] <= '9')
            return strtol(at + 5, NULL, 10);
        at += strcspn(at, ",;");
    }
    return -1;
}

static enum err read_wait(struct slot *s)
{
    int64_t max_ms = s->loop->server->options.long_poll_max_ms;
    int64_t seconds = prefer_wait_s(s->head.prefer);
    const char *text = s->query[0] == '\0' ? NULL : http_query(&s->rq, "wait");
    if (text != NULL) {
        size_t len = strlen(text);
        if (len < 1 || len > 4 || strspn(text, "0123456789") != len)
            return http_bad(&s->rq, "#query/wait", "must be a number of seconds");
        seconds = strtol(text, NULL, 10);
    }
    if (seconds < 0)
        seconds = 0;
    if (seconds > WAIT_MAX_S)
        seconds = WAIT_MAX_S;
    s->rq.wait_ms = seconds * 1000 < max_ms ? seconds * 1000 : max_ms;
    return ERR_OK;
}

static const char *json_problem(const char *text, size_t len)
{
    return json_prescan(text, len) ? "it does not parse, or names a member twice"
                                   : "it is nested too deeply or has too many elements";
}

static enum err read_body(struct slot *s)
{
    struct http_request *rq = &s->rq;
    rq->body = (struct bytes){(const uint8_t *)s->body.data, s->body.len};
    if (rq->route->body != BODY_JSON)
        return ERR_OK;
    enum err e = json_parse(s->body.data, s->body.len, &rq->json);
    if (e == ERR_BAD_JSON)
        rq->problem_detail =
            s->body.len == 0 ? "it is empty" : json_problem(s->body.data, s->body.len);
    return e;
}

/* Only what an idempotency key protects is ever compared. */
static enum err hash_body(struct slot *s)
{
    struct http_request *rq = &s->rq;
    if (rq->idempotency_key == NULL)
        return ERR_OK;
    struct bytes parts[3] = {
        {(const uint8_t *)rq->route->method, strlen(rq->route->method)},
        {(const uint8_t *)s->path, s->path_len},
        rq->body,
    };
    char *canonical = NULL;
    if (rq->json != NULL) {
        canonical = json_canonical(rq->json);
        if (canonical == NULL)
            return ERR_NO_MEMORY;
        parts[2] = (struct bytes){(const uint8_t *)canonical, strlen(canonical)};
    }
    hash_tagged("computefi/request", parts, 3, rq->body_hash);
    free(canonical);
    return ERR_OK;
}

enum err input_prepare(struct slot *s)
{
    enum err e = read_idempotency_key(s);
    if (e == ERR_OK)
        e = read_wait(s);
    if (e == ERR_OK)
        e = read_body(s);
    if (e == ERR_OK)
        e = hash_body(s);
    return e;
}
