/* SPDX-License-Identifier: Apache-2.0 */
/* Binary formats: uuid 16 bytes, int8 big-endian, bool one byte, text and bytea as they are; arrays
 * as in src/backend/utils/adt/arrayfuncs.c (array_recv). */
#include "server/db/encode.h"

#include <limits.h>

enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_TEXT = 25,
    OID_UUID = 2950,
    OID_BOOL_ARRAY = 1000,
    OID_BYTEA_ARRAY = 1001,
    OID_TEXT_ARRAY = 1009,
    OID_INT8_ARRAY = 1016,
    OID_UUID_ARRAY = 2951
};

static Oid scalar_type(enum db_type t)
{
    switch (t) {
    case DB_UUID:
        return OID_UUID;
    case DB_INT:
        return OID_INT8;
    case DB_TEXT:
        return OID_TEXT;
    case DB_BYTES:
        return OID_BYTEA;
    case DB_BOOL:
        return OID_BOOL;
    }
    return 0;
}

static Oid array_type(enum db_type t)
{
    switch (t) {
    case DB_UUID:
        return OID_UUID_ARRAY;
    case DB_INT:
        return OID_INT8_ARRAY;
    case DB_TEXT:
        return OID_TEXT_ARRAY;
    case DB_BYTES:
        return OID_BYTEA_ARRAY;
    case DB_BOOL:
        return OID_BOOL_ARRAY;
    }
    return 0;
}

void encode_types(const struct db_stmt *s, bool arrays, Oid out[DB_PARAMS_MAX])
{
    for (int i = 0; i < s->param_count; i++)
        out[i] = arrays ? array_type(s->params[i]) : scalar_type(s->params[i]);
}

static void write_i64(int64_t v, uint8_t out[8])
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
}

/* The element's bytes: in scratch for numbers, else borrowed. */
static struct bytes element(enum db_type t, const struct db_value *v, uint8_t scratch[8])
{
    switch (t) {
    case DB_UUID:
        return (struct bytes){v->uuid.b, UUID_BYTES};
    case DB_INT:
        write_i64(v->num, scratch);
        return (struct bytes){scratch, 8};
    case DB_BOOL:
        scratch[0] = v->num != 0;
        return (struct bytes){scratch, 1};
    case DB_TEXT:
    case DB_BYTES:
        break;
    }
    return v->data;
}

void encode_scalars(const struct db_stmt *s, const struct db_value *params, struct encoded *out)
{
    for (int i = 0; i < s->param_count; i++) {
        struct bytes b = element(s->params[i], &params[i], out->scratch[i]);
        out->formats[i] = 1;
        out->lengths[i] = b.len > INT_MAX ? INT_MAX : (int)b.len;
        /* a NULL pointer means SQL NULL to libpq: an empty value needs an address */
        out->values[i] = b.len == 0 ? "" : (const char *)b.data;
        if (params[i].is_null)
            out->values[i] = NULL;
    }
}

static void add_array(enum db_type t, int index, const struct db_value *const *calls,
                      int call_count, struct buf *b)
{
    uint8_t scratch[8];
    bool has_null = false;
    for (int i = 0; i < call_count; i++)
        has_null = has_null || calls[i][index].is_null;
    buf_add_u32be(b, 1); /* dimensions */
    buf_add_u32be(b, has_null);
    buf_add_u32be(b, scalar_type(t));
    buf_add_u32be(b, (uint32_t)call_count);
    buf_add_u32be(b, 1); /* lower bound */
    for (int i = 0; i < call_count; i++) {
        const struct db_value *v = &calls[i][index];
        if (v->is_null) {
            buf_add_u32be(b, UINT32_MAX);
            continue;
        }
        struct bytes e = element(t, v, scratch);
        buf_add_u32be(b, (uint32_t)e.len);
        buf_add(b, e.data, e.len);
    }
}

enum err encode_arrays(const struct db_stmt *s, const struct db_value *const *calls, int call_count,
                       struct buf *scratch, struct encoded *out)
{
    size_t starts[DB_PARAMS_MAX + 1] = {0};
    buf_reset(scratch);
    for (int p = 0; p < s->param_count; p++) {
        add_array(s->params[p], p, calls, call_count, scratch);
        starts[p + 1] = scratch->len;
    }
    if (!buf_ok(scratch))
        return scratch->len > ENCODE_MAX_BYTES / 2 ? ERR_TOO_LARGE : ERR_NO_MEMORY;
    /* only now: the buffer moves while it grows */
    for (int p = 0; p < s->param_count; p++) {
        out->values[p] = scratch->data + starts[p];
        out->lengths[p] = (int)(starts[p + 1] - starts[p]);
        out->formats[p] = 1;
    }
    return ERR_OK;
}

size_t encode_size(const struct db_stmt *s, const struct db_value *params)
{
    size_t size = 0;
    for (int i = 0; i < s->param_count; i++) {
        bool sized = s->params[i] == DB_TEXT || s->params[i] == DB_BYTES;
        size += 4 + (sized ? params[i].data.len : UUID_BYTES);
    }
    return size;
}
