/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a socket that answers from a script: what is sent, repeated, waited for, given
 * up. */
#include "server/client/client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "tests/support/cu.h"

enum { REQUEST_MAX = 8192, REQUESTS_MAX = 8 };

/* Answers each connection's requests with the next text of the script; "" closes without an answer,
 * NULL keeps silent until the peer hangs up. */
struct script {
    const char *const *replies;
    size_t reply_count;
    int listener;
    pthread_t thread;
    char base_url[64];
    char request[REQUESTS_MAX][REQUEST_MAX];
    size_t seen;
};

static size_t read_request(int fd, char *out)
{
    size_t len = 0;
    size_t want = 0;
    while (len + 1 < REQUEST_MAX) {
        ssize_t n = recv(fd, out + len, REQUEST_MAX - 1 - len, 0);
        if (n <= 0)
            return 0;
        len += (size_t)n;
        out[len] = '\0';
        const char *end = strstr(out, "\r\n\r\n");
        const char *length = strcasestr(out, "content-length:");
        want = length != NULL ? (size_t)strtoul(length + 15, NULL, 10) : 0;
        if (end != NULL && len >= (size_t)(end - out) + 4 + want)
            return len;
    }
    return 0;
}

static void *serve(void *arg)
{
    struct script *s = arg;
    while (s->seen < s->reply_count) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            break;
        while (s->seen < s->reply_count && read_request(fd, s->request[s->seen]) > 0) {
            const char *reply = s->replies[s->seen++];
            char byte;
            if (reply == NULL)
                (void)!recv(fd, &byte, 1, 0);
            if (reply == NULL || *reply == '\0')
                break;
            if (send(fd, reply, strlen(reply), MSG_NOSIGNAL) < 0)
                break;
        }
        close(fd);
    }
    return NULL;
}

