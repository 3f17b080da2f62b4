/* SPDX-License-Identifier: Apache-2.0 */
/* One try is one libcurl transfer; client_run repeats it while repeating is safe and useful. */
#include "server/client/client.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/core/buf.h"
#include "server/core/bytes.h"
#include "server/core/clock.h"
#include "server/core/json.h"

enum {
    DEFAULT_TIMEOUT_MS = 10000,
    DEFAULT_TRIES = 4,
    BACKOFF_BASE_MS = 50,
    BACKOFF_MAX_MS = 3000,
    SLICE_MS = 50
};
enum { RETRY_AFTER_MAX_S = 60, URL_MAX = CLIENT_PATH_MAX + 256 };

struct client {
    CURL *curl;
    char *base_url;
    char *key;
    char *user_agent;
    int64_t timeout_ms;
    int tries;
    const atomic_bool *stop;
};

/* What one try leaves behind. */
struct transfer {
    struct client *client;
    struct buf body;
    int64_t retry_after_ms;
    bool replayed;
    bool is_json;
};

static bool stopped(const struct client *c)
{
    return c->stop && atomic_load_explicit(c->stop, memory_order_relaxed);
}

enum err client_new(const struct client_options *o, struct client **out)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c) {
        return ERR_NO_MEMORY;
    }
    /* Counted and thread-safe since libcurl 7.84. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(c);
        return ERR_NO_MEMORY;
    }
    c->curl = curl_easy_init();
    c->base_url = strdup(o->base_url);
    c->key = o->key ? strdup(o->key) : NULL;
    c->user_agent = strdup(o->user_agent ? o->user_agent : "computefi");
    c->timeout_ms = o->timeout_ms ? o->timeout_ms : DEFAULT_TIMEOUT_MS;
    c->tries = o->tries ? o->tries : DEFAULT_TRIES;
    c->stop = o->stop;
    if (!c->curl || !c->base_url || !c->user_agent || (o->key && !c->key)) {
        client_free(c);
        return ERR_NO_MEMORY;
    }
    size_t len = strlen(c->base_url);
    if (len && c->base_url[len - 1] == '/') {
        c->base_url[len - 1] = 0;
    }
    *out = c;
    return ERR_OK;
}

static void free_key(struct client *c)
{
    if (c->key) {
        sodium_memzero(c->key, strlen(c->key));
        free(c->key);
    }
}

void client_free(struct client *c)
{
    if (!c) {
        return;
    }
    if (c->curl) {
        curl_easy_cleanup(c->curl);
    }
    free_key(c);
    free(c->base_url);
    free(c->user_agent);
    free(c);
    curl_global_cleanup();
}

void client_set_key(struct client *c, const char *key)
{
    free_key(c);
    c->key = key ? strdup(key) : NULL;
}

void client_reply_clear(struct client_reply *r)
{
    json_decref(r->json);
    free(r->bytes);
    r->bytes = NULL;
    *r = (struct client_reply){0};
}

void client_new_idempotency_key(char out[CLIENT_IDEMPOTENCY_MAX])
{
    uint8_t random[20];
    randombytes_buf(random, sizeof random);
    hex_encode(random, sizeof random, out);
}

bool client_encode(const char *text, char *out, size_t cap)
{
    static const char SAFE[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t n = 0;
    for (; *text; text++) {
        if (n + 4 > cap) {
            return false;
        }
        if (strchr(SAFE, *text)) {
            out[n++] = *text;
        } else {
            n += (size_t)snprintf(out + n, 4, "%%%02X", (unsigned)(unsigned char)*text);
        }
    }
    out[n] = 0;
    return true;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    buf_add(&t->body, data, size * count);
    return buf_ok(&t->body) ? size * count : 0;
}

/* True when the header line is NAME: ...; value is set behind the colon and blanks. */
static bool header_is(const char *line, size_t len, const char *name, const char **value)
{
    size_t n = strlen(name);
    if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':') {
        return false;
    }
    *value = line + n + 1 + strspn(line + n + 1, " \t");
    return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * count;
    const char *value = NULL;
    char text[128];
    snprintf(text, sizeof text, "%.*s", (int)(len < sizeof text ? len : sizeof text - 1), line);
    if (header_is(text, strlen(text), "Retry-After", &value)) {
        long seconds = strtol(value, NULL, 10);
        seconds = seconds < 0 ? 0 : seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds;
        t->retry_after_ms = (int64_t)seconds * 1000;
    } else if (header_is(text, strlen(text), "Idempotent-Replayed", &value)) {
        t->replayed = strncmp(value, "true", 4) == 0;
    } else if (header_is(text, strlen(text), "Content-Type", &value)) {
        t->is_json = strstr(value, "json") != NULL;
    }
    return len;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct transfer *t = arg;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return stopped(t->client);
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    char line[512];
    int n = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer =
        n > 0 && (size_t)n < sizeof line ? curl_slist_append(*list, line) : NULL;
    sodium_memzero(line, sizeof line);
    if (!longer) {
        return false;
    }
    *list = longer;
    return true;
}

