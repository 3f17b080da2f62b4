/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/limits.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* A token has MINUTE_MS units, so that every millisecond adds a whole number: per_minute. */
enum { SETS = 16384, WAYS = 4, LOCKS = 64, MINUTE_MS = 60000, SECOND_MS = 1000 };

/* A bucket that was pushed out starts full again: with 65,536 buckets an attacker needs as many
 * addresses as that to gain anything. */
struct bucket {
    uint64_t id_hash; /* keyed, so nobody can choose a collision */
    int64_t units;
    int64_t at_ms; /* when units was true; 0: unused */
};

struct limits {
    int64_t per_minute;
    uint8_t key[crypto_shorthash_KEYBYTES];
    pthread_mutex_t locks[LOCKS];
    struct bucket buckets[SETS][WAYS];
};

enum err limits_new(int64_t per_minute, struct limits **out)
{
    if (sodium_init() < 0)
        return ERR_INTERNAL;
    struct limits *l = calloc(1, sizeof *l);
    if (l == NULL)
        return ERR_NO_MEMORY;
    l->per_minute = per_minute;
    randombytes_buf(l->key, sizeof l->key);
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_init(&l->locks[i], NULL);
    *out = l;
    return ERR_OK;
}

void limits_free(struct limits *l)
{
    if (l == NULL)
        return;
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&l->locks[i]);
    free(l);
}

int64_t limits_per_minute(const struct limits *l)
{
    return l->per_minute;
}

/* The bucket of hash, or the one of its set that was idle the longest, made full. */
static struct bucket *bucket_for(struct limits *l, uint64_t hash, int64_t now_ms)
{
    struct bucket *set = l->buckets[hash % SETS];
    struct bucket *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].at_ms != 0 && set[i].id_hash == hash)
            return &set[i];
        if (set[i].at_ms < oldest->at_ms)
            oldest = &set[i];
    }
    *oldest = (struct bucket){hash, l->per_minute * MINUTE_MS, now_ms};
    return oldest;
}

static int64_t seconds_for(const struct limits *l, int64_t units)
{
    int64_t per_second = l->per_minute * SECOND_MS;
    return units <= 0 ? 0 : (units + per_second - 1) / per_second;
}

bool limits_take(struct limits *l, const uint8_t id[LIMITS_ID_BYTES], bool is_key, int64_t now_ms,
                 struct limits_state *out)
{
    uint8_t text[LIMITS_ID_BYTES + 1];
    uint64_t hash;
    uint8_t digest[crypto_shorthash_BYTES];
    memcpy(text, id, LIMITS_ID_BYTES);
    text[LIMITS_ID_BYTES] = is_key;
    crypto_shorthash(digest, text, sizeof text, l->key);
    memcpy(&hash, digest, sizeof hash);
    pthread_mutex_t *lock = &l->locks[hash % LOCKS]; /* LOCKS divides SETS */
    pthread_mutex_lock(lock);
    struct bucket *b = bucket_for(l, hash, now_ms);
    int64_t elapsed = now_ms - b->at_ms;
    int64_t full = l->per_minute * MINUTE_MS;
    if (elapsed >= MINUTE_MS)
        b->units = full;
    else if (elapsed > 0)
        b->units += l->per_minute * elapsed;
    if (b->units > full)
        b->units = full;
    if (elapsed > 0)
        b->at_ms = now_ms;
    bool allowed = b->units >= MINUTE_MS;
    if (allowed)
        b->units -= MINUTE_MS;
    out->counted = true;
    out->remaining = b->units / MINUTE_MS;
    out->reset_s = seconds_for(l, full - b->units);
    out->retry_s = allowed ? 0 : seconds_for(l, MINUTE_MS - b->units);
    pthread_mutex_unlock(lock);
    return allowed;
}
