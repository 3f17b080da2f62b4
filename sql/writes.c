/* SPDX-License-Identifier: Apache-2.0 */
/* What every binder starts with. */
#include "sql/writes.h"

#include <assert.h>
#include <string.h>

#include "sql/writes_p.h"

static uint64_t fnv1a(uint64_t h, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* Never 0 for a key: 0 means "no dedupe". A collision only delays one of the two by a batch. */
static uint64_t dedupe_of(const struct db_stmt *stmt, const struct sql_caller *who)
{
    if (who->idem == NULL)
        return 0;
    uint64_t h = 0xcbf29ce484222325u;
    h = fnv1a(h, stmt->name, strlen(stmt->name));
    h = fnv1a(h, who->entity.b, sizeof who->entity.b);
    h = fnv1a(h, who->idem, strlen(who->idem));
    return h == 0 ? 1 : h;
}

void sql_bind_caller(struct db_call *c, const struct db_stmt *stmt, const struct sql_caller *who)
{
    assert(who->hash != NULL);
    c->stmt = stmt;
    c->dedupe = dedupe_of(stmt, who);
    c->params[0] = db_uuid(&who->entity);
    c->params[1] = db_uuid(&who->key);
    c->params[2] = db_text(who->idem);
    c->params[3] = db_bytes(who->hash, HASH_BYTES);
}

struct bind bind_begin(struct db_call *c, const struct db_stmt *stmt, const struct sql_caller *who)
{
    sql_bind_caller(c, stmt, who);
    return (struct bind){.call = c, .next = CALLER_PARAMS};
}

void bind_value(struct bind *b, struct db_value v)
{
    assert(b->next < b->call->stmt->param_count);
    b->call->params[b->next++] = v;
}

void bind_uuid(struct bind *b, const struct uuid *v)
{
    bind_value(b, db_uuid(v));
}

void bind_int(struct bind *b, int64_t v)
{
    bind_value(b, db_int(v));
}

void bind_int_or_null(struct bind *b, const int64_t *v)
{
    bind_value(b, v == NULL ? db_null() : db_int(*v));
}

void bind_bool(struct bind *b, bool v)
{
    bind_value(b, db_bool(v));
}

void bind_text(struct bind *b, const char *v)
{
    bind_value(b, db_text(v));
}

void bind_hash(struct bind *b, const uint8_t *v)
{
    bind_blob(b, v, HASH_BYTES);
}

void bind_blob(struct bind *b, const uint8_t *v, size_t bytes)
{
    bind_value(b, v == NULL ? db_null() : db_bytes(v, bytes));
}

void bind_done(const struct bind *b)
{
    assert(b->next == b->call->stmt->param_count);
}
