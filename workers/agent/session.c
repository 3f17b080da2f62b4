/* SPDX-License-Identifier: Apache-2.0 */
/* From settings to a registered, online node. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/core/money.h"
#include "server/domain/protocol.h"
#include "workers/agent/agent.h"

enum {
    MEBIBYTE = 1024 * 1024,
    CALL_TIMEOUT_MS = 10000,
    CALL_TRIES = 4,
    PAUSE_SLICE_MS = 50,
    RETRY_FIRST_MS = 250,
    RETRY_MAX_MS = 5000,
    CLOCK_EVERY_MS = 60000
};

struct client *agent_client(const struct agent *a, const atomic_bool *stop, int tries)
{
    struct client_options o = {.base_url = a->config.api,
                               .key = a->config.key,
                               .user_agent = "computefi-agent",
                               .timeout_ms = CALL_TIMEOUT_MS,
                               .tries = tries > 0 ? tries : CALL_TRIES,
                               .stop = stop};
    struct client *c = NULL;
    if (client_new(&o, &c) != ERR_OK)
        log_event(LOG_ERROR, "no memory for a client", NULL);
    return c;
}

enum err agent_call(struct client *c, struct client_call *call, json_t *body, json_t **reply)
{
    struct client_reply r = {0};
    call->body = body;
    enum err e = client_run(c, call, &r);
    if (e == ERR_OK && reply != NULL && r.json == NULL)
        e = ERR_REMOTE;
    if (e == ERR_OK && reply != NULL)
        *reply = json_incref(r.json);
    if (e != ERR_OK && e != ERR_EMPTY)
        log_event(LOG_DEBUG, "call refused", "path", call->path, "error", err_code(e), "detail",
                  r.detail, "pointer", r.pointer, "request_id", r.request_id, NULL);
    client_reply_clear(&r);
    json_decref(body);
    return e;
}

enum err agent_post(struct client *c, const char *path, json_t *body, const char *idempotency_key,
                    json_t **reply)
{
    struct client_call call = {.method = "POST", .path = path, .idempotency_key = idempotency_key};
    return agent_call(c, &call, body, reply);
}

int64_t agent_now_ms(const struct agent *a)
{
    return clock_wall_ms() + atomic_load(&a->clock_offset_ms);
}

void agent_pause(struct agent *a, int64_t ms)
{
    int64_t until = clock_mono_ms() + ms;
    while (!atomic_load(&a->stop) && clock_mono_ms() < until) {
        int64_t left = until - clock_mono_ms();
        usleep((useconds_t)(1000 * (left < PAUSE_SLICE_MS ? left : PAUSE_SLICE_MS)));
    }
}

/* Market, mode and clock: the offset is right to half of the round trip. */
static enum err learn_market(struct agent *a, struct client *c)
{
    struct client_call call = {.method = "GET", .path = "/v1/stats"};
    json_t *stats = NULL;
    char mode[WIRE_STATE_MAX];
    int64_t server_ms = 0;
    int64_t before = clock_wall_ms();
    enum err e = agent_call(c, &call, NULL, &stats);
    int64_t after = clock_wall_ms();
    if (e == ERR_OK &&
        (wire_text(stats, "market_id", a->market_id, sizeof a->market_id) != ERR_OK ||
         wire_text(stats, "mode", mode, sizeof mode) != ERR_OK ||
         wire_time(json_string_value(json_object_get(stats, "time")), &server_ms) != ERR_OK))
        e = ERR_REMOTE;
    if (e == ERR_OK)
        atomic_store(&a->clock_offset_ms, server_ms - (before + after) / 2);
    if (e == ERR_OK && a->config.fault != FAULT_NONE && strcmp(mode, "development") != 0)
        e = ERR_FORBIDDEN;
    json_decref(stats);
    return e;
}

