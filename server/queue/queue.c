/* SPDX-License-Identifier: Apache-2.0 */
/* Streams with one consumer group. Nothing here is trimmed by length: that would drop messages
 * nobody has read. */
#include "server/queue/queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/queue/link.h"

enum { KEY_MAX = 128, NUMBER_MAX = 24, BATCH_MAX = 256, RECLAIM_PARTS = 4 };
static const char GROUP[] = "workers";

struct queue {
    char address[LINK_ADDRESS_MAX];
    char prefix[LINK_PREFIX_MAX];
    redisContext *ctx; /* NULL: not connected */
    int64_t next_reclaim_ms;
    struct command command; /* too large for the stack of a small thread */
};

enum err queue_new(const char *address, const char *prefix, struct queue **out)
{
    if (!link_address_valid(address) || strlen(address) >= LINK_ADDRESS_MAX ||
        strlen(prefix) >= LINK_PREFIX_MAX)
        return ERR_PARSE;
    struct queue *q = calloc(1, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    snprintf(q->address, sizeof q->address, "%s", address);
    snprintf(q->prefix, sizeof q->prefix, "%s", prefix);
    *out = q;
    return ERR_OK;
}

static void drop_link(struct queue *q)
{
    if (q->ctx != NULL)
        redisFree(q->ctx);
    q->ctx = NULL;
}

void queue_free(struct queue *q)
{
    if (q == NULL)
        return;
    drop_link(q);
    free(q);
}

static void stream_key(const struct queue *q, const char *job, char out[KEY_MAX])
{
    snprintf(out, KEY_MAX, "%s:work:%s", q->prefix, job);
}

/* Sends what is in q->command and waits for its reply. A late reply must never be taken for the
 * next command's, so every failure drops the link. */
static redisReply *ask_once(struct queue *q, int64_t timeout_ms)
{
    if (q->ctx == NULL)
        q->ctx = link_open(q->address, LINK_TIMEOUT_MS);
    redisReply *r = NULL;
    if (q->ctx != NULL && link_timeout(q->ctx, timeout_ms) && link_send(q->ctx, &q->command))
        r = link_receive(q->ctx);
    if (r == NULL)
        drop_link(q);
    return r;
}

static redisReply *ask(struct queue *q, int64_t timeout_ms)
{
    bool fresh = q->ctx == NULL;
    redisReply *r = ask_once(q, timeout_ms);
    return r != NULL || fresh ? r : ask_once(q, timeout_ms);
}

static struct command *begin(struct queue *q, const char *name)
{
    q->command.argc = 0;
    command_add(&q->command, name);
    return &q->command;
}

static enum err judge(redisReply *r)
{
    enum err e = r == NULL || r->type == REDIS_REPLY_ERROR ? ERR_QUEUE_DOWN : ERR_OK;
    if (r != NULL)
        freeReplyObject(r);
    return e;
}

static bool send_messages(struct queue *q, const char *key, const struct queue_message *m,
                          size_t count)
{
    char work[UUID_TEXT_MAX];
    char version[NUMBER_MAX];
    for (size_t i = 0; i < count; i++) {
        struct command *c = begin(q, "XADD");
        uuid_print(&m[i].work, work);
        snprintf(version, sizeof version, "%" PRId64, m[i].version);
        command_add(c, key);
        command_add(c, "*");
        command_add(c, "w");
        command_add(c, work);
        command_add(c, "v");
        command_add(c, version);
        if (!link_send(q->ctx, c)) /* copies the texts */
            return false;
    }
    return true;
}

/* One pipeline; every reply is read even after an error, so that the link stays in step. */
static enum err publish_once(struct queue *q, const char *key, const struct queue_message *m,
                             size_t count)
{
    if (q->ctx == NULL)
        q->ctx = link_open(q->address, LINK_TIMEOUT_MS);
    if (q->ctx == NULL)
        return ERR_QUEUE_DOWN;
    enum err e = ERR_OK;
    if (!link_timeout(q->ctx, LINK_TIMEOUT_MS) || !send_messages(q, key, m, count)) {
        drop_link(q);
        return ERR_QUEUE_DOWN;
    }
    for (size_t i = 0; i < count; i++) {
        redisReply *r = link_receive(q->ctx);
        if (r == NULL) {
            drop_link(q);
            return ERR_QUEUE_DOWN;
        }
        if (judge(r) != ERR_OK)
            e = ERR_QUEUE_DOWN;
    }
    return e;
}

enum err queue_publish(struct queue *q, const char *job, const struct queue_message *messages,
                       size_t count)
{
    char key[KEY_MAX];
    stream_key(q, job, key);
    for (size_t at = 0; at < count; at += BATCH_MAX) {
        size_t n = count - at < BATCH_MAX ? count - at : BATCH_MAX;
        bool fresh = q->ctx == NULL;
        enum err e = publish_once(q, key, messages + at, n);
        if (e != ERR_OK && q->ctx == NULL && !fresh)
            e = publish_once(q, key, messages + at, n); /* a message twice is harmless */
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static enum err create_group(struct queue *q, const char *key)
{
    struct command *c = begin(q, "XGROUP");
    command_add(c, "CREATE");
    command_add(c, key);
    command_add(c, GROUP);
    command_add(c, "0");
    command_add(c, "MKSTREAM");
    redisReply *r = ask(q, LINK_TIMEOUT_MS);
    if (r != NULL && reply_is_error(r, "BUSYGROUP")) { /* somebody was faster */
        freeReplyObject(r);
        return ERR_OK;
    }
    return judge(r);
}

static const redisReply *field(const redisReply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const redisReply *key = fields->element[i];
        const redisReply *value = fields->element[i + 1];
        if (key->type == REDIS_REPLY_STRING && value->type == REDIS_REPLY_STRING &&
            strcmp(key->str, name) == 0)
            return value;
    }
    return NULL;
}

static bool parse_version(const char *text, int64_t *out)
{
    char *end = NULL;
    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0' && *out >= 0;
}

/* [id, [name, value, ...]]. False for what is none of our messages; out->stream_id is set whenever
 * there is an id. */
static bool parse_entry(const redisReply *entry, struct queue_message *out)
{
    out->stream_id[0] = '\0';
    out->deliveries = 1;
    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
        entry->element[0]->type != REDIS_REPLY_STRING || entry->element[0]->len >= QUEUE_ID_MAX)
        return false;
    memcpy(out->stream_id, entry->element[0]->str, entry->element[0]->len + 1);
    const redisReply *fields = entry->element[1];
    if (fields->type != REDIS_REPLY_ARRAY)
        return false;
    const redisReply *work = field(fields, "w");
    const redisReply *version = field(fields, "v");
    return work != NULL && version != NULL && uuid_parse(work->str, &out->work) == ERR_OK &&
           parse_version(version->str, &out->version);
}

/* Entries that are none of ours would come back for ever. */
static void discard(struct queue *q, const char *job, const struct queue_message *bad, size_t count)
{
    if (count == 0)
        return;
    log_event(LOG_WARN, "dropped malformed queue messages", "job", job, NULL);
    if (queue_ack(q, job, bad, count) != ERR_OK)
        log_event(LOG_WARN, "could not drop malformed queue messages", "job", job, NULL);
}

static size_t take_entries(struct queue *q, const char *job, const redisReply *list,
                           struct queue_message *out, size_t cap)
{
    struct queue_message bad[BATCH_MAX];
    size_t bad_count = 0;
    size_t count = 0;
    if (list->type != REDIS_REPLY_ARRAY)
        return 0;
    for (size_t i = 0; i < list->elements && count < cap; i++) {
        if (parse_entry(list->element[i], &out[count]))
            count++;
        else if (out[count].stream_id[0] != '\0' && bad_count < BATCH_MAX)
            bad[bad_count++] = out[count];
    }
    discard(q, job, bad, bad_count);
    return count;
}

/* How often a message was handed out: XAUTOCLAIM does not say. */
static int count_deliveries(struct queue *q, const char *key, const char *id)
{
    struct command *c = begin(q, "XPENDING");
    int deliveries = 2; /* a reclaimed message was delivered once and now again */
    command_add(c, key);
    command_add(c, GROUP);
    command_add(c, id);
    command_add(c, id);
    command_add(c, "1");
    redisReply *r = ask(q, LINK_TIMEOUT_MS);
    if (r == NULL)
        return deliveries;
    if (r->type == REDIS_REPLY_ARRAY && r->elements == 1 &&
        r->element[0]->type == REDIS_REPLY_ARRAY && r->element[0]->elements == 4 &&
        r->element[0]->element[3]->type == REDIS_REPLY_INTEGER)
        deliveries = (int)r->element[0]->element[3]->integer;
    freeReplyObject(r);
    return deliveries;
}

struct take {
    struct queue_reader by;
    const char *key;
    size_t cap;
};

/* Messages of consumers that died. *missing: the group is not there. */
static enum err reclaim(struct queue *q, const struct take *t, struct queue_message *out,
                        size_t *count, bool *missing)
{
    char idle[NUMBER_MAX];
    char most[NUMBER_MAX];
    struct command *c = begin(q, "XAUTOCLAIM");
    snprintf(idle, sizeof idle, "%" PRId64, t->by.reclaim_ms);
    snprintf(most, sizeof most, "%zu", t->cap);
    command_add(c, t->key);
    command_add(c, GROUP);
    command_add(c, t->by.consumer);
    command_add(c, idle);
    command_add(c, "0-0");
    command_add(c, "COUNT");
    command_add(c, most);
    redisReply *r = ask(q, LINK_TIMEOUT_MS);
    *missing = r != NULL && reply_is_error(r, "NOGROUP");
    if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements < 2)
        return judge(r) == ERR_OK || *missing ? ERR_OK : ERR_QUEUE_DOWN;
    *count = take_entries(q, t->by.job, r->element[1], out, t->cap);
    freeReplyObject(r);
    for (size_t i = 0; i < *count; i++)
        out[i].deliveries = count_deliveries(q, t->key, out[i].stream_id);
    return ERR_OK;
}

