/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the server: sockets, daemons, threads, drain. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/http/internal.h"
#include "server/http/listen.h"

enum { STACK_BYTES = 2 * 1024 * 1024, WAIT_STEP_NS = 5 * 1000 * 1000, LOG_LINE_MAX = 512 };

static void panic(void *cls, const char *file, unsigned line, const char *reason)
{
    char where[LOG_LINE_MAX];
    (void)cls;
    snprintf(where, sizeof where, "%s:%u", file, line);
    log_event(LOG_ERROR, "libmicrohttpd panics", "at", where, "reason",
              reason != NULL ? reason : "none", NULL);
    abort();
}

static void log_mhd(void *cls, const char *format, va_list args)
{
    char line[LOG_LINE_MAX];
    (void)cls;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the format is libmicrohttpd's own */
    vsnprintf(line, sizeof line, format, args);
#pragma GCC diagnostic pop
    line[strcspn(line, "\n")] = '\0';
    log_event(LOG_DEBUG, "libmicrohttpd", "text", line, NULL);
}

static struct MHD_Daemon *start_daemon(struct loop *l, int connections)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, request_access,
        l, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL, MHD_OPTION_LISTEN_SOCKET, l->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONN_MEMORY_BYTES, MHD_OPTION_NOTIFY_CONNECTION, conn_notify, l,
        MHD_OPTION_NOTIFY_COMPLETED, request_completed, l, MHD_OPTION_URI_LOG_CALLBACK,
        request_begin, l, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_END);
}

static enum err watch(struct loop *l, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0 ? ERR_OK : ERR_IO;
}

static void init_lists(struct loop *l)
{
    ring_init(&l->conns);
    for (int i = 0; i < TOPIC_BUCKETS; i++)
        ring_init(&l->parked[i]);
    l->now_ms = clock_mono_ms();
    l->wall_ahead_ms = clock_wall_ms() - l->now_ms;
    timers_init(l);
    randombytes_buf(&l->random, sizeof l->random);
}

static void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    if (l->daemon != NULL) {
        MHD_quiesce_daemon(l->daemon);
        MHD_stop_daemon(l->daemon);
    }
    slots_clear(l);
    metrics_table_clear(&l->metrics);
    if (l->listen_fd >= 0)
        close(l->listen_fd);
    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    if (l->event_fd >= 0)
        close(l->event_fd);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static enum err open_loop(struct loop *l, uint16_t port)
{
    const struct http_options *o = &l->server->options;
    int share = (o->connections + o->loops - 1) / o->loops;
    enum err e = slots_init(l, share);
    if (e == ERR_OK)
        e = metrics_table_init(&l->metrics, l->server->app.route_count);
    if (e == ERR_OK)
        e = listen_open(o->listen, port, o->loops > 1, &l->listen_fd);
    if (e != ERR_OK)
        return e;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    l->daemon = start_daemon(l, share);
    if (l->epoll_fd < 0 || l->event_fd < 0 || l->daemon == NULL) {
        log_event(LOG_ERROR, "cannot start an HTTP loop", "error", strerror(errno), NULL);
        return ERR_IO;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL)
        return ERR_IO;
    e = watch(l, info->epoll_fd);
    return e == ERR_OK ? watch(l, l->event_fd) : e;
}

static enum err add_loop(struct http_server *s, uint16_t port)
{
    struct loop *l = calloc(1, sizeof *l);
    if (l == NULL)
        return ERR_NO_MEMORY;
    l->server = s;
    l->index = (uint32_t)s->loop_count;
    l->listen_fd = l->epoll_fd = l->event_fd = -1;
    pthread_mutex_init(&l->lock, NULL);
    init_lists(l);
    s->loops[s->loop_count++] = l;
    enum err e = open_loop(l, port);
    if (e == ERR_OK && l->index == 0)
        s->port = listen_port(l->listen_fd);
    return e;
}

