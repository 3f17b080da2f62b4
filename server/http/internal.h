/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of server/http share. Everything belongs to one loop's thread unless marked
 * otherwise. Threads outside reach a loop through the list of slots.c and the flags of topics.c. */
#ifndef CF_HTTP_INTERNAL_H
#define CF_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/http/http.h"
#include "server/http/limits.h"
#include "server/http/metrics.h"
#include "server/http/router.h"
#include "server/http/slot.h"
#include "server/http/static.h"

enum {
    CONN_MEMORY_BYTES = 12 * 1024,
    REQUEST_ARENA_MAX_BYTES = 1024 * 1024,
    BODY_DRAIN_MAX_BYTES = 2 * 1024 * 1024, /* a refused body is read up to here, then cut */
    BODIES_MAX_BYTES = 256 * 1024 * 1024,   /* request bodies in memory, over all loops */
    KEEP_BUFFER_BYTES = 64 * 1024,          /* larger buffers are freed after their request */
    KEEPALIVE_IDLE_MS = 65 * 1000,
    REPLY_SEND_MS = 60 * 1000,
    SWEEP_MAX_MS = 500,
    SLOT_CHUNK = 64,
    WHEEL_BUCKETS = 512,
    WHEEL_TICK_MS = 16,
    TOPIC_BUCKETS = 8192,
    TOPIC_WORDS = TOPIC_BUCKETS / 64,
    EMPTY_CELLS = 8192,
    EMPTY_LOCKS = 64,
    SOFT_WAITS_MAX = 256,
    SOFT_IDLE_RUNS = 2,
    LOOPS_MAX = 8
};

enum stage { STAGE_RUNNING, STAGE_DRAINING, STAGE_QUIET, STAGE_STOPPING };

struct loop {
    struct http_server *server;
    uint32_t index;
    pthread_t thread;
    bool started;
    struct MHD_Daemon *daemon;
    int listen_fd, epoll_fd, event_fd;
    int64_t now_ms; /* of this turn */
    int64_t next_sweep_ms;
    int64_t wall_ahead_ms; /* wall clock less monotonic clock, as of the last sweep */
    enum stage stage;      /* the last one acted upon */
    uint64_t random;       /* state of the request ids' generator */
    struct slot **chunks;
    uint32_t chunk_count, chunk_max;
    struct slot *free_slots;
    struct ring conns;
    struct ring wheel[WHEEL_BUCKETS];
    int64_t wheel_tick;
    size_t wheel_count;
    struct ring parked[TOPIC_BUCKETS];
    int soft_count;
    int idle_runs; /* runs of libmicrohttpd in a row that moved nothing */
    bool progress; /* the last one moved something */
    atomic_int conn_count, busy_count, parked_count; /* written here, read by all */
    struct metrics_table metrics;
    /* shared between threads */
    pthread_mutex_t lock;
    struct slot *marked;
    atomic_bool pending; /* something waits in marked or woken */
    atomic_bool signal;  /* ... and http_flush has not written event_fd for it yet */
    atomic_bool woken_all;
    atomic_uint parked_in[TOPIC_BUCKETS];
    atomic_ulong woken[TOPIC_WORDS];
};

struct empty_cell {
    uint64_t topic_hash;
    uint64_t version;
    int64_t until_mono_ms;
};

struct http_server {
    struct http_options options;
    struct http_app app;
    struct router *router;
    struct static_files *files;
    struct limits *limits;
    struct MHD_Daemon *metrics_daemon;
    uint16_t port, metrics_port;
    int loop_count;
    struct loop *loops[LOOPS_MAX];
    atomic_int stage;
    atomic_size_t body_bytes;
    atomic_ulong topic_epoch;
    atomic_ulong topic_versions[TOPIC_BUCKETS];
    uint8_t hash_key[16];
    pthread_mutex_t empty_locks[EMPTY_LOCKS];
    struct empty_cell empty[EMPTY_CELLS];
};

/* slots.c */
enum err slots_init(struct loop *l, int connections) CF_MUST_CHECK;
void slots_clear(struct loop *l);
struct slot *slot_take(struct loop *l, struct conn *c); /* NULL: none left */
void slot_end(struct slot *s);                          /* MHD let go; recycles unless held */
void slots_drain(struct loop *l);                       /* acts on what other threads marked */

/* loop.c */
void *loop_main(void *arg);
void loop_signal(struct loop *l);
void slot_suspend(struct slot *s, int64_t deadline_mono_ms);
void slot_wake(struct slot *s, bool by_deadline);

/* timers.c */
void timers_init(struct loop *l);
void timer_add(struct slot *s, int64_t at_ms);
void timer_remove(struct slot *s);
void timers_run(struct loop *l);

/* sweep.c */
void conn_notify(void *cls, struct MHD_Connection *mhd, void **context,
                 enum MHD_ConnectionNotificationCode code);
void sweep_run(struct loop *l);

/* topics.c */
enum err topics_init(struct http_server *s) CF_MUST_CHECK;
void topics_clear(struct http_server *s);
void topic_link(struct slot *s);
void topic_unlink(struct slot *s);
void topics_drain(struct loop *l);
void topics_release_all(struct loop *l);

/* request.c */
void *request_begin(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result request_access(void *cls, struct MHD_Connection *mhd, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *data_size, void **context);
void request_completed(void *cls, struct MHD_Connection *mhd, void **context,
                       enum MHD_RequestTerminationCode code);

/* input.c: what a handler may rely on, after the caller is known */
enum err input_path_params(struct slot *s, const struct router_match *m) CF_MUST_CHECK;
enum err input_prepare(struct slot *s) CF_MUST_CHECK;

/* health.c: the paths that no route has; false when the path is none of them */
bool builtin_reply(struct slot *s);

/* reply.c */
enum MHD_Result reply_send(struct slot *s);
enum MHD_Result reply_problem(struct slot *s, enum err e);

#endif