static enum err read_new(struct queue *q, const struct take *t, struct queue_message *out,
                         size_t *count, bool *missing)
{
    char most[NUMBER_MAX];
    char block[NUMBER_MAX];
    struct command *c = begin(q, "XREADGROUP");
    snprintf(most, sizeof most, "%zu", t->cap);
    snprintf(block, sizeof block, "%" PRId64, t->by.block_ms);
    command_add(c, "GROUP");
    command_add(c, GROUP);
    command_add(c, t->by.consumer);
    command_add(c, "COUNT");
    command_add(c, most);
    if (t->by.block_ms > 0) { /* BLOCK 0 would wait for ever */
        command_add(c, "BLOCK");
        command_add(c, block);
    }
    command_add(c, "STREAMS");
    command_add(c, t->key);
    command_add(c, ">");
    redisReply *r = ask(q, t->by.block_ms + LINK_TIMEOUT_MS);
    *missing = r != NULL && reply_is_error(r, "NOGROUP");
    if (r != NULL && r->type == REDIS_REPLY_ARRAY && r->elements == 1 &&
        r->element[0]->type == REDIS_REPLY_ARRAY && r->element[0]->elements == 2) {
        *count = take_entries(q, t->by.job, r->element[0]->element[1], out, t->cap);
        freeReplyObject(r);
        return ERR_OK;
    }
    return judge(r) == ERR_OK || *missing ? ERR_OK : ERR_QUEUE_DOWN;
}

