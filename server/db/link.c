/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting without blocking: libpq says what to wait for, epoll waits. libpq enforces no
 * connect_timeout here, so we do. */
#include <sodium.h>
#include <string.h>
#include <sys/epoll.h>

#include "server/core/log.h"
#include "server/db/engine_impl.h"

enum { CONNECT_TIMEOUT_MS = 5000, BACKOFF_MIN_MS = 20, BACKOFF_MAX_MS = 1000 };

void link_init(struct link *l, struct db_engine *e, const char *role, bool pipelined)
{
    *l = (struct link){.engine = e, .role = role, .fd = -1, .pipelined = pipelined};
}

static void on_notice(void *arg, const PGresult *notice)
{
    struct link *l = arg;
    l->unsafe_notice = l->unsafe_notice || session_notice_is_unsafe(notice);
    log_event(LOG_WARN, "database warning", "connection", l->role, "message",
              PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY), NULL);
}

static void watch(struct link *l, uint32_t events)
{
    int fd = PQsocket(l->pg);
    struct epoll_event ev = {.events = events, .data.ptr = l};
    if (fd == l->fd && events == l->events)
        return;
    /* between two addresses libpq closes one socket and opens another, perhaps of the same number
     */
    if (epoll_ctl(l->engine->epoll, EPOLL_CTL_MOD, fd, &ev) != 0)
        epoll_ctl(l->engine->epoll, EPOLL_CTL_ADD, fd, &ev);
    l->fd = fd;
    l->events = events;
}

static void count_connected(struct db_engine *e)
{
    bool readers = e->options.readers == 0;
    for (int i = 0; i < e->options.readers; i++)
        readers = readers || e->readers[i].link.state == LINK_UP;
    atomic_store(&e->connected, readers && e->writer.link.state == LINK_UP);
}

void link_close(struct link *l)
{
    if (l->pg != NULL && l->fd >= 0)
        epoll_ctl(l->engine->epoll, EPOLL_CTL_DEL, l->fd, NULL);
    PQfinish(l->pg);
    unsigned doublings = l->failures < 6 ? l->failures : 6;
    int64_t wait_ms = (int64_t)BACKOFF_MIN_MS << doublings;
    if (wait_ms > BACKOFF_MAX_MS)
        wait_ms = BACKOFF_MAX_MS;
    wait_ms = wait_ms / 2 + randombytes_uniform((uint32_t)wait_ms);
    l->pg = NULL;
    l->fd = -1;
    l->events = 0;
    l->state = LINK_DOWN;
    l->failures++;
    l->retry_ms = l->engine->now_ms + wait_ms;
    l->prepared = (struct session_prepared){.count = 0};
    count_connected(l->engine);
}

/* A database that is down is one line, not one per attempt. */
static void give_up(struct link *l)
{
    if (!l->complained)
        log_event(LOG_ERROR, "cannot connect to the database", "connection", l->role, "reason",
                  l->pg == NULL ? "no memory" : PQerrorMessage(l->pg), NULL);
    l->complained = true;
    link_close(l);
}

static bool begin(struct link *l)
{
    struct session_params params;
    struct db_engine *e = l->engine;
    int64_t timeout_ms = e->options.timeout_ms;
    const struct session_settings settings = {
        .uri = e->uri,
        .application = l->role,
        .statement_timeout_ms = timeout_ms,
        /* the writer waits for locks of workers and other replicas: short, it holds up everybody */
        .lock_timeout_ms = timeout_ms < 1000 ? timeout_ms / 2 : 500,
        .generic_plans = !l->pipelined,
    };
    if (session_params_init(&settings, &params) != ERR_OK)
        return false;
    l->pg = PQconnectStartParams(params.keys, params.values, 1);
    session_params_clear(&params);
    l->state = LINK_CONNECTING;
    l->since_ms = e->now_ms;
    return l->pg != NULL && PQstatus(l->pg) != CONNECTION_BAD;
}

static bool become_up(struct link *l)
{
    if (PQsetnonblocking(l->pg, 1) != 0 || (l->pipelined && PQenterPipelineMode(l->pg) != 1))
        return false;
    PQsetNoticeReceiver(l->pg, on_notice, l);
    if (l->failures > 0)
        atomic_fetch_add(&l->engine->reconnects, 1);
    l->failures = 0;
    l->complained = false;
    l->state = LINK_UP;
    l->unsafe_notice = false;
    watch(l, EPOLLIN);
    count_connected(l->engine);
    log_event(LOG_INFO, "connected to the database", "connection", l->role, NULL);
    return true;
}

void link_step(struct link *l, bool event)
{
    if (l->state == LINK_DOWN && l->engine->now_ms >= l->retry_ms) {
        if (!begin(l)) {
            give_up(l);
            return;
        }
        watch(l, EPOLLOUT); /* as if PQconnectPoll had asked to write */
        return;
    }
    if (l->state != LINK_CONNECTING)
        return;
    if (!event) {
        if (l->engine->now_ms - l->since_ms > CONNECT_TIMEOUT_MS)
            give_up(l);
        return;
    }
    switch (PQconnectPoll(l->pg)) {
    case PGRES_POLLING_READING:
        watch(l, EPOLLIN);
        break;
    case PGRES_POLLING_WRITING:
        watch(l, EPOLLOUT);
        break;
    case PGRES_POLLING_OK:
        if (become_up(l))
            break;
        __attribute__((fallthrough));
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE:
        give_up(l);
        break;
    }
}

bool link_flush(struct link *l)
{
    int left = PQflush(l->pg);
    if (left < 0)
        return false;
    watch(l, left > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return true;
}

int64_t link_wait_ms(const struct link *l)
{
    int64_t at = l->state == LINK_DOWN ? l->retry_ms : l->since_ms + CONNECT_TIMEOUT_MS;
    if (l->state == LINK_UP)
        return -1;
    return at > l->engine->now_ms ? at - l->engine->now_ms + 1 : 0;
}
