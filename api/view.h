/* SPDX-License-Identifier: Apache-2.0 */
/* Rows into JSON by a table of members, and the reply around an outcome row. */
#ifndef CF_API_VIEW_H
#define CF_API_VIEW_H

#include "api/endpoint.h"

enum view_kind {
    VIEW_ID,    /* uuid -> TypeID with prefix what */
    VIEW_GWEI,  /* bigint -> decimal string */
    VIEW_TIME,  /* timestamptz -> RFC 3339 UTC with ms */
    VIEW_INT,   /* number as it stands */
    VIEW_BOOL,  /* boolean */
    VIEW_TEXT,  /* string */
    VIEW_JSON,  /* JSON text as it stands */
    VIEW_HEX,   /* bytea -> hexadecimal */
    VIEW_WORDS, /* "a,b" -> ["a","b"] */
    VIEW_INTS,  /* int[] "{1,2}" -> [1,2] */
    VIEW_IDS,   /* "uuid,uuid" -> TypeIDs with prefix what; NULL stays null */
    VIEW_SCOPES /* bit set of a key -> ["read",...] */
};

struct view_field {
    const char *member;
    enum view_kind kind;
    const char *what;
};

/* An object being written to rq->reply.body. */
struct view {
    struct http_request *rq;
    struct buf *out;
    bool first; /* no member yet */
};

/* {"object":"<object>" ; NULL: an object without that member */
struct view view_open(struct http_request *rq, const char *object);
void view_close(struct view *v);
/* ,"member": -- the caller writes the value next */
void view_member(struct view *v, const char *member);
void view_value(struct view *v, const struct view_field *f, const char *text);
/* Members from columns named prefix + member; a missing column is our mistake and asserted. */
void view_row(struct view *v, const struct view_field *fields, size_t count,
              const struct db_rows *rows, int row);
void view_row_prefixed(struct view *v, const char *prefix, const struct view_field *fields,
                       const struct db_rows *rows, int row, size_t count);
/* Members from the detail of the outcome row; absent ones are null. */
void view_detail(struct view *v, const struct view_field *fields, size_t count);
/* "id" as TypeID from the outcome row, and its time as at_member (NULL: not shown). */
void view_outcome(struct view *v, const struct db_rows *rows, const char *prefix,
                  const char *at_member);

/* Members from C values. */
void view_text(struct view *v, const char *member, const char *text); /* NULL: null */
void view_id(struct view *v, const char *member, const char *prefix, const struct uuid *id);
void view_gwei(struct view *v, const char *member, int64_t gwei);
void view_int(struct view *v, const char *member, int64_t n);
void view_bool(struct view *v, const char *member, bool b);
void view_hex(struct view *v, const char *member, const uint8_t *data, size_t len);
void view_null(struct view *v, const char *member);
void view_array(struct view *v, const char *member); /* then elements, then view_array_end */
void view_element(struct view *v, bool is_first);
void view_array_end(struct view *v);

/* Status and Location "<collection>/<typeid>". */
void view_created(struct http_request *rq, int status, const char *collection, const char *prefix,
                  const struct uuid *id);
/* The id column of the outcome row. */
bool view_outcome_id(const struct db_rows *rows, struct uuid *out);

#endif
