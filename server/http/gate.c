/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/gate.h"

#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS_MAX = 12 };

static bool is_tchar(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!is_tchar((unsigned char)text[i]))
            return false;
    }
    return len > 0;
}

enum gate_method gate_method(const char *method)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(method, names[i]) == 0)
            return (enum gate_method)i;
    }
    return METHOD_OTHER;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The value of "%xx" at p, or -1. Reads no further than the first byte that is no digit. */
static int escape_at(const char *p)
{
    int high = hex_digit(p[1]);
    int low = high < 0 ? -1 : hex_digit(p[2]);
    return low < 0 ? -1 : high * 16 + low;
}

static const char *judge_escape(int value, bool in_path)
{
    if (value < 0)
        return "the target has a broken percent escape";
    if (value == 0)
        return "the target has an escaped NUL";
    if (in_path && (value == '/' || value == '.' || value == '\\'))
        return "the path escapes a slash, dot or backslash";
    if (value < 0x20 || value >= 0x7f)
        return "the target escapes a byte that is not printable ASCII";
    return NULL;
}

/* "/../" and "/./", which proxies fold and we would not. */
static bool has_dot_segment(const char *path, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        if (path[i] != '/' || path[i + 1] != '.')
            continue;
        size_t next = i + 2;
        if (next < len && path[next] == '.')
            next++;
        if (next == len || path[next] == '/')
            return true;
    }
    return false;
}

enum err gate_target(const char *target, size_t len, const char **why)
{
    if (len > GATE_TARGET_MAX_BYTES)
        return ERR_URI_TOO_LONG;
    *why = NULL;
    if (len == 0 || target[0] != '/')
        *why = "the target must be a path";
    size_t path_len = len;
    for (size_t i = 0; i < len && *why == NULL; i++) {
        unsigned char c = (unsigned char)target[i];
        if (c <= 0x20 || c >= 0x7f || c == '\\' || c == '#')
            *why = "the target has a character that must be escaped";
        else if (c == '?' && path_len == len)
            path_len = i;
        else if (c == '%')
            *why = judge_escape(escape_at(target + i), path_len == len);
    }
    if (*why == NULL && has_dot_segment(target, path_len))
        *why = "the path has a dot segment";
    return *why == NULL ? ERR_OK : ERR_BAD_REQUEST;
}

static void broken(struct gate_head *h, const char *why)
{
    if (h->why == NULL)
        h->why = why;
}

static bool named(const char *name, size_t len, const char *wanted)
{
    return strlen(wanted) == len && strncasecmp(name, wanted, len) == 0;
}

/* libmicrohttpd glues a folded line to the name: "Transfer-Encodingchunked". */
static bool looks_like(const char *name, size_t len, const char *wanted)
{
    size_t n = strlen(wanted);
    return len > n && strncasecmp(name, wanted, n) == 0;
}

static void take_once(struct gate_head *h, const char **field, const char *value)
{
    if (*field != NULL)
        broken(h, "a header that may come once came twice");
    *field = value;
}

static void take_length(struct gate_head *h, const char *value, size_t len)
{
    if (h->has_length)
        broken(h, "Content-Length came twice");
    h->has_length = true;
    if (len == 0 || len > LENGTH_DIGITS_MAX)
        broken(h, "Content-Length is not a plain number");
    for (size_t i = 0; i < len && i < LENGTH_DIGITS_MAX; i++) {
        if (value[i] < '0' || value[i] > '9')
            broken(h, "Content-Length is not a plain number");
        else
            h->length = h->length * 10 + (uint64_t)(value[i] - '0');
    }
}

static void take_known(struct gate_head *h, const char *name, size_t len, const char *value,
                       size_t value_len)
{
    switch (name[0] | 0x20) {
    case 'a':
        if (named(name, len, "Authorization"))
            take_once(h, &h->authorization, value);
        else if (named(name, len, "Accept"))
            h->accept = value;
        break;
    case 'c':
        if (named(name, len, "Content-Length"))
            take_length(h, value, value_len);
        else if (named(name, len, "Content-Type"))
            take_once(h, &h->content_type, value);
        else if (looks_like(name, len, "Content-Length"))
            broken(h, "a header name begins with Content-Length");
        break;
    case 'e':
        if (named(name, len, "Expect")) {
            h->expects_continue = true;
            if (!named(value, value_len, "100-continue"))
                broken(h, "Expect may only be 100-continue");
        }
        break;
    case 'h':
        if (named(name, len, "Host") && h->hosts < UINT8_MAX)
            h->hosts++;
        break;
    case 'i':
        if (named(name, len, "Idempotency-Key"))
            take_once(h, &h->idempotency_key, value);
        else if (named(name, len, "If-None-Match"))
            h->if_none_match = value;
        break;
    case 'p':
        if (named(name, len, "Prefer") && h->prefer == NULL)
            h->prefer = value;
        break;
    case 't':
        if (named(name, len, "Transfer-Encoding")) {
            h->chunked = ++h->transfer_encodings == 1 && named(value, value_len, "chunked");
        } else if (looks_like(name, len, "Transfer-Encoding")) {
            broken(h, "a header name begins with Transfer-Encoding");
        }
        break;
    default:
        break;
    }
}

void gate_header(struct gate_head *h, const char *name, size_t name_len, const char *value,
                 size_t value_len)
{
    if (++h->headers > GATE_HEADERS_MAX) {
        h->headers = GATE_HEADERS_MAX;
        broken(h, "there are too many headers");
    }
    if (!is_token(name, name_len)) {
        broken(h, "a header name is not a token");
        return;
    }
    if (value == NULL) {
        value = "";
        value_len = 0;
    }
    for (size_t i = 0; i < value_len; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            broken(h, "a header value has a control character");
    }
    take_known(h, name, name_len, value, value_len);
}

enum err gate_finish(struct gate_head *h, const char *method, const char *version)
{
    if (!is_token(method, strlen(method)))
        broken(h, "the method is not a token");
    if (version == NULL || strcmp(version, "HTTP/1.1") != 0)
        broken(h, "only HTTP/1.1 is spoken here");
    if (h->hosts != 1)
        broken(h, "there must be exactly one Host");
    if (h->transfer_encodings > 0 && (h->has_length || !h->chunked))
        broken(h, "Transfer-Encoding is not accepted here");
    if (h->why != NULL)
        return ERR_BAD_REQUEST;
    return h->transfer_encodings > 0 ? ERR_LENGTH_REQUIRED : ERR_OK;
}
