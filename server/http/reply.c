/* SPDX-License-Identifier: Apache-2.0 */
/* Replies, and RFC 9457 problem documents. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/core/log.h"
#include "server/http/internal.h"

enum { NUMBERS_MAX = 96 };

void http_header_out(struct http_request *rq, const char *name, const char *value)
{
    struct http_reply *r = &rq->reply;
    if (value == NULL || r->header_count == (int)(sizeof r->headers / sizeof r->headers[0]))
        return;
    r->headers[r->header_count++] = (struct http_header){name, value};
}

enum err http_bad(struct http_request *rq, const char *pointer, const char *detail)
{
    if (rq->pointer_count < HTTP_POINTERS_MAX)
        rq->pointers[rq->pointer_count++] = (struct http_pointer){pointer, detail};
    return ERR_BAD_FIELD;
}

static const char *header_of(const struct http_reply *r, const char *name)
{
    for (int i = 0; i < r->header_count; i++) {
        if (strcasecmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    }
    return NULL;
}

static void add_rate(struct MHD_Response *out, const struct slot *s)
{
    char text[NUMBERS_MAX];
    const struct limits_state *rate = &s->rate;
    if (!rate->counted)
        return;
    snprintf(text, sizeof text, "\"default\";q=%lld;w=60",
             (long long)limits_per_minute(s->loop->server->limits));
    MHD_add_response_header(out, "RateLimit-Policy", text);
    snprintf(text, sizeof text, "\"default\";r=%lld;t=%lld", (long long)rate->remaining,
             (long long)rate->reset_s);
    MHD_add_response_header(out, "RateLimit", text);
}

/* A strong validator that the client has already: the body need not travel again. */
static bool is_unchanged(const struct slot *s)
{
    const char *wanted = s->head.if_none_match;
    if (wanted == NULL || s->rq.reply.status != 200 ||
        (s->method != METHOD_GET && s->method != METHOD_HEAD))
        return false;
    const char *etag = header_of(&s->rq.reply, "ETag");
    return etag != NULL && (strcmp(wanted, "*") == 0 || strstr(wanted, etag) != NULL);
}

static void add_headers(struct slot *s, struct MHD_Response *out, size_t body_len)
{
    const struct http_reply *r = &s->rq.reply;
    MHD_add_response_header(out, "X-Request-Id", s->id);
    MHD_add_response_header(out, "X-Content-Type-Options", "nosniff");
    if (header_of(r, "Cache-Control") == NULL)
        MHD_add_response_header(out, "Cache-Control", "no-store");
    if (body_len > 0)
        MHD_add_response_header(out, "Content-Type",
                                r->content_type != NULL ? r->content_type : "application/json");
    for (int i = 0; i < r->header_count; i++)
        MHD_add_response_header(out, r->headers[i].name, r->headers[i].value);
    if (s->preference_applied && s->head.prefer != NULL) {
        char text[NUMBERS_MAX];
        snprintf(text, sizeof text, "wait=%lld", (long long)(s->rq.wait_ms / 1000));
        MHD_add_response_header(out, "Preference-Applied", text);
    }
    add_rate(out, s);
    if (atomic_load_explicit(&s->loop->server->stage, memory_order_relaxed) != STAGE_RUNNING)
        MHD_add_response_header(out, "Connection", "close");
}

/* The bytes belong to the slot or the server, both of which outlive the reply. */
static struct MHD_Response *make_response(struct slot *s)
{
    union {
        const void *in;
        void *out; /* libmicrohttpd only reads persistent memory */
    } data = {s->fixed_body.data};
    size_t len = s->fixed_body.len;
    if (data.in == NULL) {
        data.in = s->rq.reply.body.data;
        len = s->rq.reply.body.len;
    }
    if (s->rq.reply.status == 304)
        len = 0;
    struct MHD_Response *out =
        MHD_create_response_from_buffer(len, len > 0 ? data.out : NULL, MHD_RESPMEM_PERSISTENT);
    if (out != NULL)
        add_headers(s, out, len);
    return out;
}

