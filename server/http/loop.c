/* SPDX-License-Identifier: Apache-2.0 */
/* One event loop: libmicrohttpd's epoll set and our eventfd in an epoll set of ours. External
 * mode, because the internal one stalls when exactly 128 events are ready. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/http/internal.h"

enum { IDLE_TURN_MS = 1000, STOP_TURNS_MAX = 64 };

void loop_signal(struct loop *l)
{
    uint64_t one = 1;
    while (write(l->event_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

void http_flush(struct http_server *s)
{
    for (int i = 0; i < s->loop_count; i++) {
        struct loop *l = s->loops[i];
        if (atomic_load(&l->signal) && atomic_exchange(&l->signal, false))
            loop_signal(l);
    }
}

/* Suspending costs three system calls (out of the epoll set, a read in vain, into the set again).
 * A wait for the database is short, so the first few stay in libmicrohttpd's list of ready
 * connections instead: its access handler is asked in every run and says "not yet". */
void slot_suspend(struct slot *s, int64_t deadline_mono_ms)
{
    struct loop *l = s->loop;
    s->suspended = true;
    s->rq.resumed_by_deadline = false;
    timer_add(s, deadline_mono_ms);
    s->soft = !s->wants_park && l->soft_count < SOFT_WAITS_MAX;
    if (s->soft)
        l->soft_count++;
    else
        MHD_suspend_connection(s->mhd);
    if (s->wants_park)
        topic_link(s);
}

/* Only between two runs of libmicrohttpd; the access handler is called again in the next one. */
void slot_wake(struct slot *s, bool by_deadline)
{
    if (!s->suspended)
        return;
    timer_remove(s);
    topic_unlink(s);
    s->suspended = false;
    s->rq.resumed_by_deadline = by_deadline;
    if (s->soft)
        s->loop->soft_count--;
    else
        MHD_resume_connection(s->mhd);
    s->soft = false;
}

static int turn_timeout_ms(struct loop *l)
{
    MHD_UNSIGNED_LONG_LONG mhd_ms;
    int64_t ms = atomic_load(&l->conn_count) > 0 ? l->next_sweep_ms - l->now_ms : IDLE_TURN_MS;
    if (l->wheel_count > 0 && ms > WHEEL_TICK_MS)
        ms = WHEEL_TICK_MS;
    /* with soft waits libmicrohttpd always asks for another run at once */
    if ((l->soft_count == 0 || l->idle_runs < SOFT_IDLE_RUNS) &&
        MHD_get_timeout(l->daemon, &mhd_ms) == MHD_YES && (int64_t)mhd_ms < ms)
        ms = (int64_t)mhd_ms;
    if (ms < 0 || atomic_load(&l->pending))
        ms = 0;
    return (int)ms;
}

static void wait_for_events(struct loop *l)
{
    struct epoll_event events[2];
    int n = epoll_wait(l->epoll_fd, events, 2, turn_timeout_ms(l));
    for (int i = 0; i < n; i++) {
        uint64_t count;
        if (events[i].data.fd == l->event_fd && read(l->event_fd, &count, sizeof count) < 0 &&
            errno != EAGAIN && errno != EINTR)
            log_event(LOG_ERROR, "eventfd failed", "error", strerror(errno), NULL);
    }
    l->now_ms = clock_mono_ms();
}

static void sweep_if_due(struct loop *l)
{
    if (l->now_ms < l->next_sweep_ms)
        return;
    int64_t every = l->server->options.request_deadline_ms / 4;
    l->next_sweep_ms = l->now_ms + (every < SWEEP_MAX_MS ? every : SWEEP_MAX_MS);
    l->wall_ahead_ms = clock_wall_ms() - clock_mono_ms();
    sweep_run(l);
}

static void close_listener(struct loop *l)
{
    if (l->listen_fd < 0)
        return;
    MHD_quiesce_daemon(l->daemon);
    close(l->listen_fd);
    l->listen_fd = -1;
}

static void shut_idle(struct loop *l)
{
    for (struct ring *at = l->conns.next; at != &l->conns; at = at->next) {
        const struct conn *c = RING_OF(struct conn, all, at);
        if (c->slot == NULL)
            shutdown(c->fd, SHUT_RDWR);
    }
}

/* The stages come from http_server_drain; each is entered once. */
static void follow_stage(struct loop *l)
{
    enum stage wanted = (enum stage)atomic_load(&l->server->stage);
    if (wanted == l->stage)
        return;
    l->stage = wanted;
    topics_release_all(l);
    if (wanted >= STAGE_QUIET) {
        close_listener(l);
        shut_idle(l);
    }
}

static void turn(struct loop *l)
{
    wait_for_events(l);
    follow_stage(l);
    if (atomic_exchange(&l->pending, false)) {
        slots_drain(l);
        topics_drain(l);
    }
    timers_run(l);
    sweep_if_due(l);
    l->progress = false;
    if (MHD_run(l->daemon) != MHD_YES)
        log_event(LOG_ERROR, "MHD_run failed", "error", strerror(errno), NULL);
    l->idle_runs = l->progress ? 0 : l->idle_runs + 1;
}

static bool kill_suspended(struct loop *l)
{
    bool any = false;
    for (struct ring *at = l->conns.next; at != &l->conns; at = at->next) {
        const struct conn *c = RING_OF(struct conn, all, at);
        if (c->slot == NULL || !c->slot->suspended)
            continue;
        any = true;
        c->slot->kill = true;
        slot_wake(c->slot, false);
    }
    return any;
}

/* Stopping with a suspended connection aborts the process. What was resumed just now may suspend
 * again once; what was killed may not. */
static void end_suspended(struct loop *l)
{
    int turns = 0;
    do
        MHD_run(l->daemon);
    while (kill_suspended(l) && ++turns < STOP_TURNS_MAX);
}

void *loop_main(void *arg)
{
    struct loop *l = arg;
    pthread_setname_np(pthread_self(), "http");
    while (atomic_load(&l->server->stage) != STAGE_STOPPING)
        turn(l);
    l->stage = STAGE_STOPPING;
    topics_release_all(l);
    close_listener(l);
    end_suspended(l);
    MHD_stop_daemon(l->daemon);
    l->daemon = NULL;
    return NULL;
}
