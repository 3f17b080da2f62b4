/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a JSON body into a struct by a table of its fields. Unknown members, wrong types and values
 * out of bounds become errors[] of the problem document, several at once. */
#ifndef CF_API_INPUT_H
#define CF_API_INPUT_H

#include "server/http/http.h"

/* K(kind): what stands in JSON, and the C type it is stored as. */
enum input_kind {
    INPUT_TEXT,   /* string of least..most characters of class what -> const char * */
    INPUT_INT,    /* integer least..most -> int64_t */
    INPUT_GWEI,   /* decimal string least..most -> int64_t */
    INPUT_ID,     /* TypeID with prefix what -> struct uuid */
    INPUT_HEX,    /* string of 2 * most hex digits -> const uint8_t * */
    INPUT_BYTES,  /* base64url of at most `most` bytes -> struct bytes */
    INPUT_BOOL,   /* -> bool */
    INPUT_CHOICE, /* one of "a|b|c" in what -> const char * */
    INPUT_TIME,   /* RFC 3339 -> int64_t, Unix ms */
    INPUT_OBJECT, /* -> const json_t * */
    INPUT_IDS,    /* array of at most `most` TypeIDs -> const char *, comma-separated uuids */
    INPUT_WORDS   /* array of least..most texts -> const char *, comma-separated */
};

enum input_need {
    NEED,    /* must be present */
    MAY,     /* absent or null leaves the struct as it was preset */
    MAY_NULL /* INT, GWEI, ID, TIME: stored as a const pointer, NULL when absent */
};

struct input_field {
    const char *name;
    enum input_kind kind;
    enum input_need need;
    size_t offset;
    int64_t least;
    int64_t most;
    const char *what;
};

/* Character classes of INPUT_TEXT and INPUT_WORDS; NULL: anything printable. */
#define TEXT_NAME "name" /* letter or digit, then also " ._-" */
#define TEXT_SLUG "slug" /* a-z 0-9 - */
#define TEXT_KIND "kind" /* a-z 0-9 - . _ */

#define FIELD(type, member, name, kind, need, least, most, what)                                   \
    {                                                                                              \
        name, kind, need, offsetof(type, member), least, most, what                                \
    }
#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

/* Body; out is preset by the caller. ERR_BAD_FIELD, ERR_NO_MEMORY. */
enum err input_body(struct http_request *rq, const struct input_field *fields, size_t count,
                    void *out) CF_MUST_CHECK;
/* Query parameters with the same table: TEXT, INT, GWEI, ID, BOOL, CHOICE. */
enum err input_query(struct http_request *rq, const struct input_field *fields, size_t count,
                     void *out) CF_MUST_CHECK;
/* A body without any member: {} . */
enum err input_none(struct http_request *rq) CF_MUST_CHECK;
/* Path parameter as TypeID; ERR_NOT_FOUND for anything else. */
enum err input_param(const struct http_request *rq, int index, const char *prefix,
                     struct uuid *out) CF_MUST_CHECK;

/* "2026-11-22T22:48:50.123Z" with any offset to Unix ms; ERR_PARSE. */
enum err input_time_parse(const char *text, int64_t *out_ms) CF_MUST_CHECK;

/* input_value.c: one value. On ERR_BAD_FIELD *why says what is wrong. */
enum err input_value(struct arena *arena, const struct input_field *f, const json_t *v, void *out,
                     const char **why) CF_MUST_CHECK;

#endif
