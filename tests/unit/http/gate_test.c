/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/gate.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/cu.h"

static enum err target(const char *text)
{
    const char *why = NULL;
    enum err e = gate_target(text, strlen(text), &why);
    CU_ASSERT_EQUAL(e == ERR_BAD_REQUEST, why != NULL);
    return e;
}

static void takes_plain_targets(void)
{
    static const char *const good[] = {
        "/",
        "/v1/tasks",
        "/v1/tasks?limit=20&cursor=a%2Fb%2e",
        "/a%20b",
        "/a.b/.hid",
        "/v1/tasks?x=/../..",
        "/~x/-_!$&'()*+,;=:@",
        "/a...b/...",
        "/v1/tasks/?",
        "//",
        "/a?b?c",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_EQUAL(target(good[i]), ERR_OK);
}

static void refuses_targets_that_others_read_differently(void)
{
    static const char *const bad[] = {
        "",          "v1/tasks", "*",       "http://x/v1", "/a%00b", "/a?b=%00", "/a%2fb", "/a%2Fb",
        "/%2e%2e/a", "/a%2E",    "/a%5cb",  "/a\\b",       "/a b",   "/a\tb",    "/a\x7f", "/a\x80",
        "/a%80",     "/a%ff",    "/a%0a",   "/a?b=%0d",    "/a%",    "/a%1",     "/a%zz",  "/a?b=%",
        "/..",       "/../a",    "/a/../b", "/a/..",       "/./a",   "/a/.",     "/a#b",   "/a%7f",
        "/a\r\nx",   "/a%2",     "/a?%g0",  "/\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(target(bad[i]), ERR_BAD_REQUEST);
}

static void limits_the_length_of_targets(void)
{
    char text[GATE_TARGET_MAX_BYTES + 2];
    memset(text, 'a', sizeof text);
    text[0] = '/';
    text[GATE_TARGET_MAX_BYTES] = '\0';
    CU_ASSERT_EQUAL(target(text), ERR_OK);
    text[GATE_TARGET_MAX_BYTES] = 'a';
    text[GATE_TARGET_MAX_BYTES + 1] = '\0';
    CU_ASSERT_EQUAL(target(text), ERR_URI_TOO_LONG);
}

/* headers: "Name: value" lines separated by '|'. Host is added. */
static enum err head(struct gate_head *h, const char *headers)
{
    *h = (struct gate_head){0};
    gate_header(h, "Host", 4, "x", 1);
    for (const char *at = headers; *at != '\0';) {
        size_t len = strcspn(at, "|");
        size_t name = strcspn(at, ":");
        char *value = strndup(at + name + 2, len - name - 2);
        gate_header(h, at, name, value, strlen(value));
        at += len + (at[len] == '|');
        /* the gate borrows: kept until the process ends is enough for a test */
        static char *kept[512];
        static int count;
        kept[count++ % 512] = value;
        (void)kept;
    }
    return gate_finish(h, "GET", "HTTP/1.1");
}

static enum err judged(const char *headers)
{
    struct gate_head h;
    return head(&h, headers);
}

static void refuses_every_smuggling_head(void)
{
    static const char *const bad[] = {
        "Transfer-Encoding: chunked|Content-Length: 4",
        "Content-Length: 4|Transfer-Encoding: chunked",
        "Content-Length: 0|Content-Length: 30",
        "Content-Length: 5|Content-Length: 5",
        "Transfer-Encoding : chunked|Content-Length: 5",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked|Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked|Transfer-Encoding: identity",
        "Transfer-Encoding: identity",
        "Transfer-Encodingchunked: x",
        "transfer-encoding-x: chunked",
        "Content-Length: 18446744073709551615",
        "Content-Length: 18446744073709551616",
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 5, 5",
        "Content-Length: 0x5",
        "Content-Length: 5 ",
        "Content-Length: ",
        "Content-Lengthx: 5",
        "Content-Length\x01: 5",
        "Host: y",
        "X Y: 1",
        "X(: 1",
        "X-A: a\x01z",
        "X-A: a\rb",
        "X-A: a\x7f",
        "Expect: 200-ok",
        "Expect: 100-continue, x",
        "Authorization: Bearer a|Authorization: Bearer b",
        "Idempotency-Key: a|idempotency-key: a",
        "Content-Type: a|Content-Type: b",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_EQUAL(judged(bad[i]), ERR_BAD_REQUEST);
        if (judged(bad[i]) != ERR_BAD_REQUEST)
            printf("  accepted: %s\n", bad[i]);
    }
}

static void wants_a_length_instead_of_chunks(void)
{
    CU_ASSERT_EQUAL(judged("Transfer-Encoding: chunked"), ERR_LENGTH_REQUIRED);
    CU_ASSERT_EQUAL(judged("transfer-encoding: Chunked"), ERR_LENGTH_REQUIRED);
}

static void finds_what_requests_carry(void)
{
    struct gate_head h;
    CU_ASSERT_EQUAL(head(&h, "content-length: 42|AUTHORIZATION: Bearer k|Content-type: a/b|"
                             "Idempotency-Key: i|Prefer: wait=3|Expect: 100-Continue|TE: trailers|"
                             "If-None-Match: \"1\"|Accept: */*|X-Tab: a\tb"),
                    ERR_OK);
    CU_ASSERT_TRUE(h.has_length && h.length == 42);
    CU_ASSERT_TRUE(h.expects_continue);
    CU_ASSERT_STRING_EQUAL(h.authorization, "Bearer k");
    CU_ASSERT_STRING_EQUAL(h.content_type, "a/b");
    CU_ASSERT_STRING_EQUAL(h.idempotency_key, "i");
    CU_ASSERT_STRING_EQUAL(h.prefer, "wait=3");
    CU_ASSERT_STRING_EQUAL(h.if_none_match, "\"1\"");
    CU_ASSERT_STRING_EQUAL(h.accept, "*/*");
    CU_ASSERT_EQUAL(head(&h, "Content-Length: 999999999999"), ERR_OK);
    CU_ASSERT_EQUAL(head(&h, "Content-Length: 0000000000001"), ERR_BAD_REQUEST);
}

static void wants_one_host_and_http_1_1(void)
{
    struct gate_head h = {0};
    CU_ASSERT_EQUAL(gate_finish(&h, "GET", "HTTP/1.1"), ERR_BAD_REQUEST);
    static const char *const versions[] = {"HTTP/1.0", "HTTP/2", "", "http/1.1", "HTTP/1.11"};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        h = (struct gate_head){.hosts = 1};
        CU_ASSERT_EQUAL(gate_finish(&h, "GET", versions[i]), ERR_BAD_REQUEST);
    }
    static const char *const methods[] = {"", "G\x01T", "GET ", "G,T"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        h = (struct gate_head){.hosts = 1};
        CU_ASSERT_EQUAL(gate_finish(&h, methods[i], "HTTP/1.1"), ERR_BAD_REQUEST);
    }
    h = (struct gate_head){.hosts = 1};
    CU_ASSERT_EQUAL(gate_finish(&h, "BREW", "HTTP/1.1"), ERR_OK); /* the router answers 405 */
    CU_ASSERT_EQUAL(gate_method("BREW"), METHOD_OTHER);
    CU_ASSERT_EQUAL(gate_method("get"), METHOD_OTHER);
    CU_ASSERT_EQUAL(gate_method("PATCH"), METHOD_PATCH);
}

static void limits_the_number_of_headers(void)
{
    struct gate_head h = {0};
    gate_header(&h, "Host", 4, "x", 1);
    for (int i = 1; i < GATE_HEADERS_MAX; i++)
        gate_header(&h, "X", 1, "y", 1);
    CU_ASSERT_EQUAL(gate_finish(&h, "GET", "HTTP/1.1"), ERR_OK);
    gate_header(&h, "X", 1, NULL, 0);
    CU_ASSERT_EQUAL(gate_finish(&h, "GET", "HTTP/1.1"), ERR_BAD_REQUEST);
}

CU_MAIN("http gate", {"takes_plain_targets", takes_plain_targets},
        {"refuses_targets_that_others_read_differently",
         refuses_targets_that_others_read_differently},
        {"limits_the_length_of_targets", limits_the_length_of_targets},
        {"refuses_every_smuggling_head", refuses_every_smuggling_head},
        {"wants_a_length_instead_of_chunks", wants_a_length_instead_of_chunks},
        {"finds_what_requests_carry", finds_what_requests_carry},
        {"wants_one_host_and_http_1_1", wants_one_host_and_http_1_1},
        {"limits_the_number_of_headers", limits_the_number_of_headers})
