/* SPDX-License-Identifier: Apache-2.0 */
/* Natural batching: whatever waits for one statement when the writer becomes free goes together. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "server/db/engine_impl.h"

enum { BUSY_WAIT_MAX_MS = 32, EXAMINED_PER_CALL = 4 };

void jobs_init(struct job_list *l)
{
    *l = (struct job_list){.tail = &l->head};
}

void jobs_push(struct job_list *l, struct job *j)
{
    j->next = NULL;
    *l->tail = j;
    l->tail = &j->next;
    l->count++;
}

struct job *jobs_pop(struct job_list *l)
{
    struct job *j = l->head;
    if (j == NULL)
        return NULL;
    l->head = j->next;
    if (l->head == NULL)
        l->tail = &l->head;
    l->count--;
    return j;
}

void pending_init(struct writer *w)
{
    w->ready_tail = &w->ready_head;
    jobs_init(&w->delayed);
    buf_init(&w->scratch, ENCODE_MAX_BYTES);
}

void pending_free(struct writer *w)
{
    for (size_t i = 0; i < STMT_BUCKETS; i++) {
        while (w->known[i] != NULL) {
            struct stmt_queue *q = w->known[i];
            w->known[i] = q->next_known;
            free(q);
        }
    }
    buf_clear(&w->scratch);
}

static struct stmt_queue *find_queue(struct writer *w, const struct db_stmt *s)
{
    uint64_t h = (uint64_t)(uintptr_t)s * UINT64_C(0x9e3779b97f4a7c15);
    struct stmt_queue **bucket = &w->known[h >> 58]; /* six bits: STMT_BUCKETS */
    for (struct stmt_queue *q = *bucket; q != NULL; q = q->next_known) {
        if (q->stmt == s)
            return q;
    }
    struct stmt_queue *q = calloc(1, sizeof *q);
    if (q == NULL)
        return NULL;
    q->stmt = s;
    q->next_known = *bucket;
    jobs_init(&q->waiting);
    *bucket = q;
    return q;
}

static void make_ready(struct writer *w, struct stmt_queue *q)
{
    if (q->ready)
        return;
    q->ready = true;
    q->next_ready = NULL;
    *w->ready_tail = q;
    w->ready_tail = &q->next_ready;
}

static struct stmt_queue *pop_ready(struct writer *w)
{
    struct stmt_queue *q = w->ready_head;
    if (q == NULL)
        return NULL;
    w->ready_head = q->next_ready;
    if (w->ready_head == NULL)
        w->ready_tail = &w->ready_head;
    q->ready = false;
    return q;
}

bool pending_push(struct writer *w, struct job *j)
{
    struct stmt_queue *q = find_queue(w, j->stmt);
    if (q == NULL)
        return false;
    jobs_push(&q->waiting, j);
    make_ready(w, q);
    return true;
}

void pending_delay(struct db_engine *e, struct job *j)
{
    int64_t wait_ms = j->tries < 5 ? INT64_C(1) << j->tries : BUSY_WAIT_MAX_MS;
    j->tries++;
    j->due_ms = e->now_ms + wait_ms;
    jobs_push(&e->writer.delayed, j);
}

/* True when key is new to the batch being built. */
static bool first_of_key(struct writer *w, uint64_t key)
{
    if (key == 0)
        return true;
    size_t i = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    for (i %= DEDUPE_SLOTS; w->seen[i] != 0; i = (i + 1) % DEDUPE_SLOTS) {
        if (w->seen[i] == key)
            return false;
    }
    w->seen[i] = key;
    return true;
}

static struct batch *batch_new(const struct db_stmt *s, int cap)
{
    struct batch *b = malloc(sizeof *b + (size_t)cap * sizeof b->jobs[0]);
    if (b != NULL)
        *b = (struct batch){.stmt = s};
    return b;
}

/* Takes calls in order, passing over those whose key is in the batch already: they keep their
 * place for the next one. */
static struct batch *build(struct db_engine *e, struct stmt_queue *q)
{
    struct writer *w = &e->writer;
    struct job_list rest;
    size_t bytes = 0;
    int max = e->options.batch_max;
    int examined = 0;
    struct batch *b = batch_new(q->stmt, q->waiting.count < max ? q->waiting.count : max);
    if (b == NULL)
        return NULL;
    memset(w->seen, 0, sizeof w->seen);
    jobs_init(&rest);
    while (q->waiting.head != NULL && b->count < max && bytes < BATCH_BYTES_MAX &&
           examined++ < EXAMINED_PER_CALL * max) {
        struct job *j = jobs_pop(&q->waiting);
        if (!first_of_key(w, j->dedupe)) {
            jobs_push(&rest, j);
            continue;
        }
        bytes += encode_size(j->stmt, j->params);
        b->jobs[b->count++] = j;
    }
    if (rest.head != NULL) { /* put back in front */
        *rest.tail = q->waiting.head;
        if (q->waiting.head == NULL)
            q->waiting.tail = rest.tail;
        q->waiting.head = rest.head;
        q->waiting.count += rest.count;
    }
    return b;
}