enum MHD_Result reply_send(struct slot *s)
{
    struct http_reply *r = &s->rq.reply;
    if (!buf_ok(&r->body)) {
        s->rq.problem_detail = "the answer is too large";
        return reply_problem(s, ERR_INTERNAL);
    }
    if (is_unchanged(s))
        r->status = 304;
    struct MHD_Response *out = make_response(s);
    if (out == NULL)
        return MHD_NO;
    s->phase = PHASE_SENT;
    s->conn->deadline_ms = s->loop->now_ms + REPLY_SEND_MS;
    enum MHD_Result done = MHD_queue_response(s->mhd, (unsigned)r->status, out);
    MHD_destroy_response(out);
    return done;
}

static void add_member(struct buf *b, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buf_addf(b, ",\"%s\":", name);
    buf_add_json(b, value, strlen(value));
}

static void add_pointers(struct buf *b, const struct http_request *rq)
{
    if (rq->pointer_count == 0)
        return;
    buf_adds(b, ",\"errors\":[");
    for (int i = 0; i < rq->pointer_count; i++) {
        const struct http_pointer *p = &rq->pointers[i];
        buf_adds(b, i > 0 ? ",{\"pointer\":" : "{\"pointer\":");
        buf_add_json(b, p->pointer, strlen(p->pointer));
        add_member(b, "detail", p->detail);
        buf_adds(b, "}");
    }
    buf_adds(b, "]");
}

static void write_problem(struct slot *s, enum err e)
{
    struct http_request *rq = &s->rq;
    struct buf *b = &rq->reply.body;
    buf_reset(b);
    buf_addf(b, "{\"type\":\"/problems/%s\"", err_code(e));
    add_member(b, "title", err_title(e));
    buf_addf(b, ",\"status\":%d", err_status(e));
    add_member(b, "code", err_code(e));
    add_member(b, "detail", rq->problem_detail);
    if (s->path_len > 0) {
        buf_adds(b, ",\"instance\":");
        buf_add_json(b, s->path, s->path_len);
    }
    add_member(b, "request_id", s->id);
    add_pointers(b, rq);
    buf_adds(b, "}\n");
    if (!buf_ok(b))
        buf_reset(b); /* short of memory: the status line has to do */
}

static void log_failure(const struct slot *s, enum err e)
{
    if (err_status(e) < 500 || s->rq.route == NULL)
        return; /* a probe of /readyz is answered 503 on purpose */
    log_event(e == ERR_INTERNAL || e == ERR_NO_MEMORY ? LOG_ERROR : LOG_WARN, "request failed",
              "code", err_code(e), "operation", s->rq.route->operation, "request_id", s->id, NULL);
}

enum MHD_Result reply_problem(struct slot *s, enum err e)
{
    struct http_reply *r = &s->rq.reply;
    if (e == ERR_EMPTY) {
        buf_reset(&r->body);
        r->status = 204;
        return reply_send(s);
    }
    if (e == ERR_OK)
        e = ERR_INTERNAL; /* a handler failed without saying why */
    log_failure(s, e);
    s->fixed_body = (struct bytes){NULL, 0};
    r->status = err_status(e);
    r->content_type = "application/problem+json";
    write_problem(s, e);
    if (e == ERR_METHOD_NOT_ALLOWED)
        http_header_out(&s->rq, "Allow", s->allow);
    if (r->status == 401)
        http_header_out(&s->rq, "WWW-Authenticate", "Bearer realm=\"computefi\"");
    if (err_retryable(e) && header_of(r, "Retry-After") == NULL)
        http_header_out(&s->rq, "Retry-After",
                        e == ERR_RATE_LIMITED && s->rate.counted
                            ? arena_printf(&s->rq.arena, "%lld", (long long)s->rate.retry_s)
                            : "1");
    return reply_send(s);
}
