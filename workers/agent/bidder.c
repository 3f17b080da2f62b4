/* SPDX-License-Identifier: Apache-2.0 */
/* Finds open tasks and bids on those that fit. A bid's salt and price are on disk before the
 * commitment leaves the house, so a restart can still open it, and a repeated POST is the same bid.
 */
#include "workers/agent/bids.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/core/money.h"
#include "server/domain/protocol.h"

enum {
    PAGE_LIMIT = 100,
    RELIST_MS = 15000,
    FAILED_PAUSE_MS = 1000,
    BUSY_PAUSE_MS = 200,
    LAST_MOMENT_MS = 50,
    FULL_WAIT_MS = 2000,
    OPENING_GUESS_MS = 60000
};
/* Below every id: lists from the first task. */
static const char FIRST_ID[] = "task_00000000000000000000000000";

enum err bid_send(struct agent *a, struct client *c, struct agent_bid *b)
{
    struct protocol_bid p = {.market_id = a->market_id,
                             .entity = a->account,
                             .node = a->node,
                             .price_gwei = b->price_gwei};
    uint8_t commitment[HASH_BYTES];
    uint8_t signature[SIG_BYTES];
    char path[CLIENT_PATH_MAX];
    char key[CLIENT_IDEMPOTENCY_MAX];
    json_t *reply = NULL;
    memcpy(p.salt, b->salt, sizeof p.salt);
    if (typeid_parse("task", b->task_id, &p.task) != ERR_OK)
        return ERR_PARSE;
    protocol_bid_commitment(&p, commitment);
    agent_sign(a, commitment, signature);
    json_t *body = json_pack("{s:s}", "node_id", a->node_id);
    wire_set_hex(body, "node_key", a->key.public, sizeof a->key.public);
    wire_set_hex(body, "commitment", commitment, sizeof commitment);
    wire_set_hex(body, "signature", signature, sizeof signature);
    if (!b->sealed) {
        wire_set_gwei(body, "price_gwei", b->price_gwei);
        wire_set_hex(body, "salt", b->salt, sizeof b->salt);
    }
    snprintf(path, sizeof path, "/v1/tasks/%s/bids", b->task_id);
    hex_encode(commitment, CLIENT_IDEMPOTENCY_MAX / 2 - 1, key);
    enum err e = agent_post(c, path, body, key, &reply);
    if (e == ERR_OK)
        e = wire_text(reply, "id", b->bid_id, sizeof b->bid_id);
    json_decref(reply);
    return e;
}

static uint64_t seen_key(const struct wire_task *t)
{
    uint8_t hash[HASH_BYTES];
    uint64_t key;
    const struct bytes parts[] = {{t->uuid.b, sizeof t->uuid.b},
                                  {(const uint8_t *)&t->round, sizeof t->round}};
    hash_tagged("seen", parts, 2, hash);
    memcpy(&key, hash, sizeof key);
    return key;
}

/* Only the bidder's thread touches the ring. */
static bool was_seen(const struct agent *a, uint64_t key)
{
    for (size_t i = 0; i < AGENT_SEEN_MAX; i++)
        if (a->seen[i] == key)
            return true;
    return false;
}

static void set_seen(struct agent *a, uint64_t key)
{
    a->seen[a->seen_count++ % AGENT_SEEN_MAX] = key;
}

static bool class_fits(const struct agent *a, const struct wire_task *t)
{
    return strcmp(t->node_class, "any") == 0 || strcmp(t->node_class, a->config.node_class) == 0;
}

/* Reads the task with its input and decides on a price; ERR_CONFLICT when it is not for us. */
static enum err price_task(struct agent *a, struct client *c, const struct wire_task *row,
                           int64_t *price_gwei)
{
    char path[CLIENT_PATH_MAX];
    char reason[WORKLOAD_REASON_MAX];
    struct client_call call = {.method = "GET", .path = path};
    struct wire_task t;
    json_t *json = NULL;
    int64_t work = 0;
    snprintf(path, sizeof path, "/v1/tasks/%s", row->id);
    enum err e = agent_call(c, &call, NULL, &json);
    if (e == ERR_OK)
        e = wire_task_read(json, &t);
    if (e == ERR_OK && wire_input_check(&t, &work, reason) != ERR_OK) {
        log_event(LOG_INFO, "task not for us", "task", row->id, "reason", reason, NULL);
        e = ERR_CONFLICT;
    }
    json_decref(json);
    if (e == ERR_OK)
        e = agent_price(&a->config, agent_config_kind(&a->config, row->kind), work, price_gwei);
    if (e == ERR_OK && *price_gwei > row->max_price_gwei) {
        log_event(LOG_INFO, "task pays too little", "task", row->id, NULL);
        e = ERR_CONFLICT;
    }
    return e;
}