static bool build_headers(const struct client *c, const struct client_call *call,
                          const char *idempotency_key, struct curl_slist **list)
{
    char text[300];
    bool ok = add_header(list, "Accept", "application/json");
    if (c->key) {
        snprintf(text, sizeof text, "Bearer %s", c->key);
        ok = ok && add_header(list, "Authorization", text);
        sodium_memzero(text, sizeof text);
    }
    if (call->body) {
        ok = ok && add_header(list, "Content-Type", "application/json");
    } else if (call->raw) {
        ok = ok && add_header(list, "Content-Type", "application/octet-stream");
    }
    if (idempotency_key[0]) {
        ok = ok && add_header(list, "Idempotency-Key", idempotency_key);
    }
    if (call->wait_ms > 0) {
        snprintf(text, sizeof text, "wait=%lld", (long long)((call->wait_ms + 999) / 1000));
        ok = ok && add_header(list, "Prefer", text);
    }
    return ok && add_header(list, "Expect", "");
}

static void set_options(struct client *c, const struct client_call *call, struct transfer *t)
{
    CURL *h = c->curl;
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_USERAGENT, c->user_agent);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, 3000L);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(c->timeout_ms + call->wait_ms));
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(h, CURLOPT_XFERINFODATA, t);
}

static void set_body(struct client *c, const struct client_call *call, const char *body)
{
    CURL *h = c->curl;
    const void *data = body ? body : call->raw;
    size_t len = body ? strlen(body) : call->raw_len;
    if (strcmp(call->method, "GET") != 0) {
        curl_easy_setopt(h, CURLOPT_POST, 1L);
        curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, call->method);
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, len ? data : "");
    }
}

static void copy_member(const json_t *from, const char *name, char *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(from, name));
    snprintf(out, cap, "%s", text ? text : "");
}

static void read_reply(struct transfer *t, struct client_reply *r)
{
    r->replayed = t->replayed;
    if (t->body.len == 0) {
        return;
    }
    if (t->is_json) {
        r->json = json_loadb(t->body.data, t->body.len, JSON_REJECT_DUPLICATES, NULL);
    } else {
        r->bytes = t->body.data;
        r->byte_count = t->body.len;
        buf_init(&t->body, CLIENT_REPLY_MAX_BYTES);
    }
    if (r->status >= 400) {
        const json_t *first = json_array_get(json_object_get(r->json, "errors"), 0);
        copy_member(r->json, "code", r->code, sizeof r->code);
        copy_member(r->json, "detail", r->detail, sizeof r->detail);
        copy_member(r->json, "request_id", r->request_id, sizeof r->request_id);
        copy_member(first, "pointer", r->pointer, sizeof r->pointer);
        if (first && !r->detail[0]) {
            copy_member(first, "detail", r->detail, sizeof r->detail);
        }
    }
}

static enum err judge(const struct client_reply *r)
{
    if (r->status == 0) {
        return ERR_REMOTE;
    }
    if (r->status == 204) {
        return ERR_EMPTY;
    }
    if (r->status >= 200 && r->status < 300) {
        return ERR_OK;
    }
    if (r->code[0]) {
        return err_from_code(r->code);
    }
    return r->status == 404 ? ERR_NOT_FOUND : r->status == 503 ? ERR_UNAVAILABLE : ERR_REMOTE;
}

