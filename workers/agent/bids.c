/* SPDX-License-Identifier: Apache-2.0 */
/* The bids whose auction is undecided: a table in memory, mirrored by records on disk. */
#include "workers/agent/bids.h"

#include <stdio.h>
#include <string.h>

#include "server/core/log.h"
#include "workers/agent/store.h"

json_t *bid_record(const struct agent_bid *b)
{
    json_t *r = json_pack("{s:s, s:s, s:I, s:b, s:b, s:I, s:I}", "task_id", b->task_id, "bid_id",
                          b->bid_id, "price_gwei", (json_int_t)b->price_gwei, "sealed", b->sealed,
                          "opened", b->opened, "closes_ms", (json_int_t)b->closes_ms,
                          "opens_until_ms", (json_int_t)b->opens_until_ms);
    wire_set_hex(r, "salt", b->salt, sizeof b->salt);
    return r;
}

static enum err read_bid(const char *name, const json_t *r, struct agent_bid *out)
{
    struct agent_bid b = {0};
    if (strlen(name) >= sizeof b.name ||
        wire_text(r, "task_id", b.task_id, sizeof b.task_id) != ERR_OK ||
        wire_text(r, "bid_id", b.bid_id, sizeof b.bid_id) != ERR_OK ||
        wire_hex(r, "salt", b.salt, sizeof b.salt) != ERR_OK)
        return ERR_PARSE;
    snprintf(b.name, sizeof b.name, "%s", name);
    b.price_gwei = json_integer_value(json_object_get(r, "price_gwei"));
    b.sealed = json_is_true(json_object_get(r, "sealed"));
    b.opened = json_is_true(json_object_get(r, "opened"));
    b.closes_ms = json_integer_value(json_object_get(r, "closes_ms"));
    b.opens_until_ms = json_integer_value(json_object_get(r, "opens_until_ms"));
    b.next_ms = b.bid_id[0] == '\0' ? 0 : b.closes_ms;
    *out = b;
    return ERR_OK;
}

static void load_one(void *arg, const char *name, const json_t *record)
{
    struct agent *a = arg;
    struct agent_bid b;
    if (read_bid(name, record, &b) != ERR_OK)
        log_event(LOG_WARN, "bid record unreadable", "name", name, NULL);
    else if (b.opens_until_ms + BID_KEEP_MS < agent_now_ms(a))
        store_drop(a->config.state_dir, "bids", name);
    else if (a->bid_count < AGENT_PENDING_BIDS_MAX)
        a->bids[a->bid_count++] = b;
}

void agent_bids_load(struct agent *a)
{
    store_each(a->config.state_dir, "bids", load_one, a);
}

static struct agent_bid *find_bid(struct agent *a, const char *name)
{
    for (size_t i = 0; i < a->bid_count; i++)
        if (strcmp(a->bids[i].name, name) == 0)
            return &a->bids[i];
    return NULL;
}

bool bid_find(struct agent *a, const char *name, struct agent_bid *out)
{
    pthread_mutex_lock(&a->lock);
    const struct agent_bid *b = find_bid(a, name);
    if (b != NULL && out != NULL)
        *out = *b;
    pthread_mutex_unlock(&a->lock);
    return b != NULL;
}

enum err bid_put(struct agent *a, const struct agent_bid *bid)
{
    json_t *record = bid_record(bid);
    enum err e =
        record == NULL ? ERR_NO_MEMORY : store_put(a->config.state_dir, "bids", bid->name, record);
    json_decref(record);
    if (e != ERR_OK)
        return e;
    pthread_mutex_lock(&a->lock);
    struct agent_bid *b = find_bid(a, bid->name);
    if (b == NULL && a->bid_count < AGENT_PENDING_BIDS_MAX)
        b = &a->bids[a->bid_count++];
    if (b != NULL)
        *b = *bid;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    return b != NULL ? ERR_OK : ERR_LIMIT_REACHED;
}

void bid_drop(struct agent *a, const char *name)
{
    pthread_mutex_lock(&a->lock);
    struct agent_bid *b = find_bid(a, name);
    if (b != NULL)
        *b = a->bids[--a->bid_count];
    pthread_mutex_unlock(&a->lock);
    store_drop(a->config.state_dir, "bids", name);
}

bool bid_due(struct agent *a, int64_t now_ms, struct agent_bid *out, int64_t *next_ms)
{
    bool found = false;
    *next_ms = now_ms + BID_IDLE_MS;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->bid_count && !found; i++) {
        if (a->bids[i].next_ms <= now_ms) {
            *out = a->bids[i];
            found = true;
        } else if (a->bids[i].next_ms < *next_ms) {
            *next_ms = a->bids[i].next_ms;
        }
    }
    pthread_mutex_unlock(&a->lock);
    return found;
}

void bid_defer(struct agent *a, const char *name, int64_t next_ms)
{
    pthread_mutex_lock(&a->lock);
    struct agent_bid *b = find_bid(a, name);
    if (b != NULL)
        b->next_ms = next_ms;
    pthread_mutex_unlock(&a->lock);
}

size_t agent_commitments(struct agent *a)
{
    int64_t now = agent_now_ms(a);
    size_t n = 0;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->bid_count; i++)
        n += a->bids[i].opens_until_ms >= now;
    for (size_t i = 0; i < AGENT_JOBS_MAX; i++)
        n += a->jobs[i].state == JOB_QUEUED || a->jobs[i].state == JOB_RUNNING;
    pthread_mutex_unlock(&a->lock);
    return n;
}
