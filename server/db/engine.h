/* SPDX-License-Identifier: Apache-2.0 */
/* The asynchronous one-statement engine of the API: one thread, pipelined read connections, one
 * writer connection with natural micro-batching. */
#ifndef CF_DB_ENGINE_H
#define CF_DB_ENGINE_H

#include "server/db/stmt.h"

struct db_engine;

struct db_engine_options {
    const char *uri;
    int readers;
    int batch_max;
    int queue_max;
    int64_t timeout_ms; /* statement_timeout; also the longest wait in the queue */
    /* Called on the engine's thread after COMMIT was confirmed, once per topic word of a batch's
     * wake columns. */
    void (*on_wake)(void *arg, const char *topic, size_t len); /* may be NULL */
    void *on_wake_arg;
    /* Called on the engine's thread after a series of done and on_wake calls, before it waits
     * again: the place to wake whoever those calls only marked. May be NULL. */
    void (*on_burst_end)(void *arg);
    void *on_burst_end_arg;
};

/* Called once per accepted call, on the engine's thread, in no lock. e is ERR_OK with rows
 * (borrowed: db_rows_ref to keep), or with rows NULL: ERR_DB_CONFLICT (constraint or lock timeout),
 * ERR_DB_RETRY (for a batch: unknown whether it was committed; repeat with the same idempotency
 * key), ERR_DB_FAULT, ERR_TIMEOUT (not done), ERR_UNAVAILABLE (stopping).
 * For a batch ERR_OK means committed, and the outcome row says how the call was judged. */
typedef void (*db_done)(void *arg, enum err e, struct db_rows *rows);

struct db_engine_stats {
    uint64_t calls, batches, batch_rows, retries, bisections, busy_requeues, reconnects;
    int queued;
    bool connected;
};

/* Connects in the background: a database that is down is no error here (see stats.connected), a
 * malformed uri is ERR_PARSE. */
enum err db_engine_new(const struct db_engine_options *o, struct db_engine **out) CF_MUST_CHECK;
/* Thread-safe, also inside done. The call is copied, what its DB_TEXT and DB_BYTES values point to
 * is borrowed until done is called. ERR_UNAVAILABLE when the queue is full or stopping. */
enum err db_engine_submit(struct db_engine *e, const struct db_call *call, db_done done,
                          void *arg) CF_MUST_CHECK;
void db_engine_stats(struct db_engine *e, struct db_engine_stats *out);
/* Answers everything still queued with ERR_UNAVAILABLE, waits for the batch in flight, joins the
 * thread. */
void db_engine_free(struct db_engine *e);

#endif
