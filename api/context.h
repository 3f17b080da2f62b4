/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the api layer share about one request and the layer itself. */
#ifndef CF_API_CONTEXT_H
#define CF_API_CONTEXT_H

#include <stdatomic.h>

#include "api/endpoint.h"

struct auth_cache;
struct poll_cache;

struct api {
    struct api_options options;
    struct http_server *server; /* set before the first request */
    struct auth_cache *keys;
    struct poll_cache *empties;
};

enum exchange_state {
    EXCHANGE_IDLE,    /* no statement under way */
    EXCHANGE_RUNNING, /* the engine has it */
    EXCHANGE_ANSWERED /* result and rows are set */
};

/* The api layer's side of a request, in rq->user and the request's arena. The engine's thread
 * writes result, rows and state, under http_hold; everything else belongs to the loop. */
struct exchange {
    struct api *api;
    const struct endpoint *endpoint; /* NULL while only the key was looked up */
    struct api_call call;
    struct http_ticket ticket;
    atomic_int state; /* enum exchange_state */
    enum err result;
    struct db_rows *rows;
    json_t *detail; /* of a batch outcome, parsed once */
    int64_t db_deadline_mono_ms;
    int64_t poll_until_mono_ms; /* 0: no long poll */
    uint64_t topic_version;
    bool parked;
};

/* The exchange of a request, made on first use; NULL without memory. */
struct exchange *exchange_of(struct api *a, struct http_request *rq);
/* Hands x->call.db to the engine. HTTP_WAIT with the deadline set, or HTTP_FAIL. */
enum http_step exchange_submit(struct exchange *x, struct http_request *rq, enum err *problem,
                               int64_t *deadline_mono_ms);
/* Releases rows and detail, so that another statement can run. */
void exchange_reset(struct exchange *x);

/* For read and show halves. */
const struct api_options *api_options(const struct http_request *rq);
/* Detail of the outcome row as JSON object; NULL when there is none. Owned by the exchange. */
const json_t *api_detail(const struct http_request *rq);

/* dispatch.c */
enum http_step api_handle(void *arg, struct http_request *rq, enum err *problem,
                          int64_t *deadline_mono_ms);

#endif
