/* SPDX-License-Identifier: Apache-2.0 */
/* The paths that are no operations: health, the contract, problem types, the dashboard. */
#include <string.h>

#include "server/http/internal.h"

#define PAGE_POLICY                                                                                \
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src "      \
    "'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

static bool path_is(const struct slot *s, const char *path)
{
    return strlen(path) == s->path_len && memcmp(s->path, path, s->path_len) == 0;
}

static bool path_begins(const struct slot *s, const char *prefix)
{
    size_t len = strlen(prefix);
    return s->path_len > len && memcmp(s->path, prefix, len) == 0;
}

static void show_live(struct slot *s)
{
    s->rq.reply.status = 200;
    buf_adds(&s->rq.reply.body, "{\"status\":\"live\"}\n");
}

static void show_ready(struct slot *s)
{
    struct http_server *server = s->loop->server;
    const char *reason = NULL;
    if (atomic_load(&server->stage) != STAGE_RUNNING)
        reason = "draining";
    else if (server->app.not_ready != NULL)
        reason = server->app.not_ready(server->app.arg);
    if (reason != NULL) {
        s->rq.problem_detail = reason;
        s->problem = ERR_UNAVAILABLE;
        return;
    }
    s->rq.reply.status = 200;
    buf_adds(&s->rq.reply.body, "{\"status\":\"ready\"}\n");
}

static void show_problem_type(struct slot *s)
{
    const char *wanted = s->path + strlen("/problems/");
    size_t len = s->path_len - strlen("/problems/");
    for (int e = ERR_OK + 1; e < ERR_COUNT; e++) {
        const char *code = err_code((enum err)e);
        if (strlen(code) != len || memcmp(code, wanted, len) != 0)
            continue;
        const char *title = err_title((enum err)e);
        struct buf *b = &s->rq.reply.body;
        s->rq.reply.status = 200;
        buf_addf(b, "{\"code\":\"%s\",\"status\":%d,\"retryable\":%s,\"title\":", code,
                 err_status((enum err)e), err_retryable((enum err)e) ? "true" : "false");
        buf_add_json(b, title, strlen(title));
        buf_adds(b, "}\n");
        return;
    }
    s->problem = ERR_NOT_FOUND;
}

/* The dashboard routes in the browser: a page it asks for by another name is the same page. */
static const struct static_file *find_file(const struct slot *s)
{
    const struct static_files *files = s->loop->server->files;
    const struct static_file *file = static_files_find(files, s->path, s->path_len);
    if (file != NULL || path_begins(s, "/v1/") || s->head.accept == NULL ||
        strstr(s->head.accept, "text/html") == NULL)
        return file;
    return static_files_find(files, "/", 1);
}

static void show_file(struct slot *s, const struct static_file *file)
{
    struct http_request *rq = &s->rq;
    rq->reply.status = 200;
    rq->reply.content_type = file->content_type;
    s->fixed_body = file->content;
    http_header_out(rq, "ETag", file->etag);
    http_header_out(rq, "Cache-Control",
                    file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    http_header_out(rq, "Content-Security-Policy", PAGE_POLICY);
    http_header_out(rq, "Referrer-Policy", "no-referrer");
    http_header_out(rq, "X-Frame-Options", "DENY");
}

bool builtin_reply(struct slot *s)
{
    const struct static_file *file = NULL;
    void (*show)(struct slot *) = NULL;
    if (path_is(s, "/livez"))
        show = show_live;
    else if (path_is(s, "/readyz"))
        show = show_ready;
    else if (path_begins(s, "/problems/"))
        show = show_problem_type;
    else
        file = find_file(s);
    if (show == NULL && file == NULL)
        return false;
    if (s->method != METHOD_GET && s->method != METHOD_HEAD) {
        s->allow = "GET, HEAD";
        s->problem = ERR_METHOD_NOT_ALLOWED;
    } else if (show != NULL) {
        show(s);
    } else {
        show_file(s, file);
    }
    return true;
}