/* The error that refused the bid; ERR_OK also when it is only not confirmed yet. */
static enum err place(struct agent *a, struct client *c, const struct wire_task *t,
                      int64_t price_gwei)
{
    char price[MONEY_TEXT_MAX];
    struct agent_bid b = {.price_gwei = price_gwei,
                          .sealed = t->sealed,
                          .closes_ms = t->closes_ms,
                          .opens_until_ms = t->opens_until_ms >= 0
                                                ? t->opens_until_ms
                                                : t->closes_ms + OPENING_GUESS_MS,
                          .next_ms = t->closes_ms};
    snprintf(b.name, sizeof b.name, "%s-%d", t->id, t->round);
    snprintf(b.task_id, sizeof b.task_id, "%s", t->id);
    randombytes_buf(b.salt, sizeof b.salt);
    if (bid_find(a, b.name, NULL))
        return ERR_OK;
    enum err e = bid_put(a, &b);
    if (e == ERR_OK)
        e = bid_send(a, c, &b);
    if (e == ERR_OK)
        e = bid_put(a, &b);
    money_print(price_gwei, price);
    if (e == ERR_OK) {
        log_event(LOG_INFO, "bid", "task", t->id, "bid", b.bid_id, "price_gwei", price, NULL);
    } else if (e == ERR_EMPTY || e == ERR_REMOTE) {
        log_event(LOG_WARN, "bid not confirmed", "task", t->id, "error", err_code(e), NULL);
        bid_defer(a, b.name, agent_now_ms(a) + FAILED_PAUSE_MS);
        e = ERR_OK;
    } else {
        bid_drop(a, b.name);
        log_event(LOG_WARN, "bid refused", "task", t->id, "error", err_code(e), NULL);
    }
    return e;
}

/* Refusals that a little time may cure. */
static bool worth_another_look(enum err e)
{
    return e == ERR_NODE_OFFLINE || e == ERR_NODE_UNPLEDGED || e == ERR_INSUFFICIENT_RESERVE ||
           err_retryable(e);
}

/* False when there is no room for another bid: the task must be looked at again. */
static bool consider(struct agent *a, struct client *c, const struct wire_task *t)
{
    uint64_t key = seen_key(t);
    int64_t price = 0;
    if (was_seen(a, key))
        return true;
    if (agent_config_kind(&a->config, t->kind) == NULL || !class_fits(a, t) ||
        strcmp(t->requester_id, a->account_id) == 0 ||
        t->closes_ms - LAST_MOMENT_MS <= agent_now_ms(a)) {
        set_seen(a, key);
        return true;
    }
    if (agent_commitments(a) >= (size_t)a->config.max_pending_bids)
        return false;
    enum err e = price_task(a, c, t, &price);
    if (e == ERR_OK)
        e = place(a, c, t, price);
    if (!worth_another_look(e))
        set_seen(a, key);
    return true;
}

/* One page of open tasks behind the cursor. full: some were left for want of room. */
static enum err look(struct agent *a, struct client *c, char cursor[TYPEID_TEXT_MAX], bool *full)
{
    char path[CLIENT_PATH_MAX];
    struct client_call call = {
        .method = "GET", .path = path, .wait_ms = *full ? 0 : a->config.poll_ms};
    json_t *page = NULL;
    snprintf(path, sizeof path, "/v1/tasks?state=open&after=%s&limit=%d&wait=%lld", cursor,
             PAGE_LIMIT, (long long)((call.wait_ms + 999) / 1000));
    enum err e = agent_call(c, &call, NULL, &page);
    const json_t *rows = json_object_get(page, "data");
    for (size_t i = 0; e == ERR_OK && i < json_array_size(rows) && !atomic_load(&a->stop); i++) {
        struct wire_task t;
        if (wire_task_read(json_array_get(rows, i), &t) != ERR_OK) {
            log_event(LOG_WARN, "task row unreadable", NULL);
            continue;
        }
        snprintf(cursor, TYPEID_TEXT_MAX, "%s", t.id);
        *full |= !consider(a, c, &t);
    }
    json_decref(page);
    return e;
}

void *agent_bidder(void *agent)
{
    struct agent *a = agent;
    struct client *c = agent_client(a, &a->stop, 0);
    char cursor[TYPEID_TEXT_MAX];
    int64_t relist_at = 0;
    bool full = false;
    while (c != NULL && !atomic_load(&a->stop)) {
        /* From the start now and then: ids of several replicas come out of order, tasks open again,
         * and room for a task that was left may have come. */
        if (clock_mono_ms() >= relist_at) {
            snprintf(cursor, sizeof cursor, "%s", FIRST_ID);
            relist_at = clock_mono_ms() + RELIST_MS;
            full = false;
        }
        enum err e = look(a, c, cursor, &full);
        if (e != ERR_OK && e != ERR_EMPTY) {
            log_event(LOG_WARN, "open tasks not listed", "error", err_code(e), NULL);
            agent_pause(a, FAILED_PAUSE_MS);
        } else if (full) {
            agent_pause(a, BUSY_PAUSE_MS);
            if (relist_at > clock_mono_ms() + FULL_WAIT_MS)
                relist_at = clock_mono_ms() + FULL_WAIT_MS;
        }
    }
    client_free(c);
    return NULL;
}
