/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint is a sentence: what it reads, which one statement it runs, what it shows. */
#ifndef CF_API_ENDPOINT_H
#define CF_API_ENDPOINT_H

#include "server/db/stmt.h"
#include "server/http/http.h"

/* What a read half produces. */
struct api_call {
    struct db_call db;          /* db.stmt NULL: no statement, show runs at once with rows NULL */
    char topic[HTTP_TOPIC_MAX]; /* long polls: what to wait for; "" none */
    bool show_last;             /* long polls: at the deadline show runs with last set, no 204 */
    bool last;                  /* set by the dispatcher: this show may not wait any more */
    void *state;                /* arena memory carried from read to show */
};

struct endpoint {
    /* Validates the request and binds the parameters; never touches the database. */
    enum err (*read)(struct http_request *rq, struct api_call *call);
    /* Fills rq->reply from rows. Reads: ERR_NOT_FOUND for no row, ERR_EMPTY parks a long poll (204
     * at its deadline). Batches: called only for status "ok"; other statuses become problems by the
     * dispatcher. */
    enum err (*show)(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows);
};

/* The layer: made by server/main.c, which passes api_handle and friends to http (struct http_app).
 */
struct api;
struct api_options {
    /* submit is db_engine_submit behind main.c */
    enum err (*submit)(void *db, const struct db_call *call,
                       void (*done)(void *arg, enum err e, struct db_rows *rows), void *arg);
    void *db;
    const char *market_id;
    const char *key_secret;
    const char *default_policy;
    bool development;
    int64_t db_deadline_ms;
};
enum err api_new(const struct api_options *o, struct api **out) CF_MUST_CHECK;
void api_free(struct api *a);
/* Fills routes, authenticate, allows, handle, ended of the app. */
void api_install(struct api *a, struct http_app *app);
/* The server exists only after the app: resumes need no pointer, topics do. */
void api_set_server(struct api *a, struct http_server *s);

#endif
