/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-up: an account and its first key. The key's secret is derived again for a replay, which is
 * why the Idempotency-Key must be long enough not to be guessed. */
#include <string.h>

#include "api/key.h"
#include "api/write.h"

enum { IDEMPOTENCY_KEY_MIN = 16 };

struct request {
    const char *name;
};

static const struct input_field FIELDS[] = {
    FIELD(struct request, name, "name", INPUT_TEXT, NEED, 1, 63, TEXT_NAME)};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    enum err e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (strlen(rq->idempotency_key) < IDEMPOTENCY_KEY_MIN)
        e = http_bad(rq, "#header/Idempotency-Key", "must have at least 16 characters here");
    if (e != ERR_OK)
        return e;
    struct account_create_args a = {
        .id = write_new_id(),
        .name = q->name,
        .key_id = write_new_id(),
        .scopes = SCOPES_OWNER,
    };
    uint8_t secret[KEY_SECRET_BYTES];
    uint8_t hash[HASH_BYTES];
    key_secret(api_options(rq)->key_secret, &a.key_id, secret);
    key_secret_hash(secret, hash);
    a.secret_hash = write_keep(rq, hash, sizeof hash);
    if (a.secret_hash == NULL)
        return ERR_NO_MEMORY;
    struct sql_caller who = write_caller(rq);
    sql_account_create(&call->db, &who, &a);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct request *q = call->state;
    const struct view_field at = {"created_at", VIEW_TIME, NULL};
    const json_t *detail = api_detail(rq);
    const char *key_text = json_string_value(json_object_get(detail, "key_id"));
    struct uuid id;
    struct uuid key_id;
    char secret[KEY_TEXT_MAX];
    char scopes[128];
    if (key_text == NULL || uuid_parse(key_text, &key_id) != ERR_OK || !view_outcome_id(rows, &id))
        return ERR_INTERNAL;
    key_print(api_options(rq)->key_secret, &key_id, secret);
    key_scopes_print(json_integer_value(json_object_get(detail, "scopes")), scopes, sizeof scopes);
    struct view v = view_open(rq, "account");
    view_outcome(&v, rows, "acct", "created_at");
    view_text(&v, "name", q->name);
    view_bool(&v, "is_operator", false);
    view_member(&v, "key");
    struct view k = view_open(rq, "key");
    view_id(&k, "id", "key", &key_id);
    view_text(&k, "name", "first");
    view_member(&k, "scopes");
    buf_adds(k.out, scopes);
    view_text(&k, "secret", secret);
    view_member(&k, at.member);
    view_value(&k, &at, db_rows_text(rows, 0, OUTCOME_AT));
    view_null(&k, "expires_at");
    view_null(&k, "revoked_at");
    view_close(&k);
    view_close(&v);
    http_header_out(rq, "Cache-Control", "no-store");
    view_created(rq, 201, "/v1/accounts", "acct", &id);
    return ERR_OK;
}

const struct endpoint endpoint_create_account = {read, show};
