/* SPDX-License-Identifier: Apache-2.0 */
/* A result is never changed after it arrived, so any thread may read it; only the count is shared.
 */
#include "server/db/rows.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct db_rows {
    struct db_rows_set *set;
    int first;
    int count;
};

struct db_rows_set {
    PGresult *result;
    atomic_int refs;
    struct db_rows views[];
};

static struct db_rows_set *set_new(PGresult *result, int view_count)
{
    struct db_rows_set *set = malloc(sizeof *set + (size_t)view_count * sizeof set->views[0]);
    if (set == NULL) {
        PQclear(result);
        return NULL;
    }
    set->result = result;
    atomic_init(&set->refs, 1);
    return set;
}

struct db_rows *rows_take(PGresult *result)
{
    struct db_rows_set *set = set_new(result, 1);
    if (set == NULL)
        return NULL;
    set->views[0] = (struct db_rows){set, 0, PQntuples(result)};
    return &set->views[0];
}

struct db_rows_set *rows_set_take(PGresult *result)
{
    int count = PQntuples(result);
    struct db_rows_set *set = set_new(result, count);
    for (int i = 0; set != NULL && i < count; i++)
        set->views[i] = (struct db_rows){set, i, 1};
    return set;
}

struct db_rows *rows_set_at(struct db_rows_set *set, int row)
{
    return &set->views[row];
}

void rows_set_unref(struct db_rows_set *set)
{
    if (atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) == 1) {
        PQclear(set->result);
        free(set);
    }
}

struct db_rows *db_rows_ref(struct db_rows *r)
{
    atomic_fetch_add_explicit(&r->set->refs, 1, memory_order_relaxed);
    return r;
}

void db_rows_unref(struct db_rows *r)
{
    if (r != NULL)
        rows_set_unref(r->set);
}

int db_rows_count(const struct db_rows *r)
{
    return r->count;
}

int db_rows_columns(const struct db_rows *r)
{
    return PQnfields(r->set->result);
}

const char *db_rows_column_name(const struct db_rows *r, int column)
{
    return PQfname(r->set->result, column);
}

int db_rows_column(const struct db_rows *r, const char *name)
{
    /* not PQfnumber, which folds case and allocates */
    int columns = PQnfields(r->set->result);
    for (int i = 0; i < columns; i++) {
        if (strcmp(PQfname(r->set->result, i), name) == 0)
            return i;
    }
    return -1;
}

const char *db_rows_text(const struct db_rows *r, int row, int column)
{
    assert(row >= 0 && row < r->count && column >= 0 && column < PQnfields(r->set->result));
    if (PQgetisnull(r->set->result, r->first + row, column))
        return NULL;
    return PQgetvalue(r->set->result, r->first + row, column);
}

int64_t db_rows_int(const struct db_rows *r, int row, int column)
{
    const char *text = db_rows_text(r, row, column);
    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

bool db_rows_bool(const struct db_rows *r, int row, int column)
{
    const char *text = db_rows_text(r, row, column);
    return text != NULL && text[0] == 't';
}

bool db_rows_uuid(const struct db_rows *r, int row, int column, struct uuid *out)
{
    const char *text = db_rows_text(r, row, column);
    return text != NULL && uuid_parse(text, out) == ERR_OK;
}

bool db_rows_bytes(const struct db_rows *r, int row, int column, uint8_t *out, size_t len)
{
    const char *text = db_rows_text(r, row, column);
    return text != NULL && text[0] == '\\' && text[1] == 'x' &&
           hex_decode(text + 2, out, len) == ERR_OK;
}

bool db_rows_blob(const struct db_rows *r, int row, int column, uint8_t *out, size_t cap,
                  size_t *out_len)
{
    const char *text = db_rows_text(r, row, column);
    if (text == NULL)
        return false;
    int digits = PQgetlength(r->set->result, r->first + row, column) - 2;
    if (digits < 0 || (size_t)digits / 2 > cap)
        return false;
    if (!db_rows_bytes(r, row, column, out, (size_t)digits / 2))
        return false;
    *out_len = (size_t)digits / 2;
    return true;
}
