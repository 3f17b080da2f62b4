/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server: event loops over libmicrohttpd, gate, router, limits, long polls. Knows no
 * market and no database. */
#ifndef CF_HTTP_HTTP_H
#define CF_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/arena.h"
#include "server/core/buf.h"
#include "server/core/bytes.h"
#include "server/core/err.h"
#include "server/core/ids.h"
#include "server/core/json.h"

enum {
    HTTP_PARAMS_MAX = 4,
    HTTP_POINTERS_MAX = 8,
    HTTP_REPLY_MAX_BYTES = 4 * 1024 * 1024,
    HTTP_TOPIC_MAX = 64
};

enum http_auth { AUTH_NONE, AUTH_OPTIONAL, AUTH_KEY };
enum http_body { BODY_NONE, BODY_JSON, BODY_BYTES };

/* One row of api/routes.def. */
struct http_route {
    const char *method;    /* "GET" also answers HEAD */
    const char *path;      /* "/v1/tasks/{id}/bids" */
    const char *operation; /* operationId of openapi.yaml */
    enum http_auth auth;
    const char *scope; /* what the key must carry; NULL: any key */
    enum http_body body;
    size_t body_max_bytes;
    bool idempotent_key;  /* Idempotency-Key required */
    const void *endpoint; /* the api layer's struct endpoint */
};

/* Who asks: filled by http_app.authenticate. */
struct http_principal {
    struct uuid account;
    struct uuid key;
    uint32_t scopes; /* bit set, meaning belongs to api */
    bool is_operator;
};

struct http_server;

/* A handle that may outlive its request; a stale one is ignored. */
struct http_ticket {
    struct http_server *server;
    uint32_t loop;
    uint32_t slot;
    uint64_t generation;
};

struct http_header {
    const char *name;
    const char *value; /* arena or static */
};

struct http_reply {
    int status;
    const char *content_type; /* NULL: application/json when there is a body */
    struct buf body;
    struct http_header headers[12];
    int header_count;
};

struct http_pointer {
    const char
        *pointer; /* JSON pointer, "/price_gwei"; "#query/limit" style for query parameters */
    const char *detail;
};

/* One request, from its head to its reply. Fields are read-only for handlers except user, reply and
 * problem. */
struct http_request {
    const struct http_route *route;
    struct http_principal who;
    const char *params[HTTP_PARAMS_MAX]; /* path parameters in order */
    const char *request_id;              /* "req_..." */
    const char *idempotency_key;         /* validated (1..255 visible ASCII), NULL when absent */
    struct bytes body;
    json_t *json; /* parsed body of BODY_JSON, owned by the request */
    uint8_t
        body_hash[HASH_BYTES]; /* SHA-256 of method, path and body (canonical JSON for BODY_JSON) */
    int64_t wait_ms;           /* from "Prefer: wait=N" or ?wait=N, capped; 0 none */
    int64_t started_mono_ms;
    int64_t started_wall_ms;
    bool resumed_by_deadline; /* the last wait ended by its deadline */
    struct arena arena;
    struct http_reply reply;
    const char *problem_detail; /* optional text for the problem document */
    struct http_pointer pointers[HTTP_POINTERS_MAX];
    int pointer_count;
    void *user; /* the api layer's state of this request */
    struct http_ticket ticket;
};

enum http_step {
    HTTP_DONE, /* reply is filled: send it */
    HTTP_FAIL, /* *problem was set: send the problem document */
    HTTP_WAIT  /* suspended until http_resume(ticket) or deadline_mono_ms; then called again */
};

