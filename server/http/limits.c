/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/limits.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 16384, WAYS = 4, LOCKS = 64, MILLI = 1000, MINUTE_MS = 60000 };

/* A bucket that was pushed out starts full again: with 65,536 buckets an attacker needs as many
 * addresses as that to gain anything. */
struct bucket {
    uint64_t id_hash; /* keyed, so nobody can choose a collision */
    int64_t tokens_milli;
    int64_t at_ms; /* when tokens_milli was true; 0: unused */
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
    *oldest = (struct bucket){hash, l->per_minute * MILLI, now_ms};
    return oldest;
}

static int64_t seconds_for(const struct limits *l, int64_t tokens_milli)
{
    if (tokens_milli <= 0)
        return 0;
    int64_t per_second_milli = l->per_minute * MILLI / 60;
    if (per_second_milli == 0)
        per_second_milli = 1;
    return (tokens_milli + per_second_milli - 1) / per_second_milli;
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
    int64_t full = l->per_minute * MILLI;
    if (elapsed >= MINUTE_MS)
        b->tokens_milli = full;
    else if (elapsed > 0)
        b->tokens_milli += l->per_minute * elapsed / (MINUTE_MS / MILLI);
    if (b->tokens_milli > full)
        b->tokens_milli = full;
    if (elapsed > 0)
        b->at_ms = now_ms;
    bool allowed = b->tokens_milli >= MILLI;
    if (allowed)
        b->tokens_milli -= MILLI;
    out->counted = true;
    out->remaining = b->tokens_milli / MILLI;
    out->reset_s = seconds_for(l, full - b->tokens_milli);
    out->retry_s = allowed ? 0 : seconds_for(l, MILLI - b->tokens_milli);
    pthread_mutex_unlock(lock);
    return allowed;
}
