/* SPDX-License-Identifier: Apache-2.0 */
/* The subscriber thread. Waits in poll, so that it can be stopped at any time; pings a silent
 * link, because a vanished Redis sends nothing either. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server/core/log.h"
#include "server/queue/link.h"
#include "server/queue/queue.h"

enum { CHANNEL_MAX = 64, SILENCE_MS = 10000, BACKOFF_MIN_MS = 50, BACKOFF_MAX_MS = 5000 };

struct queue_listener {
    char address[LINK_ADDRESS_MAX];
    char channel[CHANNEL_MAX];
    void (*on_wake)(void *arg, const char *topic, size_t len);
    void *arg;
    int stop_fd;
    pthread_t thread;
    bool down; /* logged already */
};

/* True when the listener is to stop. */
static bool sleep_or_stop(const struct queue_listener *l, int ms)
{
    struct pollfd p = {.fd = l->stop_fd, .events = POLLIN};
    return poll(&p, 1, ms) > 0;
}

static void tell(const struct queue_listener *l, const redisReply *payload)
{
    const char *at = payload->str;
    const char *end = payload->str + payload->len;
    while (at < end) {
        const char *space = memchr(at, ' ', (size_t)(end - at));
        size_t len = (size_t)((space == NULL ? end : space) - at);
        if (len > 0 && len < QUEUE_TOPIC_MAX)
            l->on_wake(l->arg, at, len);
        at += len + 1;
    }
}

/* ["subscribe", channel, count], ["message", channel, payload] or ["pong", ""]. */
static bool handle_reply(struct queue_listener *l, const redisReply *r)
{
    if (r->type != REDIS_REPLY_ARRAY || r->elements < 2 ||
        r->element[0]->type != REDIS_REPLY_STRING)
        return false;
    const char *kind = r->element[0]->str;
    if (strcmp(kind, "message") == 0 && r->elements == 3 &&
        r->element[2]->type == REDIS_REPLY_STRING) {
        tell(l, r->element[2]);
    } else if (strcmp(kind, "subscribe") == 0) {
        if (l->down)
            log_event(LOG_INFO, "listening to wakes again", "channel", l->channel, NULL);
        l->down = false;
        l->on_wake(l->arg, "*", 1); /* whatever was sent before is missed */
    }
    return true;
}

static bool read_replies(struct queue_listener *l, redisContext *ctx)
{
    if (redisBufferRead(ctx) != REDIS_OK)
        return false;
    for (;;) {
        void *reply = NULL;
        if (redisGetReplyFromReader(ctx, &reply) != REDIS_OK)
            return false;
        if (reply == NULL)
            return true;
        bool fine = handle_reply(l, reply);
        freeReplyObject(reply);
        if (!fine)
            return false;
    }
}

static bool send_now(redisContext *ctx, const char *name, const char *channel)
{
    struct command c = {0};
    int done = 0;
    command_add(&c, name);
    if (channel != NULL)
        command_add(&c, channel);
    if (!link_send(ctx, &c))
        return false;
    while (!done) {
        if (redisBufferWrite(ctx, &done) != REDIS_OK)
            return false;
    }
    return true;
}

/* Returns true when the listener is to stop, false when the link broke. */
static bool listen_on(struct queue_listener *l, redisContext *ctx)
{
    bool pinged = false;
    if (!send_now(ctx, "SUBSCRIBE", l->channel))
        return false;
    for (;;) {
        struct pollfd p[2] = {{.fd = l->stop_fd, .events = POLLIN},
                              {.fd = ctx->fd, .events = POLLIN}};
        int n = poll(p, 2, SILENCE_MS);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (p[0].revents != 0)
            return true;
        if (n == 0) {
            if (pinged || !send_now(ctx, "PING", NULL))
                return false;
            pinged = true;
            continue;
        }
        pinged = false;
        if (!read_replies(l, ctx))
            return false;
    }
}

static void *run(void *arg)
{
    struct queue_listener *l = arg;
    int backoff = BACKOFF_MIN_MS;
    bool stop = false;
    while (!stop) {
        redisContext *ctx = link_open(l->address, LINK_TIMEOUT_MS);
        if (ctx != NULL) {
            stop = listen_on(l, ctx);
            redisFree(ctx);
            backoff = BACKOFF_MIN_MS;
        }
        if (!stop && !l->down) {
            l->down = true;
            log_event(LOG_WARN, "no wakes from other processes: Redis is unreachable", "channel",
                      l->channel, NULL);
        }
        stop = stop || sleep_or_stop(l, backoff);
        backoff = backoff * 2 < BACKOFF_MAX_MS ? backoff * 2 : BACKOFF_MAX_MS;
    }
    return NULL;
}

enum err queue_listener_new(const char *address, const char *prefix,
                            void (*on_wake)(void *arg, const char *topic, size_t len), void *arg,
                            struct queue_listener **out)
{
    if (!link_address_valid(address) || strlen(address) >= LINK_ADDRESS_MAX ||
        strlen(prefix) >= LINK_PREFIX_MAX)
        return ERR_PARSE;
    struct queue_listener *l = calloc(1, sizeof *l);
    if (l == NULL)
        return ERR_NO_MEMORY;
    snprintf(l->address, sizeof l->address, "%s", address);
    snprintf(l->channel, sizeof l->channel, "%s:wake", prefix);
    l->on_wake = on_wake;
    l->arg = arg;
    l->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (l->stop_fd < 0 || pthread_create(&l->thread, NULL, run, l) != 0) {
        if (l->stop_fd >= 0)
            close(l->stop_fd);
        free(l);
        return ERR_IO;
    }
    *out = l;
    return ERR_OK;
}

void queue_listener_free(struct queue_listener *l)
{
    uint64_t one = 1;
    if (l == NULL)
        return;
    while (write(l->stop_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    pthread_join(l->thread, NULL);
    close(l->stop_fd);
    free(l);
}