static enum err learn_account(struct agent *a, struct client *c)
{
    struct client_call call = {.method = "GET", .path = "/v1/accounts/me"};
    json_t *me = NULL;
    enum err e = agent_call(c, &call, NULL, &me);
    if (e == ERR_OK && (wire_text(me, "id", a->account_id, sizeof a->account_id) != ERR_OK ||
                        typeid_parse("acct", a->account_id, &a->account) != ERR_OK))
        e = ERR_REMOTE;
    json_decref(me);
    return e;
}

static json_t *registration(const struct agent *a)
{
    uint8_t hash[HASH_BYTES];
    uint8_t signature[SIG_BYTES];
    json_t *kinds = json_array();
    json_int_t cpus = sysconf(_SC_NPROCESSORS_ONLN);
    json_int_t pages = sysconf(_SC_PHYS_PAGES);
    json_int_t page_bytes = sysconf(_SC_PAGESIZE);
    json_t *body = json_pack("{s:s, s:s, s:o, s:b, s:b, s:{s:I, s:I}}", "name", a->config.name,
                             "class", a->config.node_class, "kinds", kinds, "provides",
                             a->role == AGENT_PROVIDER, "verifies", a->role == AGENT_VERIFIER,
                             "hardware", "cpus", cpus, "memory_mb", pages * page_bytes / MEBIBYTE);
    for (size_t i = 0; i < a->config.kind_count; i++)
        json_array_append_new(kinds, json_string(a->config.kinds[i].name));
    protocol_node_hash(a->market_id, &a->account, a->key.public, hash);
    agent_sign(a, hash, signature);
    wire_set_hex(body, "node_key", a->key.public, sizeof a->key.public);
    wire_set_hex(body, "signature", signature, sizeof signature);
    return body;
}

/* The same key of the same account is the same node, however often it registers. */
static enum err register_node(struct agent *a, struct client *c)
{
    json_t *node = NULL;
    enum err e = agent_post(c, "/v1/nodes", registration(a), NULL, &node);
    if (e == ERR_OK && (wire_text(node, "id", a->node_id, sizeof a->node_id) != ERR_OK ||
                        typeid_parse("node", a->node_id, &a->node) != ERR_OK))
        e = ERR_REMOTE;
    json_decref(node);
    return e;
}

static enum err top_pledge_up(struct agent *a, struct client *c)
{
    char path[CLIENT_PATH_MAX];
    struct client_call call = {.method = "GET", .path = path};
    json_t *node = NULL;
    char text[32];
    if (a->config.pledge_gwei == 0)
        return ERR_OK;
    snprintf(path, sizeof path, "/v1/nodes/%s", a->node_id);
    enum err e = agent_call(c, &call, NULL, &node);
    int64_t pledged = 0;
    if (e == ERR_OK && (wire_text(node, "pledged_gwei", text, sizeof text) != ERR_OK ||
                        money_parse(text, strlen(text), &pledged) != ERR_OK))
        e = ERR_REMOTE;
    json_decref(node);
    if (e != ERR_OK || pledged >= a->config.pledge_gwei)
        return e;
    json_t *body = json_object();
    wire_set_gwei(body, "amount_gwei", a->config.pledge_gwei - pledged);
    snprintf(path, sizeof path, "/v1/nodes/%s/reserve", a->node_id);
    return agent_post(c, path, body, NULL, NULL);
}

static enum err try_register(struct agent *a, struct client *c)
{
    enum err e = learn_market(a, c);
    if (e == ERR_OK)
        e = learn_account(a, c);
    if (e == ERR_OK)
        e = register_node(a, c);
    if (e == ERR_OK)
        e = top_pledge_up(a, c);
    return e;
}

