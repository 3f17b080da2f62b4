/* SPDX-License-Identifier: Apache-2.0 */
/* Opens sealed bids as soon as their auction closes, and sends again what was not confirmed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/core/log.h"
#include "workers/agent/bids.h"

enum { EARLY_RETRY_MS = 50, FAILED_RETRY_MS = 100, RESEND_RETRY_MS = 500 };

/* A bid whose POST was not answered: the same request again tells whether it counts. */
static void resend(struct agent *a, struct client *c, struct agent_bid *b)
{
    enum err e = bid_send(a, c, b);
    if (e == ERR_OK && bid_put(a, b) == ERR_OK)
        log_event(LOG_INFO, "bid confirmed", "task", b->task_id, "bid", b->bid_id, NULL);
    else if (e == ERR_REMOTE || e == ERR_EMPTY || err_retryable(e))
        bid_defer(a, b->name, agent_now_ms(a) + RESEND_RETRY_MS);
    else
        bid_drop(a, b->name);
}

static void open_bid(struct agent *a, struct client *c, struct agent_bid *b)
{
    char path[CLIENT_PATH_MAX];
    char key[CLIENT_IDEMPOTENCY_MAX];
    json_t *body = json_pack("{s:s, s:s}", "task_id", b->task_id, "node_id", a->node_id);
    wire_set_gwei(body, "price_gwei", b->price_gwei);
    wire_set_hex(body, "salt", b->salt, sizeof b->salt);
    snprintf(path, sizeof path, "/v1/bids/%s/open", b->bid_id);
    snprintf(key, sizeof key, "open-%s", b->bid_id);
    enum err e = agent_post(c, path, body, key, NULL);
    int64_t now = agent_now_ms(a);
    if (e == ERR_OK) {
        b->opened = true;
        b->next_ms = b->opens_until_ms + BID_KEEP_MS;
        log_event(LOG_INFO, "bid opened", "task", b->task_id, "bid", b->bid_id, NULL);
        if (bid_put(a, b) != ERR_OK)
            log_event(LOG_WARN, "bid record not written", "bid", b->bid_id, NULL);
    } else if (e == ERR_WINDOW_NOT_OPEN) {
        bid_defer(a, b->name, now + EARLY_RETRY_MS);
    } else if (e == ERR_REMOTE || e == ERR_EMPTY || err_retryable(e)) {
        bid_defer(a, b->name, now + FAILED_RETRY_MS);
    } else {
        log_event(LOG_WARN, "bid not opened", "bid", b->bid_id, "error", err_code(e), NULL);
        bid_defer(a, b->name, b->opens_until_ms + BID_KEEP_MS);
    }
}

static void handle(struct agent *a, struct client *c, struct agent_bid *b)
{
    int64_t over = b->opens_until_ms + BID_KEEP_MS;
    int64_t now = agent_now_ms(a);
    if (now >= over)
        bid_drop(a, b->name);
    else if (b->bid_id[0] == '\0' && now < b->opens_until_ms)
        resend(a, c, b);
    else if (b->opened || !b->sealed || b->bid_id[0] == '\0' || now >= b->opens_until_ms ||
             a->config.fault == FAULT_NO_OPEN)
        bid_defer(a, b->name, over);
    else
        open_bid(a, c, b);
}

/* Until a bid is put, next_ms comes, or the agent stops. */
static void wait_for_work(struct agent *a, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (wait_ms % 1000) * 1000000L;
    until.tv_sec += wait_ms / 1000 + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&a->lock);
    if (!atomic_load(&a->stop))
        pthread_cond_timedwait(&a->changed, &a->lock, &until);
    pthread_mutex_unlock(&a->lock);
}

void *agent_opener(void *agent)
{
    struct agent *a = agent;
    /* One try: the window may be shorter than the client's back-off, so this thread repeats by
     * itself. */
    struct client *c = agent_client(a, &a->stop, 1);
    while (c != NULL && !atomic_load(&a->stop)) {
        struct agent_bid b;
        int64_t next_ms = 0;
        int64_t now = agent_now_ms(a);
        if (bid_due(a, now, &b, &next_ms))
            handle(a, c, &b);
        else
            wait_for_work(a, next_ms > now ? next_ms - now : 1);
    }
    client_free(c);
    return NULL;
}
