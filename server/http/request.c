/* SPDX-License-Identifier: Apache-2.0 */
/* One request, from its head to the call of its handler: libmicrohttpd calls in here. */
#include <string.h>
#include <strings.h>

#include "server/core/clock.h"
#include "server/http/internal.h"

/* Request ids need to be unique, not secret: no system call for them. */
static uint64_t next_random(struct loop *l)
{
    uint64_t z = l->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void make_request_id(struct slot *s)
{
    struct uuid id;
    uint64_t high = next_random(s->loop);
    uint64_t low = next_random(s->loop);
    int64_t ms = s->rq.started_wall_ms;
    for (int i = 0; i < 6; i++)
        id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
    memcpy(id.b + 6, &high, 2);
    memcpy(id.b + 8, &low, 8);
    id.b[6] = (uint8_t)(0x70 | (id.b[6] & 0x0f)); /* RFC 9562: version 7 */
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
    typeid_print("req", &id, s->id);
    s->rq.request_id = s->id;
}

static void begin_clock(struct slot *s)
{
    struct conn *c = s->conn;
    s->started_us = clock_mono_us();
    s->rq.started_mono_ms = s->started_us / 1000;
    s->rq.started_wall_ms = s->rq.started_mono_ms + s->loop->wall_ahead_ms;
    if (c->idle_bytes != CONN_BYTES_STARTED)
        c->deadline_ms = s->rq.started_mono_ms + s->loop->server->options.request_deadline_ms;
}

void *request_begin(void *cls, const char *target, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct conn *c = info == NULL ? NULL : info->socket_context;
    struct slot *s = c == NULL ? NULL : slot_take(cls, c);
    if (s == NULL)
        return NULL;
    s->loop->progress = true;
    begin_clock(s);
    make_request_id(s);
    if (target == NULL)
        target = "";
    size_t len = strlen(target);
    s->version_at = target + len + 1;
    s->path = s->query = "";
    s->path_len = 0;
    s->problem = gate_target(target, len, &s->head.why);
    if (s->problem != ERR_OK)
        return s;
    const char *copy = arena_strndup(&s->rq.arena, target, len); /* the original gets decoded */
    if (copy == NULL) {
        s->problem = ERR_NO_MEMORY;
        return s;
    }
    s->path = copy;
    s->path_len = strcspn(copy, "?");
    s->query = copy + s->path_len + (copy[s->path_len] == '?');
    return s;
}

static enum MHD_Result each_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len)
{
    (void)kind;
    gate_header(cls, name, name_len, value, value_len);
    return MHD_YES;
}

static bool is_json_type(const char *type)
{
    size_t len = strcspn(type, "; \t");
    if (len == 16 && strncasecmp(type, "application/json", 16) == 0)
        return true;
    return len > 17 && strncasecmp(type, "application/", 12) == 0 &&
           strncasecmp(type + len - 5, "+json", 5) == 0;
}

static enum err judge_body(struct slot *s)
{
    const struct http_route *route = s->rq.route;
    const struct gate_head *h = &s->head;
    if (route->body == BODY_NONE) {
        if (h->length == 0)
            return ERR_OK;
        s->rq.problem_detail = "this operation takes no body";
        return ERR_TOO_LARGE;
    }
    if (!h->has_length)
        return ERR_LENGTH_REQUIRED;
    if (h->length > route->body_max_bytes)
        return ERR_TOO_LARGE;
    if (route->body == BODY_JSON && (h->content_type == NULL || !is_json_type(h->content_type)))
        return ERR_UNSUPPORTED_MEDIA;
    s->body.max_bytes = route->body_max_bytes;
    return ERR_OK;
}

static bool within_limit(struct slot *s, bool by_key)
{
    struct limits *limits = s->loop->server->limits;
    if (limits == NULL)
        return true;
    const uint8_t *id = by_key ? s->rq.who.key.b : s->conn->address;
    return limits_take(limits, id, by_key, s->loop->now_ms, &s->rate);
}

/* What can be said before the body is here. Unknown paths stay without a route: health.c may know
 * them. */
