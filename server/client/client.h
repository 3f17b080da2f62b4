/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of our HTTP API over libcurl: JSON in and out, retries with one idempotency key, problem
 * documents. */
#ifndef CF_CLIENT_CLIENT_H
#define CF_CLIENT_CLIENT_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "server/core/err.h"

enum {
    CLIENT_REPLY_MAX_BYTES = 4 * 1024 * 1024,
    CLIENT_PATH_MAX = 2048,
    CLIENT_IDEMPOTENCY_MAX = 64,
    CLIENT_TRIES_MAX = 6
};

/* One connection, kept alive; one thread. */
struct client;

struct client_options {
    const char *base_url;    /* "http://127.0.0.1:8080"; http and https only */
    const char *key;         /* bearer token, or NULL */
    const char *user_agent;  /* NULL: "computefi" */
    int64_t timeout_ms;      /* of one try, without the wait of a long poll; 0: 10,000 */
    int tries;               /* 1..CLIENT_TRIES_MAX; 0: 4 */
    const atomic_bool *stop; /* set: give up at once with ERR_EMPTY; may be NULL */
};

struct client_call {
    const char *method; /* "GET", "POST", "PUT", "DELETE" */
    const char *path;   /* "/v1/tasks?limit=1", already encoded */
    const json_t *body; /* borrowed; NULL none */
    const void *raw;    /* instead of body: application/octet-stream */
    size_t raw_len;
    const char *idempotency_key; /* NULL: a new random one for POST */
    int64_t wait_ms;             /* long poll: sent as Prefer: wait, added to the timeout */
};

/* What came back. client_reply_clear releases it. */
struct client_reply {
    int status;   /* 0: nothing came */
    json_t *json; /* NULL when there was no JSON body */
    char *bytes;  /* a body that is not JSON, NUL-terminated */
    size_t byte_count;
    bool replayed;
    char code[48]; /* of the problem document, "" when none */
    char detail[256];
    char pointer[96]; /* of its first error */
    char request_id[64];
};

enum err client_new(const struct client_options *o, struct client **out) CF_MUST_CHECK;
void client_free(struct client *c);
void client_set_key(struct client *c, const char *key);
/* Tries, honouring Retry-After, until an answer that is not retryable; writes keep one
 * Idempotency-Key over all tries. ERR_OK for any 2xx (204 gives ERR_EMPTY); the problem's own error
 * for 4xx and 5xx; ERR_REMOTE when unreachable; ERR_EMPTY when stopped. reply is filled in every
 * case. */
enum err client_run(struct client *c, const struct client_call *call,
                    struct client_reply *reply) CF_MUST_CHECK;
void client_reply_clear(struct client_reply *r);
/* Prints the equivalent curl command; the key appears as $COMPUTEFI_API_KEY. */
void client_print_curl(const struct client_options *o, const struct client_call *call, FILE *out);
/* A fresh idempotency key. */
void client_new_idempotency_key(char out[CLIENT_IDEMPOTENCY_MAX]);
/* Percent-encodes one query value or path segment; false when out is too small. */
bool client_encode(const char *text, char *out, size_t cap);

#endif
