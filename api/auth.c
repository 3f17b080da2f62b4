/* SPDX-License-Identifier: Apache-2.0 */
/* The cache has two tables, so that guessed ids never push out keys that exist. Both are of fixed
 * size and placed by a keyed hash: nobody can choose whom to displace. */
#include "api/auth.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "api/key.h"
#include "server/core/clock.h"
#include "sql/reads_account.h"

enum { KNOWN_CELLS = 8192, UNKNOWN_CELLS = 1024, LOCKS = 32 };

struct known {
    struct uuid id;
    struct uuid account;
    uint8_t secret_hash[HASH_BYTES];
    uint32_t scopes;
    int64_t expires_ms; /* wall clock, 0 never */
    bool is_operator;
    bool revoked;
    int64_t until_mono_ms;
};

struct unknown {
    struct uuid id;
    int64_t until_mono_ms;
};

struct auth_cache {
    uint8_t key[crypto_shorthash_KEYBYTES];
    pthread_mutex_t locks[LOCKS];
    struct known known[KNOWN_CELLS];
    struct unknown unknown[UNKNOWN_CELLS];
};

/* A bearer token, taken apart; wiped after use. */
struct token {
    struct uuid id;
    uint8_t secret[KEY_SECRET_BYTES];
};

enum found { FOUND_NOTHING, FOUND_KEY, FOUND_NO_KEY };

enum err auth_cache_new(struct auth_cache **out)
{
    struct auth_cache *c = calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_NO_MEMORY;
    randombytes_buf(c->key, sizeof c->key);
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_init(&c->locks[i], NULL);
    *out = c;
    return ERR_OK;
}

void auth_cache_free(struct auth_cache *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&c->locks[i]);
    sodium_memzero(c, sizeof *c);
    free(c);
}

static uint64_t place_of(const struct auth_cache *c, const struct uuid *id)
{
    uint64_t h = 0;
    crypto_shorthash((uint8_t *)&h, id->b, UUID_BYTES, c->key);
    return h;
}

static enum found look_up(struct auth_cache *c, const struct uuid *id, struct known *out)
{
    uint64_t h = place_of(c, id);
    int64_t now = clock_mono_ms();
    enum found f = FOUND_NOTHING;
    pthread_mutex_lock(&c->locks[h % LOCKS]);
    const struct known *k = &c->known[h % KNOWN_CELLS];
    const struct unknown *u = &c->unknown[h % UNKNOWN_CELLS];
    if (now < k->until_mono_ms && uuid_equal(&k->id, id)) {
        *out = *k;
        f = FOUND_KEY;
    } else if (now < u->until_mono_ms && uuid_equal(&u->id, id)) {
        f = FOUND_NO_KEY;
    }
    pthread_mutex_unlock(&c->locks[h % LOCKS]);
    return f;
}

static void remember(struct auth_cache *c, const struct known *k)
{
    uint64_t h = place_of(c, &k->id);
    pthread_mutex_lock(&c->locks[h % LOCKS]);
    c->known[h % KNOWN_CELLS] = *k;
    pthread_mutex_unlock(&c->locks[h % LOCKS]);
}

static void remember_unknown(struct auth_cache *c, const struct uuid *id)
{
    uint64_t h = place_of(c, id);
    pthread_mutex_lock(&c->locks[h % LOCKS]);
    c->unknown[h % UNKNOWN_CELLS] = (struct unknown){*id, clock_mono_ms() + AUTH_MAX_AGE_MS};
    pthread_mutex_unlock(&c->locks[h % LOCKS]);
}

static enum http_step refuse(struct http_request *rq, enum err e, const char *detail,
                             enum err *problem)
{
    rq->problem_detail = detail;
    *problem = e;
    return HTTP_FAIL;
}

static enum http_step judge(struct http_request *rq, const struct known *k,
                            const uint8_t secret[KEY_SECRET_BYTES], enum err *problem)
{
    uint8_t hash[HASH_BYTES];
    key_secret_hash(secret, hash);
    if (sodium_memcmp(hash, k->secret_hash, HASH_BYTES) != 0)
        return refuse(rq, ERR_UNAUTHENTICATED, NULL, problem);
    if (k->revoked)
        return refuse(rq, ERR_KEY_REVOKED, "The key was revoked.", problem);
    if (k->expires_ms != 0 && k->expires_ms <= clock_wall_ms())
        return refuse(rq, ERR_KEY_REVOKED, "The key has expired.", problem);
    rq->who = (struct http_principal){k->account, k->id, k->scopes, k->is_operator};
    return HTTP_DONE;
}

