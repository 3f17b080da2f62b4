/* SPDX-License-Identifier: Apache-2.0 */
/* The wake bus. Versions are per hash bucket. A waker first raises the version and then looks for
 * parked requests; a parker first counts itself and then compares the version: with sequentially
 * consistent atomics one of the two sees the other, so no wake is lost. */
#include <sodium.h>
#include <string.h>

#include "server/core/clock.h"
#include "server/http/internal.h"

_Static_assert(sizeof(unsigned long) == 8, "a word of the woken map has 64 bits");
_Static_assert(crypto_shorthash_BYTES == 8 && crypto_shorthash_KEYBYTES == 16, "SipHash-2-4");

enum err topics_init(struct http_server *s)
{
    if (sodium_init() < 0)
        return ERR_INTERNAL;
    randombytes_buf(s->hash_key, sizeof s->hash_key);
    for (int i = 0; i < EMPTY_LOCKS; i++)
        pthread_mutex_init(&s->empty_locks[i], NULL);
    return ERR_OK;
}

void topics_clear(struct http_server *s)
{
    for (int i = 0; i < EMPTY_LOCKS; i++)
        pthread_mutex_destroy(&s->empty_locks[i]);
}

/* Keyed: nobody can choose topics that collide. */
static uint64_t hash_topic(const struct http_server *s, const char *topic, size_t len)
{
    uint64_t hash;
    uint8_t digest[crypto_shorthash_BYTES];
    crypto_shorthash(digest, (const uint8_t *)topic, len, s->hash_key);
    memcpy(&hash, digest, sizeof hash);
    return hash;
}

/* Both terms only grow, so an unchanged sum means that neither changed. */
static uint64_t version_of(struct http_server *s, uint32_t bucket)
{
    return atomic_load(&s->topic_versions[bucket]) + atomic_load(&s->topic_epoch);
}

uint64_t http_topic_version(struct http_server *s, const char *topic)
{
    return version_of(s, (uint32_t)(hash_topic(s, topic, strlen(topic)) % TOPIC_BUCKETS));
}

static void wake_loop(struct loop *l, uint32_t bucket)
{
    if (atomic_load(&l->parked_in[bucket]) == 0)
        return;
    atomic_fetch_or(&l->woken[bucket / 64], 1UL << (bucket % 64));
    atomic_store(&l->pending, true);
    atomic_store(&l->signal, true);
}

static void wake_all(struct http_server *s)
{
    atomic_fetch_add(&s->topic_epoch, 1);
    for (int i = 0; i < s->loop_count; i++) {
        atomic_store(&s->loops[i]->woken_all, true);
        atomic_store(&s->loops[i]->pending, true);
        atomic_store(&s->loops[i]->signal, true);
    }
}

void http_topic_wake(struct http_server *s, const char *topic, size_t len)
{
    if (len == 1 && topic[0] == '*') {
        wake_all(s);
        return;
    }
    uint32_t bucket = (uint32_t)(hash_topic(s, topic, len) % TOPIC_BUCKETS);
    atomic_fetch_add(&s->topic_versions[bucket], 1);
    for (int i = 0; i < s->loop_count; i++)
        wake_loop(s->loops[i], bucket);
}

void http_topic_park(struct http_request *rq, const char *topic, uint64_t version)
{
    struct slot *s = slot_of(rq);
    s->wants_park = true;
    s->topic_bucket = (uint32_t)(hash_topic(s->loop->server, topic, strlen(topic)) % TOPIC_BUCKETS);
    s->topic_version = version;
}

static void count_parked(struct loop *l, int change)
{
    atomic_store_explicit(&l->parked_count,
                          atomic_load_explicit(&l->parked_count, memory_order_relaxed) + change,
                          memory_order_relaxed);
}

/* The slot is suspended already, so a wake from here on finds something to resume. */
void topic_link(struct slot *s)
{
    struct loop *l = s->loop;
    s->wants_park = false;
    s->is_parked = true;
    s->preference_applied = true;
    ring_add(&l->parked[s->topic_bucket], &s->parked);
    count_parked(l, 1);
    atomic_fetch_add(&l->parked_in[s->topic_bucket], 1);
    if (version_of(l->server, s->topic_bucket) != s->topic_version)
        http_resume(s->rq.ticket);
}

void topic_unlink(struct slot *s)
{
    if (!s->is_parked)
        return;
    s->is_parked = false;
    ring_remove(&s->parked);
    count_parked(s->loop, -1);
    atomic_fetch_sub(&s->loop->parked_in[s->topic_bucket], 1);
}

static void wake_bucket(struct loop *l, uint32_t bucket)
{
    struct ring *next;
    uint64_t version = version_of(l->server, bucket);
    for (struct ring *at = l->parked[bucket].next; at != &l->parked[bucket]; at = next) {
        next = at->next; /* slot_wake unlinks its own slot only */
        struct slot *s = RING_OF(struct slot, parked, at);
        if (s->topic_version != version)
            slot_wake(s, false);
    }
}

void topics_drain(struct loop *l)
{
    bool all = atomic_exchange(&l->woken_all, false);
    for (uint32_t w = 0; w < TOPIC_WORDS; w++) {
        unsigned long bits = atomic_load(&l->woken[w]) == 0 ? 0 : atomic_exchange(&l->woken[w], 0);
        if (all)
            bits = ~0UL;
        while (bits != 0) {
            wake_bucket(l, w * 64 + (uint32_t)__builtin_ctzl(bits));
            bits &= bits - 1;
        }
    }
}

/* For the drain: every poll gets its answer now, as at its deadline. */
void topics_release_all(struct loop *l)
{
    for (uint32_t b = 0; b < TOPIC_BUCKETS; b++) {
        while (l->parked[b].next != &l->parked[b])
            slot_wake(RING_OF(struct slot, parked, l->parked[b].next), true);
    }
}

bool http_may_park(struct http_server *s)
{
    int parked = 0;
    for (int i = 0; i < s->loop_count; i++)
        parked += atomic_load_explicit(&s->loops[i]->parked_count, memory_order_relaxed);
    return parked < s->options.connections / 2 && atomic_load(&s->stage) == STAGE_RUNNING;
}

void http_topic_set_empty(struct http_server *s, const char *topic, uint64_t version,
                          int64_t max_age_ms)
{
    uint64_t hash = hash_topic(s, topic, strlen(topic));
    pthread_mutex_t *lock = &s->empty_locks[hash % EMPTY_LOCKS]; /* divides EMPTY_CELLS */
    pthread_mutex_lock(lock);
    s->empty[hash % EMPTY_CELLS] = (struct empty_cell){hash, version, clock_mono_ms() + max_age_ms};
    pthread_mutex_unlock(lock);
}

bool http_topic_known_empty(struct http_server *s, const char *topic)
{
    uint64_t hash = hash_topic(s, topic, strlen(topic));
    pthread_mutex_t *lock = &s->empty_locks[hash % EMPTY_LOCKS];
    pthread_mutex_lock(lock);
    struct empty_cell cell = s->empty[hash % EMPTY_CELLS];
    pthread_mutex_unlock(lock);
    return cell.topic_hash == hash && cell.until_mono_ms > clock_mono_ms() &&
           cell.version == version_of(s, (uint32_t)(hash % TOPIC_BUCKETS));
}