static enum err try_once(struct client *c, const struct client_call *call,
                         const char *idempotency_key, const char *body, struct client_reply *r,
                         int64_t *retry_after_ms)
{
    struct transfer t = {.client = c, .retry_after_ms = -1};
    struct curl_slist *headers = NULL;
    char url[URL_MAX];
    enum err e = ERR_NO_MEMORY;
    int n = snprintf(url, sizeof url, "%s%s", c->base_url, call->path);
    buf_init(&t.body, CLIENT_REPLY_MAX_BYTES);
    if (n < 0 || (size_t)n >= sizeof url) {
        e = ERR_URI_TOO_LONG;
        goto out;
    }
    if (!build_headers(c, call, idempotency_key, &headers)) {
        goto out;
    }
    curl_easy_reset(c->curl); /* keeps the connection */
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    set_options(c, call, &t);
    set_body(c, call, body);
    CURLcode rc = curl_easy_perform(c->curl);
    long status = 0;
    if (rc == CURLE_OK) {
        curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    } else {
        snprintf(r->detail, sizeof r->detail, "%s", curl_easy_strerror(rc));
    }
    r->status = (int)status;
    read_reply(&t, r);
    e = stopped(c) && rc == CURLE_ABORTED_BY_CALLBACK ? ERR_EMPTY : judge(r);
    *retry_after_ms = t.retry_after_ms;
out:
    curl_slist_free_all(headers);
    buf_clear(&t.body);
    return e;
}

static void pause_ms(const struct client *c, int64_t ms)
{
    for (int64_t until = clock_mono_ms() + ms; clock_mono_ms() < until && !stopped(c);) {
        struct timespec slice = {.tv_nsec = SLICE_MS * 1000000L};
        nanosleep(&slice, NULL);
    }
}

static bool worth_repeating(enum err e)
{
    return e == ERR_REMOTE || e == ERR_UNAVAILABLE || e == ERR_TIMEOUT || e == ERR_RATE_LIMITED ||
           e == ERR_BUSY || e == ERR_DB_RETRY || e == ERR_DB_FAULT || e == ERR_DB_CONFLICT;
}

enum err client_run(struct client *c, const struct client_call *call, struct client_reply *reply)
{
    char key[CLIENT_IDEMPOTENCY_MAX] = "";
    char *body = call->body ? json_dumps(call->body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    enum err e = ERR_NO_MEMORY;
    *reply = (struct client_reply){0};
    if (call->body && !body) {
        return ERR_NO_MEMORY;
    }
    if (call->idempotency_key) {
        snprintf(key, sizeof key, "%s", call->idempotency_key);
    } else if (strcmp(call->method, "POST") == 0) {
        client_new_idempotency_key(key);
    }
    for (int i = 0; i < c->tries; i++) {
        int64_t after_ms = -1;
        e = try_once(c, call, key, body, reply, &after_ms);
        if (!worth_repeating(e) || i + 1 == c->tries || stopped(c)) {
            break;
        }
        client_reply_clear(reply);
        int64_t backoff = (int64_t)BACKOFF_BASE_MS << (2 * i);
        backoff = backoff > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : backoff;
        pause_ms(c, after_ms >= 0 ? after_ms
                                  : backoff / 2 + (int64_t)randombytes_uniform((uint32_t)backoff));
    }
    free(body);
    return e;
}

static void print_quoted(const char *text, FILE *out)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'') {
            fputs("'\\''", out);
        } else {
            fputc(*text, out);
        }
    }
    fputc('\'', out);
}

void client_print_curl(const struct client_options *o, const struct client_call *call, FILE *out)
{
    char url[URL_MAX];
    fprintf(out, "curl -sS -X %s ", call->method);
    if (o->key) {
        fputs("-H \"Authorization: Bearer $COMPUTEFI_API_KEY\" ", out);
    }
    if (strcmp(call->method, "POST") == 0) {
        char fresh[CLIENT_IDEMPOTENCY_MAX];
        client_new_idempotency_key(fresh);
        fprintf(out, "-H 'Idempotency-Key: %s' ",
                call->idempotency_key ? call->idempotency_key : fresh);
    }
    if (call->body) {
        char *body = json_dumps(call->body, JSON_COMPACT | JSON_ENCODE_ANY);
        fputs("-H 'Content-Type: application/json' -d ", out);
        print_quoted(body ? body : "", out);
        fputc(' ', out);
        free(body);
    }
    snprintf(url, sizeof url, "%s%s", o->base_url, call->path);
    print_quoted(url, out);
    fputc('\n', out);
}
