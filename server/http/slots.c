/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of request slots, and how other threads reach a request: by its ticket. */
#include <stdlib.h>
#include <string.h>

#include "server/http/internal.h"

void ring_init(struct ring *head)
{
    head->prev = head;
    head->next = head;
}

void ring_add(struct ring *head, struct ring *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

void ring_remove(struct ring *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    ring_init(l);
}

/* A connection has one request at a time; held ones of clients that left need room as well. */
enum err slots_init(struct loop *l, int connections)
{
    l->chunk_max = (uint32_t)connections * 2 / SLOT_CHUNK + 1;
    l->chunks = calloc(l->chunk_max, sizeof *l->chunks);
    return l->chunks == NULL ? ERR_NO_MEMORY : ERR_OK;
}

static bool add_chunk(struct loop *l)
{
    if (l->chunk_count == l->chunk_max)
        return false;
    struct slot *chunk = calloc(SLOT_CHUNK, sizeof *chunk);
    if (chunk == NULL)
        return false;
    for (uint32_t i = SLOT_CHUNK; i-- > 0;) {
        struct slot *s = &chunk[i];
        s->loop = l;
        s->index = l->chunk_count * SLOT_CHUNK + i;
        arena_init(&s->rq.arena, REQUEST_ARENA_MAX_BYTES);
        buf_init(&s->rq.reply.body, HTTP_REPLY_MAX_BYTES);
        ring_init(&s->timer);
        ring_init(&s->parked);
        s->next_free = l->free_slots;
        l->free_slots = s;
    }
    l->chunks[l->chunk_count++] = chunk;
    return true;
}

/* Whatever the last request left is cleared, but for the memory worth keeping. */
static void clear_request(struct slot *s)
{
    struct http_request *rq = &s->rq;
    if (rq->json != NULL)
        json_decref(rq->json);
    if (s->body.len > 0)
        atomic_fetch_sub(&s->loop->server->body_bytes, s->body.len);
    if (s->body.cap > KEEP_BUFFER_BYTES)
        buf_clear(&s->body);
    buf_reset(&s->body);
    struct arena arena = rq->arena;
    struct buf reply = rq->reply.body;
    arena_reset(&arena);
    if (reply.cap > KEEP_BUFFER_BYTES)
        buf_clear(&reply);
    buf_reset(&reply);
    *rq = (struct http_request){.arena = arena, .reply.body = reply};
}

struct slot *slot_take(struct loop *l, struct conn *c)
{
    if (l->free_slots == NULL && !add_chunk(l))
        return NULL;
    struct slot *s = l->free_slots;
    l->free_slots = s->next_free;
    s->generation++;
    s->conn = c;
    s->mhd = c->mhd;
    s->phase = PHASE_HEAD;
    s->problem = ERR_OK;
    s->allow = NULL;
    s->head = (struct gate_head){0};
    s->operation = l->metrics.rows - 1;
    s->entered = s->discard = s->kill = s->suspended = s->soft = s->preference_applied = false;
    s->wants_park = s->is_parked = false;
    s->rate.counted = false;
    s->fixed_body = (struct bytes){NULL, 0};
    s->rq.ticket = (struct http_ticket){l->server, l->index, s->index, s->generation};
    c->slot = s;
    atomic_store_explicit(&l->busy_count,
                          atomic_load_explicit(&l->busy_count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    return s;
}

static void recycle(struct slot *s)
{
    struct loop *l = s->loop;
    if (s->entered && l->server->app.ended != NULL)
        l->server->app.ended(l->server->app.arg, &s->rq);
    s->entered = false;
    clear_request(s);
    s->generation++; /* tickets of this request are stale from here */
    s->next_free = l->free_slots;
    l->free_slots = s;
    atomic_store_explicit(&l->busy_count,
                          atomic_load_explicit(&l->busy_count, memory_order_relaxed) - 1,
                          memory_order_relaxed);
}

void slot_end(struct slot *s)
{
    timer_remove(s);
    topic_unlink(s);
    if (s->soft) /* the client left in the middle of the wait */
        s->loop->soft_count--;
    s->suspended = s->soft = false;
    s->mhd = NULL;
    if (s->conn != NULL)
        s->conn->slot = NULL;
    s->conn = NULL;
    if (atomic_load(&s->holds) == 0)
        recycle(s);
}

void slots_clear(struct loop *l)
{
    for (uint32_t i = 0; i < l->chunk_count; i++) {
        for (uint32_t k = 0; k < SLOT_CHUNK; k++) {
            struct slot *s = &l->chunks[i][k];
            if (s->entered && l->server->app.ended != NULL)
                l->server->app.ended(l->server->app.arg, &s->rq);
            clear_request(s);
            buf_clear(&s->body);
            buf_clear(&s->rq.reply.body);
            arena_clear(&s->rq.arena);
        }
        free(l->chunks[i]);
    }
    free(l->chunks);
}

/* From any thread. The list holds each slot once; of two marks the younger generation counts. */
static void mark(struct http_ticket t, bool resume)
{
    struct loop *l = t.server->loops[t.loop];
    struct slot *s = &l->chunks[t.slot / SLOT_CHUNK][t.slot % SLOT_CHUNK];
    pthread_mutex_lock(&l->lock);
    if (resume && t.generation > s->marked_generation)
        s->marked_generation = t.generation;
    if (!s->is_marked) {
        s->is_marked = true;
        s->next_marked = l->marked;
        l->marked = s;
    }
    pthread_mutex_unlock(&l->lock);
    atomic_store(&l->pending, true);
    atomic_store(&l->signal, true);
}

void http_resume(struct http_ticket t)
{
    mark(t, true);
}

void http_hold(struct http_request *rq)
{
    atomic_fetch_add(&slot_of(rq)->holds, 1);
}

void http_release(struct http_ticket t)
{
    struct loop *l = t.server->loops[t.loop];
    struct slot *s = &l->chunks[t.slot / SLOT_CHUNK][t.slot % SLOT_CHUNK];
    if (atomic_fetch_sub(&s->holds, 1) == 1)
        mark(t, false);
}

/* A slot is held but its request is gone: it waits for the last release. */
static bool is_orphan(const struct slot *s)
{
    return s->entered && s->mhd == NULL;
}

void slots_drain(struct loop *l)
{
    struct slot *todo = NULL;
    pthread_mutex_lock(&l->lock);
    for (struct slot *s = l->marked; s != NULL; s = s->next_marked) {
        s->is_marked = false;
        s->resume_due = s->marked_generation == s->generation;
        s->next_due = todo; /* next_marked may be overwritten once the lock is open */
        todo = s;
    }
    l->marked = NULL;
    pthread_mutex_unlock(&l->lock);
    while (todo != NULL) {
        struct slot *s = todo;
        todo = s->next_due;
        if (s->resume_due && s->suspended)
            slot_wake(s, false);
        else if (is_orphan(s) && atomic_load(&s->holds) == 0)
            recycle(s);
    }
}
