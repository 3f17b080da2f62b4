/* SPDX-License-Identifier: Apache-2.0 */
#include "api/poll.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 8192, LOCKS = 32 };

struct cell {
    uint64_t call;
    uint64_t version;
    int64_t until_mono_ms;
};

struct poll_cache {
    uint8_t key[crypto_shorthash_KEYBYTES];
    pthread_mutex_t locks[LOCKS];
    struct cell cells[CELLS];
};

enum err poll_cache_new(struct poll_cache **out)
{
    struct poll_cache *c = calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_NO_MEMORY;
    randombytes_buf(c->key, sizeof c->key);
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_init(&c->locks[i], NULL);
    *out = c;
    return ERR_OK;
}

void poll_cache_free(struct poll_cache *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&c->locks[i]);
    free(c);
}

static uint64_t mix(const struct poll_cache *c, uint64_t seen, const void *data, size_t len)
{
    uint64_t block[2] = {seen, 0};
    crypto_shorthash((uint8_t *)&block[1], data, len, c->key);
    uint64_t out = 0;
    crypto_shorthash((uint8_t *)&out, (const uint8_t *)block, sizeof block, c->key);
    return out;
}

/* A keyed hash of the statement and everything bound to it: nobody can aim at another's cell. */
static uint64_t call_hash(const struct poll_cache *c, const struct db_call *call)
{
    uint64_t h = mix(c, 0, call->stmt->name, strlen(call->stmt->name));
    for (int i = 0; i < call->stmt->param_count; i++) {
        const struct db_value *v = &call->params[i];
        uint8_t is_null = v->is_null;
        h = mix(c, h, &is_null, 1);
        h = mix(c, h, &v->num, sizeof v->num);
        h = mix(c, h, v->uuid.b, UUID_BYTES);
        if (v->data.len > 0)
            h = mix(c, h, v->data.data, v->data.len);
    }
    return h;
}

void poll_cache_set(struct poll_cache *c, const struct db_call *call, uint64_t version,
                    int64_t now_mono_ms)
{
    uint64_t h = call_hash(c, call);
    pthread_mutex_lock(&c->locks[h % LOCKS]);
    c->cells[h % CELLS] = (struct cell){h, version, now_mono_ms + POLL_EMPTY_MAX_AGE_MS};
    pthread_mutex_unlock(&c->locks[h % LOCKS]);
}

bool poll_cache_empty(struct poll_cache *c, const struct db_call *call, uint64_t version,
                      int64_t now_mono_ms)
{
    uint64_t h = call_hash(c, call);
    pthread_mutex_lock(&c->locks[h % LOCKS]);
    struct cell cell = c->cells[h % CELLS];
    pthread_mutex_unlock(&c->locks[h % LOCKS]);
    return cell.call == h && cell.version == version && now_mono_ms < cell.until_mono_ms;
}