static enum err take_once(struct queue *q, const struct take *t, struct queue_message *out,
                          size_t *count, bool *missing)
{
    int64_t now = clock_mono_ms();
    if (now >= q->next_reclaim_ms) {
        enum err e = reclaim(q, t, out, count, missing);
        if (e != ERR_OK || *missing)
            return e;
        /* a full haul means that there may be more */
        if (*count < t->cap)
            q->next_reclaim_ms = now + t->by.reclaim_ms / RECLAIM_PARTS;
        if (*count > 0)
            return ERR_OK;
    }
    return read_new(q, t, out, count, missing);
}

enum err queue_take(struct queue *q, const struct queue_reader *reader, struct queue_message *out,
                    size_t cap, size_t *count)
{
    char key[KEY_MAX];
    stream_key(q, reader->job, key);
    struct take t = {*reader, key, cap < BATCH_MAX ? cap : BATCH_MAX};
    size_t n = 0;
    bool missing = false;
    enum err e = take_once(q, &t, out, &n, &missing);
    if (e == ERR_OK && missing) { /* a new stream, or Redis was emptied */
        e = create_group(q, key);
        if (e == ERR_OK)
            e = take_once(q, &t, out, &n, &missing);
    }
    if (e == ERR_OK && missing)
        e = ERR_QUEUE_DOWN;
    if (e != ERR_OK)
        return e;
    if (n == 0)
        return ERR_EMPTY;
    *count = n;
    return ERR_OK;
}

static enum err ack_some(struct queue *q, const char *name, const char *key,
                         const struct queue_message *m, size_t count)
{
    struct command *c = begin(q, name);
    command_add(c, key);
    if (strcmp(name, "XACK") == 0)
        command_add(c, GROUP);
    for (size_t i = 0; i < count; i++)
        command_add(c, m[i].stream_id);
    return judge(ask(q, LINK_TIMEOUT_MS));
}

enum err queue_ack(struct queue *q, const char *job, const struct queue_message *messages,
                   size_t count)
{
    char key[KEY_MAX];
    stream_key(q, job, key);
    for (size_t at = 0; at < count; at += BATCH_MAX) {
        size_t n = count - at < BATCH_MAX ? count - at : BATCH_MAX;
        enum err e = ack_some(q, "XACK", key, messages + at, n);
        if (e == ERR_OK)
            e = ack_some(q, "XDEL", key, messages + at, n);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

enum err queue_depth(struct queue *q, const char *job, int64_t *out)
{
    char key[KEY_MAX];
    stream_key(q, job, key);
    command_add(begin(q, "XLEN"), key);
    redisReply *r = ask(q, LINK_TIMEOUT_MS);
    bool is_number = r != NULL && r->type == REDIS_REPLY_INTEGER;
    int64_t depth = is_number ? r->integer : 0;
    if (r != NULL)
        freeReplyObject(r);
    if (!is_number)
        return ERR_QUEUE_DOWN;
    *out = depth;
    return ERR_OK;
}

enum err queue_wake(struct queue *q, const char *topics, size_t len)
{
    char channel[KEY_MAX];
    snprintf(channel, sizeof channel, "%s:wake", q->prefix);
    struct command *c = begin(q, "PUBLISH");
    command_add(c, channel);
    command_addn(c, topics, len);
    return judge(ask(q, LINK_TIMEOUT_MS));
}