struct http_app {
    void *arg;
    const struct http_route *routes;
    size_t route_count;
    /* Called before handle when a bearer token is present or required; may HTTP_WAIT (then it is
     * called again). HTTP_DONE: who is filled. token is borrowed. */
    enum http_step (*authenticate)(void *arg, struct http_request *rq, const char *token,
                                   enum err *problem, int64_t *deadline_mono_ms);
    /* True when the principal's scopes contain the route's scope. */
    bool (*allows)(void *arg, const struct http_principal *who, const char *scope);
    /* On the loop's thread; after HTTP_WAIT it is called again on resume. */
    enum http_step (*handle)(void *arg, struct http_request *rq, enum err *problem,
                             int64_t *deadline_mono_ms);
    /* The request ends, answered or not: release user. */
    void (*ended)(void *arg, struct http_request *rq);
    /* Extra text for /metrics (Prometheus exposition), and readiness: NULL when ready, else the
     * reason. */
    void (*metrics)(void *arg, struct buf *out);
    const char *(*not_ready)(void *arg);
};

struct http_options {
    const char *listen;
    uint16_t port;
    const char *metrics_listen;
    uint16_t metrics_port; /* 0: none */
    int loops;
    int connections;
    int64_t request_deadline_ms;
    int64_t long_poll_max_ms;
    int64_t drain_ms;
    int64_t rate_limit_per_minute; /* 0: none */
    const char *static_dir;        /* NULL or "": none */
    const char *openapi_file;      /* NULL or "": none */
};

/* Listens, but answers nobody before http_server_start: what the app needs the server for can be
 * set in between. */
enum err http_server_new(const struct http_options *o, const struct http_app *app,
                         struct http_server **out) CF_MUST_CHECK;
enum err http_server_start(struct http_server *s) CF_MUST_CHECK;
uint16_t http_server_port(const struct http_server *s);
/* Graceful: /readyz answers 503, parked polls are resumed, running requests finish, then the loops
 * stop. Blocks. */
void http_server_drain(struct http_server *s);
void http_server_free(struct http_server *s);

/* Thread-safe: the loop of the ticket calls handle again. Stale tickets are ignored. One wake-up
 * per batch: call http_flush after a series of resumes to write the eventfd once (http_resume alone
 * marks; flush makes it happen). */
void http_resume(struct http_ticket t);
void http_flush(struct http_server *s);
/* Keeps a request's memory for another thread that still uses it (a database call borrows its
 * parameters). While held, rq and its arena stay valid and `ended` waits for the last release, even
 * when the client is long gone. hold: loop's thread, before the other thread can release. release:
 * any thread, once per hold, after the last touch of rq. */
void http_hold(struct http_request *rq);
void http_release(struct http_ticket t);

/* Wake bus. A topic is a short text such as "node:<uuid>", "task:<uuid>", "open". Versions are per
 * hash bucket of the topic, so a change may be seen without cause, never missed. All thread-safe.
 */
uint64_t http_topic_version(struct http_server *s, const char *topic);
void http_topic_wake(struct http_server *s, const char *topic, size_t len);
/* Loop's thread, in handle, before returning HTTP_WAIT: resume when the topic is woken. If it was
 * woken since version, the resume happens at once. */
void http_topic_park(struct http_request *rq, const char *topic, uint64_t version);
/* Remembers that a read for topic answered nothing at version; for at most max_age_ms
 * http_topic_known_empty is true while nothing was woken. */
void http_topic_set_empty(struct http_server *s, const char *topic, uint64_t version,
                          int64_t max_age_ms);
bool http_topic_known_empty(struct http_server *s, const char *topic);
/* False when half of the connections are parked already: answer at once instead of waiting. */
bool http_may_park(struct http_server *s);

/* Helpers for handlers (request.c, reply.c). */
const char *http_query(const struct http_request *rq,
                       const char *name); /* decoded, NULL when absent */
const char *http_header_in(const struct http_request *rq, const char *name);
void http_header_out(struct http_request *rq, const char *name, const char *value);
/* Adds errors[] of the problem document; returns ERR_BAD_FIELD so that one can write: return
 * http_bad(rq, "/x", "why"). */
enum err http_bad(struct http_request *rq, const char *pointer, const char *detail);

#endif