static void script_start(struct script *s, const char *const *replies, size_t count)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    *s = (struct script){.replies = replies, .reply_count = count};
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(s->listener, (struct sockaddr *)&at, len), 0);
    CU_ASSERT_EQUAL_FATAL(listen(s->listener, 8), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
    snprintf(s->base_url, sizeof s->base_url, "http://127.0.0.1:%d", ntohs(at.sin_port));
    CU_ASSERT_EQUAL_FATAL(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void script_end(struct script *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
}

#define JSON_REPLY(status, headers, body, len)                                                     \
    "HTTP/1.1 " status "\r\nContent-Type: application/json\r\n" headers "Content-Length: " len     \
    "\r\n\r\n" body
#define OK_REPLY   JSON_REPLY("200 OK", "", "{\"a\":1}", "7")
#define BUSY_REPLY JSON_REPLY("503 Busy", "Retry-After: 0\r\n", "{\"code\":\"unavailable\"}", "22")
#define COUNT(a)   (sizeof(a) / sizeof(a)[0])

static enum err run(struct script *s, const struct client_call *call, struct client_reply *r,
                    const struct client_options *more)
{
    struct client_options o = *more;
    struct client *c = NULL;
    o.base_url = s->base_url;
    CU_ASSERT_EQUAL_FATAL(client_new(&o, &c), ERR_OK);
    enum err e = client_run(c, call, r);
    client_free(c);
    return e;
}

/* The value of a request header, copied; "" when there is none. */
static void header_of(const char *request, const char *name, char out[128])
{
    const char *at = strstr(request, name);
    out[0] = '\0';
    if (at != NULL)
        snprintf(out, 128, "%.*s", (int)strcspn(at + strlen(name), "\r"), at + strlen(name));
}

static void sends_key_and_body_and_reads_json(void)
{
    static const char *const REPLIES[] = {OK_REPLY};
    struct script *s = malloc(sizeof *s);
    struct client_reply r;
    json_t *body = json_pack("{s:i}", "x", 1);
    struct client_call call = {.method = "POST", .path = "/v1/x", .body = body, .wait_ms = 1500};
    script_start(s, REPLIES, COUNT(REPLIES));
    CU_ASSERT_EQUAL(run(s, &call, &r, &(struct client_options){.key = "cfk_test"}), ERR_OK);
    script_end(s);
    CU_ASSERT_EQUAL(r.status, 200);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(r.json, "a")), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(s->request[0], "POST /v1/x HTTP/1.1\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(s->request[0], "Authorization: Bearer cfk_test\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(s->request[0], "Prefer: wait=2\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(s->request[0], "Idempotency-Key: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(s->request[0], "\r\n\r\n{\"x\":1}"));
    client_reply_clear(&r);
    json_decref(body);
    free(s);
}

static void repeats_with_the_same_idempotency_key(void)
{
    static const char *const REPLIES[] = {BUSY_REPLY, "", OK_REPLY};
    struct script *s = malloc(sizeof *s);
    struct client_reply r;
    struct client_call call = {.method = "POST", .path = "/v1/x"};
    char first[128];
    char last[128];
    script_start(s, REPLIES, COUNT(REPLIES));
    CU_ASSERT_EQUAL(run(s, &call, &r, &(struct client_options){.tries = 4}), ERR_OK);
    script_end(s);
    CU_ASSERT_EQUAL(s->seen, 3);
    header_of(s->request[0], "Idempotency-Key: ", first);
    header_of(s->request[2], "Idempotency-Key: ", last);
    CU_ASSERT_TRUE(strlen(first) >= 16);
    CU_ASSERT_STRING_EQUAL(first, last);
    client_reply_clear(&r);
    free(s);
}

static void reads_the_problem_document_and_does_not_repeat_a_refusal(void)
{
    static const char *const REPLIES[] = {
        "HTTP/1.1 422 No\r\nContent-Type: application/problem+json\r\nContent-Length: 101\r\n\r\n"
        "{\"code\":\"bad_field\",\"request_id\":\"req_1\",\"errors\":[{\"pointer\":\"/input/x\","
        "\"detail\":\"must be hex\"}]}   ",
        OK_REPLY};
    struct script *s = malloc(sizeof *s);
    struct client_reply r;
    struct client_call call = {.method = "POST", .path = "/v1/x"};
    script_start(s, REPLIES, COUNT(REPLIES));
    CU_ASSERT_EQUAL(run(s, &call, &r, &(struct client_options){.tries = 4}), ERR_BAD_FIELD);
    script_end(s);
    CU_ASSERT_EQUAL(s->seen, 1);
    CU_ASSERT_EQUAL(r.status, 422);
    CU_ASSERT_STRING_EQUAL(r.code, "bad_field");
    CU_ASSERT_STRING_EQUAL(r.pointer, "/input/x");
    CU_ASSERT_STRING_EQUAL(r.detail, "must be hex");
    CU_ASSERT_STRING_EQUAL(r.request_id, "req_1");
    client_reply_clear(&r);
    free(s);
}

static void waits_as_long_as_retry_after_says(void)
{
    static const char *const REPLIES[] = {
        JSON_REPLY("429 Slow", "Retry-After: 1\r\n", "{\"code\":\"rate_limited\"}", "23"),
        OK_REPLY};
    struct script *s = malloc(sizeof *s);
    struct client_reply r;
    struct client_call call = {.method = "GET", .path = "/v1/x"};
    int64_t before = clock_mono_ms();
    script_start(s, REPLIES, COUNT(REPLIES));
    CU_ASSERT_EQUAL(run(s, &call, &r, &(struct client_options){.tries = 2}), ERR_OK);
    script_end(s);
    CU_ASSERT_TRUE(clock_mono_ms() - before >= 1000);
    CU_ASSERT_PTR_NULL(strstr(s->request[0], "Idempotency-Key"));
    client_reply_clear(&r);
    free(s);
}

static void an_empty_answer_is_empty_and_a_redirect_is_not_followed(void)
{
    static const char *const EMPTY[] = {"HTTP/1.1 204 No Content\r\n\r\n"};
    static const char *const MOVED[] = {
        "HTTP/1.1 302 Found\r\nLocation: /v1/other\r\nContent-Length: 0\r\n\r\n", OK_REPLY};
    struct script *s = malloc(sizeof *s);
    struct client_reply r;
    struct client_call call = {.method = "GET", .path = "/v1/x"};
    script_start(s, EMPTY, COUNT(EMPTY));
    CU_ASSERT_EQUAL(run(s, &call, &r, &(struct client_options){.tries = 1}), ERR_EMPTY);
    script_end(s);
    client_reply_clear(&r);
    script_start(s, MOVED, COUNT(MOVED));
    CU_ASSERT_NOT_EQUAL(run(s, &call, &r, &(struct client_options){.tries = 1}), ERR_OK);
    script_end(s);
    CU_ASSERT_EQUAL(s->seen, 1);
    CU_ASSERT_EQUAL(r.status, 302);
    client_reply_clear(&r);
    free(s);
}

static void a_reply_beyond_the_maximum_is_refused(void)
{
    size_t body = CLIENT_REPLY_MAX_BYTES + 1000;
    char *big = malloc(body + 200);
    int head = snprintf(big, 200, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body);
    memset(big + head, 'x', body);
    big[(size_t)head + body] = '\0';
    const char *const replies[] = {big};
    struct script *s = malloc(sizeof *s);
    struct client_reply r;
    struct client_call call = {.method = "GET", .path = "/v1/x"};
    script_start(s, replies, COUNT(replies));
    CU_ASSERT_EQUAL(run(s, &call, &r, &(struct client_options){.tries = 1}), ERR_REMOTE);
    script_end(s);
    CU_ASSERT_EQUAL(r.status, 0);
    client_reply_clear(&r);
    free(big);
    free(s);
}

static void *stop_soon(void *arg)
{
    usleep(200000);
    atomic_store((atomic_bool *)arg, true);
    return NULL;
}

static void a_stop_ends_a_long_poll_early(void)
{
    static const char *const SILENT[] = {NULL};
    struct script *s = malloc(sizeof *s);
    struct client_reply r;
    struct client_call call = {.method = "GET", .path = "/v1/x", .wait_ms = 30000};
    atomic_bool stop = false;
    pthread_t stopper;
    int64_t before = clock_mono_ms();
    script_start(s, SILENT, COUNT(SILENT));
    CU_ASSERT_EQUAL_FATAL(pthread_create(&stopper, NULL, stop_soon, &stop), 0);
    CU_ASSERT_EQUAL(run(s, &call, &r, &(struct client_options){.tries = 4, .stop = &stop}),
                    ERR_EMPTY);
    CU_ASSERT_TRUE(clock_mono_ms() - before < 5000);
    pthread_join(stopper, NULL);
    script_end(s);
    client_reply_clear(&r);
    free(s);
}

static void an_unreachable_server_is_remote(void)
{
    struct script dead = {.base_url = "http://127.0.0.1:1"};
    struct script file = {.base_url = "file:///etc/passwd"};
    struct client_reply r;
    struct client_call call = {.method = "GET", .path = "/v1/x"};
    CU_ASSERT_EQUAL(run(&dead, &call, &r, &(struct client_options){.tries = 2}), ERR_REMOTE);
    CU_ASSERT_EQUAL(r.status, 0);
    client_reply_clear(&r);
    call.path = "";
    CU_ASSERT_EQUAL(run(&file, &call, &r, &(struct client_options){.tries = 1}), ERR_REMOTE);
    CU_ASSERT_PTR_NULL(r.bytes);
    client_reply_clear(&r);
}

static void the_curl_command_hides_the_key(void)
{
    char text[1024] = "";
    FILE *f = fmemopen(text, sizeof text, "w");
    json_t *body = json_pack("{s:s}", "name", "it's");
    struct client_options o = {.base_url = "http://h", .key = "cfk_secret"};
    struct client_call call = {
        .method = "POST", .path = "/v1/x", .body = body, .idempotency_key = "abc"};
    client_print_curl(&o, &call, f);
    fclose(f);
    CU_ASSERT_STRING_EQUAL(text, "curl -sS -X POST -H \"Authorization: Bearer $COMPUTEFI_API_KEY\" "
                                 "-H 'Idempotency-Key: abc' -H 'Content-Type: application/json' "
                                 "-d '{\"name\":\"it'\\''s\"}' 'http://h/v1/x'\n");
    json_decref(body);
}

static void values_are_percent_encoded(void)
{
    char out[32];
    CU_ASSERT_TRUE(client_encode("a b/c?\xc3\xa9", out, sizeof out));
    CU_ASSERT_STRING_EQUAL(out, "a%20b%2Fc%3F%C3%A9");
    CU_ASSERT_FALSE(client_encode("0123456789", out, 8));
}

static int begin(void)
{
    return sodium_init() < 0;
}

CU_MAIN_WITH(begin, NULL, "client",
             {"sends key and body and reads JSON", sends_key_and_body_and_reads_json},
             {"repeats with the same idempotency key", repeats_with_the_same_idempotency_key},
             {"reads the problem document and does not repeat a refusal",
              reads_the_problem_document_and_does_not_repeat_a_refusal},
             {"waits as long as Retry-After says", waits_as_long_as_retry_after_says},
             {"an empty answer is empty and a redirect is not followed",
              an_empty_answer_is_empty_and_a_redirect_is_not_followed},
             {"a reply beyond the maximum is refused", a_reply_beyond_the_maximum_is_refused},
             {"a stop ends a long poll early", a_stop_ends_a_long_poll_early},
             {"an unreachable server is remote", an_unreachable_server_is_remote},
             {"the curl command hides the key", the_curl_command_hides_the_key},
             {"values are percent-encoded", values_are_percent_encoded})
