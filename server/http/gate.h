/* SPDX-License-Identifier: Apache-2.0 */
/* The framing rules that libmicrohttpd does not hold: what passes here means the same to every
 * proxy in front of us. Pure functions. */
#ifndef CF_HTTP_GATE_H
#define CF_HTTP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/err.h"

enum { GATE_TARGET_MAX_BYTES = 2048, GATE_HEADERS_MAX = 64 };

enum gate_method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER
};

/* What the header pass found. Pointers are borrowed from the request. */
struct gate_head {
    const char *why; /* the first broken rule; NULL none */
    bool chunked;    /* exactly "Transfer-Encoding: chunked", which we answer with 411 */
    bool has_length;
    bool expects_continue;
    uint8_t hosts;
    uint8_t transfer_encodings;
    uint8_t headers;
    uint64_t length;
    const char *authorization, *content_type, *idempotency_key, *prefer, *if_none_match, *accept;
};

enum gate_method gate_method(const char *method);
/* Undecoded request target: ERR_URI_TOO_LONG, ERR_BAD_REQUEST with *why set. */
enum err gate_target(const char *target, size_t len, const char **why) CF_MUST_CHECK;
/* Called once per header, in order. */
void gate_header(struct gate_head *h, const char *name, size_t name_len, const char *value,
                 size_t value_len);
/* After the last header: ERR_BAD_REQUEST with h->why, or ERR_LENGTH_REQUIRED. */
enum err gate_finish(struct gate_head *h, const char *method, const char *version) CF_MUST_CHECK;

#endif