/* SO_REUSEPORT would let two servers share a port without a word; one socket without it tells. */
static enum err probe_port(const struct http_options *o)
{
    int fd = -1;
    if (o->loops == 1 || o->port == 0)
        return ERR_OK;
    enum err e = listen_open(o->listen, o->port, false, &fd);
    if (e == ERR_OK)
        close(fd);
    return e;
}

enum err http_server_start(struct http_server *s)
{
    pthread_attr_t attr;
    enum err e = ERR_OK;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    for (int i = 0; i < s->loop_count && e == ERR_OK; i++) {
        struct loop *l = s->loops[i];
        l->started = pthread_create(&l->thread, &attr, loop_main, l) == 0;
        if (!l->started)
            e = ERR_IO;
    }
    pthread_attr_destroy(&attr);
    return e;
}

static enum err set_up(struct http_server *s)
{
    const struct http_options *o = &s->options;
    enum err e = router_new(s->app.routes, s->app.route_count, &s->router);
    if (e == ERR_OK)
        e = static_files_new(o->static_dir, o->openapi_file, &s->files);
    if (e == ERR_OK && o->rate_limit_per_minute > 0)
        e = limits_new(o->rate_limit_per_minute, &s->limits);
    if (e == ERR_OK)
        e = probe_port(o);
    for (int i = 0; i < o->loops && e == ERR_OK; i++)
        e = add_loop(s, i == 0 ? o->port : s->port);
    return e == ERR_OK ? metrics_start(s) : e;
}

enum err http_server_new(const struct http_options *o, const struct http_app *app,
                         struct http_server **out)
{
    if (o->loops < 1 || o->loops > LOOPS_MAX || o->connections < 1)
        return ERR_RANGE;
    struct http_server *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NO_MEMORY;
    s->options = *o;
    s->app = *app;
    MHD_set_panic_func(panic, NULL);
    enum err e = topics_init(s);
    if (e == ERR_OK)
        e = set_up(s);
    if (e != ERR_OK) {
        http_server_free(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

static void enter(struct http_server *s, enum stage stage)
{
    atomic_store(&s->stage, (int)stage);
    for (int i = 0; i < s->loop_count; i++)
        loop_signal(s->loops[i]);
}

static int count_conns(struct http_server *s)
{
    int n = 0;
    for (int i = 0; i < s->loop_count; i++)
        n += atomic_load(&s->loops[i]->conn_count);
    return n;
}

static int count_busy(struct http_server *s)
{
    int n = 0;
    for (int i = 0; i < s->loop_count; i++)
        n += atomic_load(&s->loops[i]->busy_count);
    return n;
}

static void wait_until_none(struct http_server *s, int (*count)(struct http_server *), int64_t ms)
{
    const struct timespec step = {.tv_nsec = WAIT_STEP_NS};
    int64_t end = clock_mono_ms() + ms;
    while (count(s) > 0 && clock_mono_ms() < end)
        nanosleep(&step, NULL);
}

static void stop(struct http_server *s)
{
    enter(s, STAGE_STOPPING);
    for (int i = 0; i < s->loop_count; i++) {
        if (s->loops[i]->started)
            pthread_join(s->loops[i]->thread, NULL);
        s->loops[i]->started = false;
    }
}

void http_server_drain(struct http_server *s)
{
    enter(s, STAGE_DRAINING);
    wait_until_none(s, count_conns, s->options.drain_ms);
    enter(s, STAGE_QUIET);
    wait_until_none(s, count_busy, s->options.request_deadline_ms);
    stop(s);
}

void http_server_free(struct http_server *s)
{
    if (s == NULL)
        return;
    stop(s);
    metrics_stop(s);
    for (int i = 0; i < s->loop_count; i++)
        loop_free(s->loops[i]);
    limits_free(s->limits);
    static_files_free(s->files);
    router_free(s->router);
    topics_clear(s);
    free(s);
}