static struct batch *take_again(struct db_engine *e)
{
    for (struct batch **p = &e->writer.again; *p != NULL; p = &(*p)->next) {
        struct batch *b = *p;
        if (b->due_ms <= e->now_ms) {
            *p = b->next;
            return b;
        }
    }
    return NULL;
}

static struct batch *take_fresh(struct db_engine *e)
{
    struct writer *w = &e->writer;
    struct stmt_queue *q = pop_ready(w);
    while (q != NULL && q->waiting.head == NULL) /* its calls timed out */
        q = pop_ready(w);
    if (q == NULL)
        return NULL;
    struct batch *b = build(e, q);
    if (q->waiting.head != NULL)
        make_ready(w, q);
    return b;
}

struct batch *pending_take(struct db_engine *e)
{
    struct writer *w = &e->writer;
    /* groups that failed and fresh calls take turns: neither starves the other */
    w->again_last = !w->again_last;
    struct batch *b = w->again_last ? take_again(e) : take_fresh(e);
    if (b == NULL)
        b = w->again_last ? take_fresh(e) : take_again(e);
    return b;
}

void pending_again(struct db_engine *e, struct batch *b, int64_t wait_ms)
{
    struct batch **p = &e->writer.again;
    while (*p != NULL)
        p = &(*p)->next;
    b->next = NULL;
    b->due_ms = e->now_ms + wait_ms;
    *p = b;
}

bool pending_split(struct db_engine *e, struct batch *b)
{
    int half = b->count / 2;
    struct batch *second = batch_new(b->stmt, b->count - half);
    if (second == NULL)
        return false;
    second->count = b->count - half;
    memcpy(second->jobs, b->jobs + half, (size_t)second->count * sizeof b->jobs[0]);
    b->count = half;
    b->tries = 1; /* the whole was repeated where that makes sense */
    second->tries = 1;
    pending_again(e, b, 0);
    pending_again(e, second, 0);
    atomic_fetch_add(&e->bisections, 1);
    return true;
}

void batch_answer(struct db_engine *e, struct batch *b, enum err result)
{
    for (int i = 0; i < b->count; i++)
        engine_answer(e, b->jobs[i], result, NULL);
    free(b);
}

static void answer_queues(struct db_engine *e, int64_t submitted_before_ms, enum err result)
{
    for (size_t i = 0; i < STMT_BUCKETS; i++) {
        for (struct stmt_queue *q = e->writer.known[i]; q != NULL; q = q->next_known) {
            while (q->waiting.head != NULL && q->waiting.head->submitted_ms < submitted_before_ms)
                engine_answer(e, jobs_pop(&q->waiting), result, NULL);
        }
    }
    /* what stands in `again` was rolled back or never sent */
    for (struct batch **p = &e->writer.again; *p != NULL;) {
        struct batch *b = *p;
        if (b->jobs[0]->submitted_ms >= submitted_before_ms) {
            p = &b->next;
            continue;
        }
        *p = b->next;
        batch_answer(e, b, result);
    }
}

void pending_check(struct db_engine *e)
{
    struct job_list *delayed = &e->writer.delayed;
    for (int n = delayed->count; n > 0; n--) {
        struct job *j = jobs_pop(delayed);
        if (j->due_ms > e->now_ms || !pending_push(&e->writer, j))
            jobs_push(delayed, j);
    }
    if (e->now_ms - e->writer.checked_ms < TICK_MS)
        return;
    e->writer.checked_ms = e->now_ms;
    answer_queues(e, e->now_ms - e->options.timeout_ms, ERR_TIMEOUT);
}

void pending_stop(struct db_engine *e)
{
    struct job *j;
    while ((j = jobs_pop(&e->writer.delayed)) != NULL)
        engine_answer(e, j, ERR_UNAVAILABLE, NULL);
    answer_queues(e, INT64_MAX, ERR_UNAVAILABLE);
}

int64_t pending_wait_ms(const struct db_engine *e)
{
    const struct writer *w = &e->writer;
    int64_t due = INT64_MAX;
    for (const struct job *j = w->delayed.head; j != NULL; j = j->next)
        due = j->due_ms < due ? j->due_ms : due;
    for (const struct batch *b = w->again; b != NULL; b = b->next)
        due = b->due_ms < due ? b->due_ms : due;
    if (due == INT64_MAX)
        return -1;
    return due > e->now_ms ? due - e->now_ms : 0;
}
