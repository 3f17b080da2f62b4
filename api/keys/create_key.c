/* SPDX-License-Identifier: Apache-2.0 */
/* A further key with chosen scopes; never more than the caller's own key has. */
#include <string.h>

#include "api/key.h"
#include "api/write.h"
#include "server/core/clock.h"

enum { SCOPES_MAX = 9, SCOPE_NAME_MAX = 16 };

struct request {
    const char *name;
    const char *scopes; /* comma-separated */
    const int64_t *expires_at_ms;
};

static const struct input_field FIELDS[] = {
    FIELD(struct request, name, "name", INPUT_TEXT, NEED, 1, 64, NULL),
    FIELD(struct request, scopes, "scopes", INPUT_WORDS, NEED, 1, SCOPES_MAX, NULL),
    FIELD(struct request, expires_at_ms, "expires_at", INPUT_TIME, MAY_NULL, 0, 0, NULL),
};

static enum err scopes_parse(struct http_request *rq, const char *words, int64_t *out)
{
    char word[SCOPE_NAME_MAX];
    *out = 0;
    for (const char *p = words; *p != '\0';) {
        size_t len = strcspn(p, ",");
        uint32_t bit = 0;
        if (len < sizeof word) {
            memcpy(word, p, len);
            word[len] = '\0';
            bit = key_scope_bit(word);
        }
        if (bit == 0)
            return http_bad(rq, "/scopes", "names a scope that does not exist");
        *out |= bit;
        p += len + (p[len] == ',');
    }
    return ERR_OK;
}

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    struct key_create_args a = {.id = write_new_id()};
    enum err e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e == ERR_OK)
        e = scopes_parse(rq, q->scopes, &a.scopes);
    if (e != ERR_OK)
        return e;
    int64_t expires_in_ms = 0;
    if (q->expires_at_ms != NULL) {
        expires_in_ms = *q->expires_at_ms - clock_wall_ms();
        if (expires_in_ms <= 0)
            return http_bad(rq, "/expires_at", "must be in the future");
        a.expires_ms = &expires_in_ms;
    }
    uint8_t secret[KEY_SECRET_BYTES];
    uint8_t hash[HASH_BYTES];
    key_secret(api_options(rq)->key_secret, &a.id, secret);
    key_secret_hash(secret, hash);
    a.name = q->name;
    a.secret_hash = write_keep(rq, hash, sizeof hash);
    if (a.secret_hash == NULL)
        return ERR_NO_MEMORY;
    struct sql_caller who = write_caller(rq);
    sql_key_create(&call->db, &who, &a);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field DETAIL[] = {
        {"name", VIEW_TEXT, NULL}, {"scopes", VIEW_SCOPES, NULL}, {"expires_at", VIEW_TIME, NULL}};
    struct uuid id;
    char secret[KEY_TEXT_MAX];
    (void)call;
    if (!view_outcome_id(rows, &id))
        return ERR_INTERNAL;
    key_print(api_options(rq)->key_secret, &id, secret);
    struct view v = view_open(rq, "key");
    view_outcome(&v, rows, "key", "created_at");
    view_detail(&v, DETAIL, COUNT_OF(DETAIL));
    view_text(&v, "secret", secret);
    view_null(&v, "revoked_at");
    view_close(&v);
    http_header_out(rq, "Cache-Control", "no-store");
    view_created(rq, 201, "/v1/keys", "key", &id);
    return ERR_OK;
}

const struct endpoint endpoint_create_key = {read, show};