static enum err judge_head(struct slot *s)
{
    struct router_match m;
    enum err found = router_find(s->loop->server->router, s->method, s->path, s->path_len, &m);
    s->allow = m.allow;
    if (found == ERR_NOT_FOUND || (found != ERR_OK && s->method == METHOD_OPTIONS))
        return ERR_OK;
    if (found != ERR_OK)
        return found;
    bool has_token = s->head.authorization != NULL && m.route->auth != AUTH_NONE;
    if (!has_token &&
        !within_limit(s, false)) /* with a token the key is charged, not the address */
        return ERR_RATE_LIMITED;
    s->rq.route = m.route;
    s->operation = m.index;
    if (m.route->auth == AUTH_KEY && !has_token)
        return ERR_UNAUTHENTICATED;
    enum err e = judge_body(s);
    return e == ERR_OK ? input_path_params(s, &m) : e;
}

/* First call. A reply queued here makes libmicrohttpd close afterwards, which is what broken
 * framing needs; any other refusal reads the body first, so that the client gets to see it. */
static enum MHD_Result take_head(struct slot *s, const char *method, const char *version)
{
    MHD_get_connection_values_n(s->mhd, MHD_HEADER_KIND, each_header, &s->head);
    if (s->problem == ERR_OK && version != s->version_at && s->head.why == NULL)
        s->head.why = "the target has a NUL";
    enum err e = gate_finish(&s->head, method, version);
    if (s->problem == ERR_OK)
        s->problem = e;
    if (s->problem != ERR_OK) {
        s->rq.problem_detail = s->head.why;
        return reply_problem(s, s->problem);
    }
    s->method = gate_method(method);
    s->problem = judge_head(s);
    s->phase = PHASE_BODY;
    s->discard = s->problem != ERR_OK || s->rq.route == NULL;
    if (s->discard && s->head.length > 0 &&
        (s->head.expects_continue || s->head.length > BODY_DRAIN_MAX_BYTES)) {
        if (s->problem == ERR_OK)
            s->problem = ERR_NOT_FOUND;
        return reply_problem(s, s->problem);
    }
    return MHD_YES;
}

static void take_body(struct slot *s, const char *data, size_t len)
{
    if (s->discard)
        return;
    struct http_server *server = s->loop->server;
    if (atomic_fetch_add(&server->body_bytes, len) + len <= BODIES_MAX_BYTES) {
        buf_add(&s->body, data, len);
        if (buf_ok(&s->body))
            return;
        s->problem = ERR_NO_MEMORY; /* more than was announced never gets here */
    } else {
        s->problem = ERR_UNAVAILABLE;
    }
    atomic_fetch_sub(&server->body_bytes, len);
    s->discard = true;
}

static enum http_step authenticate(struct slot *s, enum err *problem, int64_t *deadline)
{
    struct http_server *server = s->loop->server;
    const char *token = s->head.authorization;
    *problem = ERR_UNAUTHENTICATED;
    if (strncasecmp(token, "Bearer ", 7) != 0)
        return HTTP_FAIL;
    token += 7;
    token += strspn(token, " ");
    s->entered = true;
    enum http_step step =
        server->app.authenticate(server->app.arg, &s->rq, token, problem, deadline);
    /* guessing keys is charged to the address */
    if (step == HTTP_FAIL && err_status(*problem) == 401 && !within_limit(s, false))
        *problem = ERR_RATE_LIMITED;
    return step;
}

static enum err admit(struct slot *s)
{
    struct http_server *server = s->loop->server;
    if (!within_limit(s, true))
        return ERR_RATE_LIMITED;
    const char *scope = s->rq.route->scope;
    if (scope != NULL && !server->app.allows(server->app.arg, &s->rq.who, scope))
        return ERR_FORBIDDEN;
    return ERR_OK;
}

static enum MHD_Result wait_for(struct slot *s, int64_t deadline)
{
    int64_t now = s->loop->now_ms;
    if (deadline <= 0)
        deadline = now + s->loop->server->options.request_deadline_ms;
    if (s->rq.resumed_by_deadline && deadline <= now) {
        s->wants_park = false;
        return reply_problem(s, ERR_TIMEOUT);
    }
    slot_suspend(s, deadline);
    return MHD_YES;
}

