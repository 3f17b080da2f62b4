/* SPDX-License-Identifier: Apache-2.0 */
#include "api/operator.h"

#include <string.h>

#include "server/core/clock.h"

struct making {
    struct uuid account;
    struct uuid key;
    uint8_t secret_hash[HASH_BYTES];
    const char *name;
    bool bad_name;
};

static const struct db_stmt create_stmt = {
    .name = "operator_create",
    .sql = "SELECT status FROM account_create(ARRAY[NULL]::text[], ARRAY[NULL]::bytea[], "
           "ARRAY[$1::uuid], ARRAY[$2::text], ARRAY[$3::uuid], ARRAY[$4::bytea], "
           "ARRAY[$5::bigint])",
    .mode = DB_READ,
    .param_count = 5,
    .params = {DB_UUID, DB_TEXT, DB_UUID, DB_BYTES, DB_INT},
};

static const struct db_stmt grant_stmt = {
    .name = "operator_grant",
    .sql = "SELECT operator_grant($1::uuid)",
    .mode = DB_READ,
    .param_count = 1,
    .params = {DB_UUID},
};

static enum db_outcome make(struct db_conn *c, void *arg)
{
    struct making *m = arg;
    struct db_rows *rows = NULL;
    struct db_call create = {.stmt = &create_stmt,
                             .params = {db_uuid(&m->account), db_text(m->name), db_uuid(&m->key),
                                        db_bytes(m->secret_hash, HASH_BYTES), db_int(SCOPES_ALL)}};
    struct db_call grant = {.stmt = &grant_stmt, .params = {db_uuid(&m->account)}};
    enum db_outcome o = db_run(c, &create, &rows);
    if (o != DB_ROW)
        return o == DB_NO_ROW ? DB_FAULT : o;
    const char *status = db_rows_text(rows, 0, 0);
    bool fine = status != NULL && strcmp(status, err_code(ERR_OK)) == 0;
    m->bad_name = status != NULL && strcmp(status, err_code(ERR_BAD_FIELD)) == 0;
    db_rows_unref(rows);
    if (!fine)
        return DB_FAULT;
    o = db_run(c, &grant, &rows);
    if (o == DB_ROW)
        db_rows_unref(rows);
    return o;
}

enum err operator_create(struct db_conn *c, const char *server_secret, const char *name,
                         struct operator_made *out)
{
    uint8_t secret[KEY_SECRET_BYTES];
    struct making m = {.name = name};
    if (strlen(name) == 0 || strlen(name) > OPERATOR_NAME_MAX)
        return ERR_BAD_FIELD;
    m.account = uuid_new(clock_wall_ms());
    m.key = uuid_new(clock_wall_ms());
    key_secret(server_secret, &m.key, secret);
    key_secret_hash(secret, m.secret_hash);
    if (db_transaction(c, make, &m) != DB_ROW)
        return m.bad_name ? ERR_BAD_FIELD : ERR_DB_FAULT;
    typeid_print("acct", &m.account, out->account_id);
    key_print(server_secret, &m.key, out->key);
    return ERR_OK;
}
