/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, and the request on it. Everything belongs to one loop's thread unless marked
 * otherwise. */
#ifndef CF_HTTP_SLOT_H
#define CF_HTTP_SLOT_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <stddef.h>

#include "server/http/gate.h"
#include "server/http/http.h"
#include "server/http/limits.h"

/* In conn.idle_bytes: a request has begun, so its deadline stands already. */
#define CONN_BYTES_STARTED UINT64_MAX

struct slot;
struct loop;

struct ring {
    struct ring *prev, *next; /* a list's head points at itself when empty */
};

/* One TCP connection. */
struct conn {
    struct ring all;
    struct slot *slot; /* the request being read, worked on or answered; NULL between requests */
    struct MHD_Connection *mhd;
    int fd;
    int64_t deadline_ms; /* past it the socket is shut down; INT64_MAX while we are at work */
    uint64_t idle_bytes; /* bytes received when a sweep first saw the connection idle */
    bool idle_seen;
    uint8_t address[16];
};

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_AUTH, PHASE_HANDLE, PHASE_SENT };

/* One request. Slots are never freed before the server, so a stale ticket finds memory that is
 * ours. */
struct slot {
    struct http_request rq; /* first: a request's slot is found by a cast */
    struct loop *loop;
    struct conn *conn;
    struct MHD_Connection *mhd; /* NULL: MHD has let go of the request */
    uint32_t index;
    uint64_t generation;
    struct slot *next_free;
    enum phase phase;
    enum err problem;  /* why the request is refused before a handler sees it */
    const char *allow; /* for 405 and OPTIONS */
    struct gate_head head;
    enum gate_method method;
    const char *path;
    size_t path_len;
    const char *query;      /* after '?', raw; "" when absent */
    const char *version_at; /* where MHD must find the version if the target holds no NUL */
    size_t operation;       /* row of the metrics */
    int64_t started_us;
    bool entered; /* the api layer has seen it: `ended` is due */
    bool discard; /* the body is read and dropped */
    bool kill;
    bool suspended;
    bool soft; /* suspended, but libmicrohttpd does not know */
    bool preference_applied;
    struct limits_state rate;
    char id[TYPEID_TEXT_MAX];
    struct buf body;
    struct bytes fixed_body; /* built-in bodies that outlive the reply */
    /* timers.c */
    struct ring timer;
    int64_t timer_at_ms;
    /* topics.c */
    struct ring parked;
    bool wants_park;
    bool is_parked;
    uint32_t topic_bucket;
    uint64_t topic_version;
    /* slots.c, shared between threads */
    atomic_uint holds;
    struct slot *next_marked;   /* under loop->lock */
    uint64_t marked_generation; /* under loop->lock; 0 none */
    bool is_marked;             /* under loop->lock */
    bool resume_due;
    struct slot *next_due;
};

void ring_init(struct ring *head);
void ring_add(struct ring *head, struct ring *l);
void ring_remove(struct ring *l);
#define RING_OF(type, member, l) ((type *)(void *)((char *)(l)-offsetof(type, member)))

static inline struct slot *slot_of(struct http_request *rq)
{
    return (struct slot *)(void *)rq;
}

#endif