/* After the whole body, and after every wait. */
static enum MHD_Result advance(struct slot *s)
{
    struct http_server *server = s->loop->server;
    enum err problem = ERR_INTERNAL;
    enum http_step step = HTTP_DONE;
    int64_t deadline = 0;
    if (s->kill)
        return MHD_NO;
    if (s->phase == PHASE_AUTH) {
        step = authenticate(s, &problem, &deadline);
        enum err e = step == HTTP_DONE ? admit(s) : ERR_OK;
        if (e == ERR_OK && step == HTTP_DONE)
            e = input_prepare(s);
        if (e != ERR_OK)
            return reply_problem(s, e);
    }
    if (step == HTTP_DONE) {
        s->phase = PHASE_HANDLE;
        s->entered = true;
        step = server->app.handle(server->app.arg, &s->rq, &problem, &deadline);
    }
    switch (step) {
    case HTTP_DONE:
        return reply_send(s);
    case HTTP_WAIT:
        return wait_for(s, deadline);
    case HTTP_FAIL:
        break;
    }
    return reply_problem(s, problem);
}

static enum MHD_Result reply_options(struct slot *s)
{
    http_header_out(&s->rq, "Allow", s->allow);
    s->rq.reply.status = 204;
    return reply_send(s);
}

/* The whole request is here. */
static enum MHD_Result complete(struct slot *s)
{
    s->conn->deadline_ms = INT64_MAX;
    if (s->problem != ERR_OK)
        return reply_problem(s, s->problem);
    const struct http_route *route = s->rq.route;
    if (route == NULL && s->allow != NULL)
        return reply_options(s);
    if (route == NULL) {
        if (!builtin_reply(s))
            return reply_problem(s, ERR_NOT_FOUND);
        return s->problem != ERR_OK ? reply_problem(s, s->problem) : reply_send(s);
    }
    if (route->auth != AUTH_NONE && s->head.authorization != NULL) {
        s->phase = PHASE_AUTH;
        return advance(s);
    }
    s->phase = PHASE_HANDLE;
    enum err e = input_prepare(s);
    return e == ERR_OK ? advance(s) : reply_problem(s, e);
}

/* No slot, so no request id either: the connection is refused as a whole. */
static enum MHD_Result refuse(struct MHD_Connection *mhd)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (r == NULL)
        return MHD_NO;
    MHD_add_response_header(r, "Retry-After", "1");
    MHD_add_response_header(r, "Connection", "close");
    enum MHD_Result done = MHD_queue_response(mhd, MHD_HTTP_SERVICE_UNAVAILABLE, r);
    MHD_destroy_response(r);
    return done;
}

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd's signature */
enum MHD_Result request_access(void *cls, struct MHD_Connection *mhd, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *data_size, void **context)
{
    struct slot *s = *context;
    (void)cls;
    (void)url;
    if (s == NULL)
        return refuse(mhd);
    if (s->suspended) { /* softly: not yet */
        *data_size = 0;
        return MHD_YES;
    }
    s->loop->progress = true;
    switch (s->phase) {
    case PHASE_HEAD:
        return take_head(s, method, version);
    case PHASE_BODY:
        if (*data_size == 0)
            return complete(s);
        take_body(s, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    case PHASE_AUTH:
    case PHASE_HANDLE:
        *data_size = 0;
        return advance(s);
    case PHASE_SENT:
        break;
    }
    return MHD_NO;
}

void request_completed(void *cls, struct MHD_Connection *mhd, void **context,
                       enum MHD_RequestTerminationCode code)
{
    enum { CLIENT_LEFT = 499 };
    struct loop *l = cls;
    struct slot *s = *context;
    (void)mhd;
    if (s == NULL)
        return;
    l->progress = true;
    bool sent = s->phase == PHASE_SENT && code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    metrics_count(&l->metrics, s->operation, sent ? s->rq.reply.status : CLIENT_LEFT,
                  clock_mono_us() - s->started_us);
    s->conn->deadline_ms = l->now_ms + KEEPALIVE_IDLE_MS;
    s->conn->idle_seen = false;
    s->conn->idle_bytes = 0;
    *context = NULL;
    slot_end(s);
}