static bool known_from_row(const struct db_rows *rows, const struct uuid *id, struct known *k)
{
    *k = (struct known){.id = *id, .until_mono_ms = clock_mono_ms() + AUTH_MAX_AGE_MS};
    k->scopes = (uint32_t)db_rows_int(rows, 0, db_rows_column(rows, "scopes"));
    k->expires_ms = db_rows_int(rows, 0, db_rows_column(rows, "expires_ms"));
    k->revoked = db_rows_bool(rows, 0, db_rows_column(rows, "revoked"));
    k->is_operator = db_rows_bool(rows, 0, db_rows_column(rows, "is_operator"));
    return db_rows_uuid(rows, 0, db_rows_column(rows, "account_id"), &k->account) &&
           db_rows_bytes(rows, 0, db_rows_column(rows, "secret_hash"), k->secret_hash, HASH_BYTES);
}

/* The statement was answered: remember what it said, then judge. */
static enum http_step take_answer(struct api *a, struct http_request *rq, const struct uuid *id,
                                  const uint8_t secret[KEY_SECRET_BYTES], enum err *problem)
{
    struct exchange *x = rq->user;
    struct known k;
    enum err e = x->result;
    bool found = e == ERR_OK && db_rows_count(x->rows) == 1;
    if (found && !known_from_row(x->rows, id, &k))
        e = ERR_INTERNAL;
    exchange_reset(x);
    if (e != ERR_OK)
        return refuse(rq, e, NULL, problem);
    if (!found) {
        remember_unknown(a->keys, id);
        return refuse(rq, ERR_UNAUTHENTICATED, NULL, problem);
    }
    remember(a->keys, &k);
    return judge(rq, &k, secret, problem);
}

static enum http_step look_up_or_ask(struct api *a, struct http_request *rq, const struct token *t,
                                     enum err *problem, int64_t *deadline_mono_ms)
{
    struct known k;
    struct exchange *x = rq->user;
    switch (look_up(a->keys, &t->id, &k)) {
    case FOUND_KEY:
        return judge(rq, &k, t->secret, problem);
    case FOUND_NO_KEY:
        return refuse(rq, ERR_UNAUTHENTICATED, NULL, problem);
    case FOUND_NOTHING:
        break;
    }
    sql_find_key(&x->call.db, &t->id);
    return exchange_submit(x, rq, problem, deadline_mono_ms);
}

static enum http_step authenticate(struct api *a, struct http_request *rq, const struct token *t,
                                   enum err *problem, int64_t *deadline_mono_ms)
{
    struct exchange *x = exchange_of(a, rq);
    if (x == NULL)
        return refuse(rq, ERR_NO_MEMORY, NULL, problem);
    switch ((enum exchange_state)atomic_load_explicit(&x->state, memory_order_acquire)) {
    case EXCHANGE_ANSWERED:
        return take_answer(a, rq, &t->id, t->secret, problem);
    case EXCHANGE_RUNNING:
        if (clock_mono_ms() >= x->db_deadline_mono_ms)
            return refuse(rq, ERR_TIMEOUT, NULL, problem);
        *deadline_mono_ms = x->db_deadline_mono_ms;
        return HTTP_WAIT;
    case EXCHANGE_IDLE:
        break;
    }
    return look_up_or_ask(a, rq, t, problem, deadline_mono_ms);
}

enum http_step auth_authenticate(void *arg, struct http_request *rq, const char *token,
                                 enum err *problem, int64_t *deadline_mono_ms)
{
    struct token t;
    if (token == NULL || key_parse(token, &t.id, t.secret) != ERR_OK)
        return refuse(rq, ERR_UNAUTHENTICATED, NULL, problem);
    enum http_step step = authenticate(arg, rq, &t, problem, deadline_mono_ms);
    sodium_memzero(&t, sizeof t);
    return step;
}

bool auth_allows(void *arg, const struct http_principal *who, const char *scope)
{
    (void)arg;
    uint32_t bit = key_scope_bit(scope);
    if (bit == SCOPE_OPERATOR && !who->is_operator)
        return false;
    return (who->scopes & bit) != 0;
}
