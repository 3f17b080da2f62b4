/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the engine; private to server/db. Everything here belongs to the engine's thread,
 * except what is marked shared. */
#ifndef CF_DB_ENGINE_IMPL_H
#define CF_DB_ENGINE_IMPL_H

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/core/buf.h"
#include "server/db/encode.h"
#include "server/db/engine.h"
#include "server/db/rows.h"
#include "server/db/session.h"

enum {
    READERS_MAX = 16,
    BATCH_MAX = 512,
    BATCH_BYTES_MAX = 8 * 1024 * 1024, /* beyond it a batch takes no further call */
    BUSY_TRIES_MAX = 20,
    READ_TRIES_MAX = 3,
    BATCH_TRIES_MAX = 4,   /* of one group of calls, before it is split or answered */
    READ_FLIGHT_MAX = 256, /* calls in flight on one read connection */
    READ_GROUP_MAX = 64,   /* calls between two syncs */
    HANG_GRACE_MS = 2000,  /* beyond the statement timeout: then the connection is dead */
    STMT_BUCKETS = 64,
    DEDUPE_SLOTS = 4 * BATCH_MAX,
    TICK_MS = 100 /* while anything waits */
};

/* One accepted call. */
struct job {
    struct job *next;
    const struct db_stmt *stmt;
    db_done done;
    void *arg;
    uint64_t dedupe;
    int64_t submitted_ms;
    int64_t due_ms; /* while delayed */
    int tries;      /* reads: sent; batches: found busy */
    bool alone;     /* reads: an own sync, after a neighbour's error */
    struct db_value params[];
};

/* Singly linked, first in first out. */
struct job_list {
    struct job *head;
    struct job **tail;
    int count;
};
void jobs_init(struct job_list *l);
void jobs_push(struct job_list *l, struct job *j);
struct job *jobs_pop(struct job_list *l);

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_UP };

/* One connection and its place in epoll. */
struct link {
    struct db_engine *engine;
    const char *role; /* for the log */
    PGconn *pg;
    int fd; /* as registered, -1: none */
    uint32_t events;
    enum link_state state;
    bool pipelined;
    bool complained;    /* that it cannot connect */
    bool unsafe_notice; /* since it was last cleared */
    unsigned failures;  /* in a row */
    int64_t retry_ms;   /* LINK_DOWN: next try */
    int64_t since_ms;   /* LINK_CONNECTING: start */
    struct session_prepared prepared;
};

/* Calls of one statement that were or will be sent together. */
struct batch {
    struct batch *next;
    const struct db_stmt *stmt;
    int count;
    int tries;
    int64_t due_ms;
    struct job *jobs[];
};

/* Waiting calls of one statement; in the ring while it has some. */
struct stmt_queue {
    struct stmt_queue *next_known; /* of its bucket */
    struct stmt_queue *next_ready;
    bool ready;
    const struct db_stmt *stmt;
    struct job_list waiting;
};

enum writer_step { WRITER_IDLE, WRITER_PREPARING, WRITER_RUNNING };
/* At most one batch in flight. */
struct writer {
    struct link link;
    enum writer_step step;
    struct batch *flight;
    int64_t sent_ms;
    PGresult *rows;  /* of the flight, so far */
    PGresult *error; /* first error of the flight */
    struct buf scratch;
    struct stmt_queue *known[STMT_BUCKETS];
    struct stmt_queue *ready_head;
    struct stmt_queue **ready_tail;
    struct batch *again; /* groups to send again, and halves of failed batches */
    bool again_last;     /* fairness: retries and fresh calls take turns */
    struct job_list delayed;
    int64_t checked_ms;
    uint64_t seen[DEDUPE_SLOTS]; /* dedupe keys of the batch being built */
};

enum sent_kind { SENT_PREPARE, SENT_QUERY, SENT_SYNC };
enum sent_fate { FATE_OPEN, FATE_DOOMED, FATE_ORPHANED };
struct sent {
    enum sent_kind kind;
    enum sent_fate fate;
    bool answered;
    int64_t sent_ms;
    const struct db_stmt *stmt; /* SENT_PREPARE */
    struct job *job;            /* SENT_QUERY */
};
enum { SENT_MAX = 1024 }; /* power of two, above READ_FLIGHT_MAX * 3 */
struct reader {
    struct link link;
    struct sent sent[SENT_MAX];
    unsigned head;
    unsigned tail;
    int flight;   /* SENT_QUERY between head and tail */
    int unsynced; /* calls since the last sync */
};

struct db_engine {
    struct db_engine_options options;
    char *uri;
    pthread_t thread;
    int epoll;
    int wake; /* eventfd, shared */
    /* shared: the submit stack and its flags */
    _Atomic(struct job *) submitted;
    atomic_bool waking;      /* the eventfd was written and not yet read */
    atomic_bool writer_busy; /* then a new batched call need not wake the thread */
    atomic_bool stopping;
    atomic_int queued;
    atomic_bool connected;
    _Atomic uint64_t calls, batches, batch_rows, retries, bisections, busy_requeues, reconnects;

    int64_t now_ms; /* of this turn of the loop */
    bool burst;     /* somebody was called back in this turn */
    bool ending;    /* nothing new is sent */
    struct job_list reads;
    struct writer writer;
    struct reader readers[READERS_MAX];
};

void engine_answer(struct db_engine *e, struct job *j, enum err result, struct db_rows *rows);
void engine_collect(struct db_engine *e);
void engine_log_failure(const char *what, const struct db_stmt *s, const PGresult *r);

/* link.c: connecting and watching. */
void link_init(struct link *l, struct db_engine *e, const char *role, bool pipelined);
/* Starts or, on an event, continues to connect. */
void link_step(struct link *l, bool event);
/* Call after sending. False: the connection is gone. */
bool link_flush(struct link *l);
void link_close(struct link *l);
/* Ms until link_step has something to do by time alone, -1 for never. */
int64_t link_wait_ms(const struct link *l);

/* batch.c: what waits for the writer, and which calls go together. */
void pending_init(struct writer *w);
void pending_free(struct writer *w);
/* False: out of memory, the job is still the caller's. */
bool pending_push(struct writer *w, struct job *j);
/* A call that was found busy: back into its queue after a while. */
void pending_delay(struct db_engine *e, struct job *j);
struct batch *pending_take(struct db_engine *e);
/* A group that was rolled back: once more, not before wait_ms. */
void pending_again(struct db_engine *e, struct batch *b, int64_t wait_ms);
/* Two groups of one, to corner the bad call; false: out of memory. */
bool pending_split(struct db_engine *e, struct batch *b);
/* Returns the delayed to their queues, answers the overdue. */
void pending_check(struct db_engine *e);
void pending_stop(struct db_engine *e);
int64_t pending_wait_ms(const struct db_engine *e);
void batch_answer(struct db_engine *e, struct batch *b, enum err result);

/* writer.c: the write connection. */
void writer_start(struct db_engine *e);
void writer_event(struct db_engine *e, bool readable);
void writer_check(struct db_engine *e);

/* pipeline.c: the read connections. */
void readers_start(struct db_engine *e);
void readers_event(struct db_engine *e, struct reader *r, bool readable);
void readers_check(struct db_engine *e);
int readers_flight(const struct db_engine *e);

#endif