enum err agent_register(struct agent *a)
{
    struct client *c = agent_client(a, &a->stop, 0);
    enum err e = c == NULL ? ERR_NO_MEMORY : ERR_REMOTE;
    int64_t wait_ms = RETRY_FIRST_MS;
    while (c != NULL && !atomic_load(&a->stop)) {
        e = try_register(a, c);
        if (e == ERR_OK || (e == ERR_FORBIDDEN && a->config.fault != FAULT_NONE))
            break;
        log_event(LOG_WARN, "registration failed, trying again", "error", err_code(e), NULL);
        agent_pause(a, wait_ms);
        wait_ms = 2 * wait_ms < RETRY_MAX_MS ? 2 * wait_ms : RETRY_MAX_MS;
    }
    client_free(c);
    if (e == ERR_OK)
        log_event(LOG_INFO, "agent ready", "node", a->node_id, "account", a->account_id, "market",
                  a->market_id, NULL);
    return e;
}

/* What a lost lease looks like: working on is of no use to anybody. */
static bool lease_is_lost(enum err e)
{
    return e == ERR_FENCE_STALE || e == ERR_LEASE_LAPSED || e == ERR_TASK_FINAL ||
           e == ERR_CONFLICT || e == ERR_NOT_FOUND;
}

/* One job's heartbeat; slot i of the table may have changed hands meanwhile, so it is compared
 * again. */
static void beat_job(struct agent *a, struct client *c, size_t i)
{
    char path[CLIENT_PATH_MAX];
    char id[TYPEID_TEXT_MAX] = "";
    int fence = 0;
    struct agent_job *j = &a->jobs[i];
    pthread_mutex_lock(&a->lock);
    if (j->state == JOB_QUEUED || j->state == JOB_RUNNING) {
        snprintf(id, sizeof id, "%s", j->id);
        fence = j->fence;
    }
    pthread_mutex_unlock(&a->lock);
    if (id[0] == '\0')
        return;
    snprintf(path, sizeof path, "/v1/jobs/%s/heartbeat", id);
    enum err e = agent_post(c, path, json_pack("{s:i}", "fence", fence), NULL, NULL);
    if (!lease_is_lost(e))
        return;
    pthread_mutex_lock(&a->lock);
    if (strcmp(j->id, id) == 0 && j->fence == fence && j->state == JOB_RUNNING)
        atomic_store(&j->stop, true);
    pthread_mutex_unlock(&a->lock);
    log_event(LOG_WARN, "lease lost", "job", id, "error", err_code(e), NULL);
}

static void beat_node(struct agent *a, struct client *c, bool draining)
{
    char path[CLIENT_PATH_MAX];
    snprintf(path, sizeof path, "/v1/nodes/%s/heartbeat", a->node_id);
    enum err e = agent_post(c, path, json_pack("{s:b}", "draining", draining), NULL, NULL);
    if (e != ERR_OK && e != ERR_EMPTY)
        log_event(LOG_WARN, "heartbeat failed", "error", err_code(e), NULL);
}

void *agent_heartbeats(void *agent)
{
    struct agent *a = agent;
    atomic_bool never = false;
    struct client *c = agent_client(a, &a->stop, 0);
    int64_t clock_at = clock_mono_ms() + CLOCK_EVERY_MS;
    while (c != NULL && !atomic_load(&a->stop)) {
        beat_node(a, c, false);
        for (size_t i = 0; i < AGENT_JOBS_MAX && !atomic_load(&a->stop); i++)
            beat_job(a, c, i);
        if (clock_mono_ms() >= clock_at) {
            if (learn_market(a, c) != ERR_OK)
                log_event(LOG_WARN, "clock not compared", NULL);
            clock_at = clock_mono_ms() + CLOCK_EVERY_MS;
        }
        agent_pause(a, a->config.heartbeat_ms);
    }
    client_free(c);
    /* Signing off: one try, so that the market stops counting on us before it misses us. */
    struct client_options o = {.base_url = a->config.api,
                               .key = a->config.key,
                               .timeout_ms = 1000,
                               .tries = 1,
                               .stop = &never};
    if (client_new(&o, &c) == ERR_OK) {
        beat_node(a, c, true);
        client_free(c);
    }
    return NULL;
}
