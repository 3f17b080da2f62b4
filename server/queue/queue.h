/* SPDX-License-Identifier: Apache-2.0 */
/* Redis: work streams with consumer groups, and the wake channel between processes. May lose
 * everything at any moment. */
#ifndef CF_QUEUE_QUEUE_H
#define CF_QUEUE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/err.h"
#include "server/core/ids.h"

struct queue;

enum { QUEUE_ID_MAX = 48, QUEUE_TOPIC_MAX = 64, QUEUE_WAKE_MAX = 256 };

/* A message names a row of the table work and the version it was published for; nothing else. */
struct queue_message {
    char stream_id[QUEUE_ID_MAX];
    struct uuid work;
    int64_t version;
    int deliveries;
};

/* address: "unix:/path" or "host:port"; prefix: of every key. Connects lazily; every call
 * reconnects a broken link once and answers ERR_QUEUE_DOWN when that fails. One thread per struct
 * queue. */
enum err queue_new(const char *address, const char *prefix, struct queue **out) CF_MUST_CHECK;
void queue_free(struct queue *q);

/* XADD to the stream of a worker job; count messages pipelined. */
enum err queue_publish(struct queue *q, const char *job, const struct queue_message *messages,
                       size_t count) CF_MUST_CHECK;
/* Who takes, and how patiently. */
struct queue_reader {
    const char *job;
    const char *consumer;
    int64_t block_ms;   /* longest wait; 0: none */
    int64_t reclaim_ms; /* a message idle for so long is taken from its consumer */
};
/* XREADGROUP (and XAUTOCLAIM): up to cap messages; ERR_EMPTY after block_ms. Creates the group when
 * it is missing. */
enum err queue_take(struct queue *q, const struct queue_reader *reader, struct queue_message *out,
                    size_t cap, size_t *count) CF_MUST_CHECK;
/* XACK and XDEL. */
enum err queue_ack(struct queue *q, const char *job, const struct queue_message *messages,
                   size_t count) CF_MUST_CHECK;
/* Length of a stream, for metrics. */
enum err queue_depth(struct queue *q, const char *job, int64_t *out) CF_MUST_CHECK;

/* PUBLISH topic words (space-separated) on the wake channel. */
enum err queue_wake(struct queue *q, const char *topics, size_t len) CF_MUST_CHECK;

/* A thread of its own that subscribes to the wake channel and calls on_wake for each topic word;
 * after a reconnect it calls on_wake with "*" (anything may have been missed). */
struct queue_listener;
enum err queue_listener_new(const char *address, const char *prefix,
                            void (*on_wake)(void *arg, const char *topic, size_t len), void *arg,
                            struct queue_listener **out) CF_MUST_CHECK;
void queue_listener_free(struct queue_listener *l);

#endif
