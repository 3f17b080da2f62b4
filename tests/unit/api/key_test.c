/* SPDX-License-Identifier: Apache-2.0 */
/* API keys as text: derived from the server's secret, taken apart again, nothing else accepted. */
#include "api/key.h"

#include <sodium.h>
#include <string.h>

#include "tests/support/cu.h"

static const char SECRET[] = "0123456789abcdef0123456789abcdef";

static void test_round_trip(void)
{
    const struct uuid id = {{1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, 16}};
    struct uuid back;
    char text[KEY_TEXT_MAX];
    char again[KEY_TEXT_MAX];
    uint8_t secret[KEY_SECRET_BYTES];
    uint8_t expected[KEY_SECRET_BYTES];
    key_print(SECRET, &id, text);
    key_print(SECRET, &id, again);
    CU_ASSERT_STRING_EQUAL(text, again);
    CU_ASSERT_EQUAL(key_parse(text, &back, secret), ERR_OK);
    CU_ASSERT_TRUE(uuid_equal(&id, &back));
    key_secret(SECRET, &id, expected);
    CU_ASSERT_EQUAL(memcmp(secret, expected, sizeof secret), 0);
    key_secret("another secret of the server, 32+", &id, expected);
    CU_ASSERT_NOT_EQUAL(memcmp(secret, expected, sizeof secret), 0);
}

static void test_refuses(void)
{
    const struct uuid id = {{7}};
    struct uuid back;
    char text[KEY_TEXT_MAX];
    char bad[KEY_TEXT_MAX + 1];
    uint8_t secret[KEY_SECRET_BYTES];
    key_print(SECRET, &id, text);
    size_t len = strlen(text);
    for (size_t cut = 0; cut < len; cut++) {
        memcpy(bad, text, cut);
        bad[cut] = '\0';
        CU_ASSERT_EQUAL(key_parse(bad, &back, secret), ERR_PARSE);
    }
    memcpy(bad, text, len);
    memcpy(bad + len, "A", 2);
    CU_ASSERT_EQUAL(key_parse(bad, &back, secret), ERR_PARSE);
    memcpy(bad, text, len + 1);
    bad[4] = '8'; /* beyond 128 bits */
    CU_ASSERT_EQUAL(key_parse(bad, &back, secret), ERR_PARSE);
    memcpy(bad, text, len + 1);
    bad[len - 1] = '!';
    CU_ASSERT_EQUAL(key_parse(bad, &back, secret), ERR_PARSE);
}

static void test_scopes(void)
{
    char text[128];
    CU_ASSERT_EQUAL(key_scope_bit("read"), 1);
    CU_ASSERT_EQUAL(key_scope_bit("operator"), SCOPE_OPERATOR);
    CU_ASSERT_EQUAL(key_scope_bit("rea"), 0);
    CU_ASSERT_EQUAL(key_scope_bit(""), 0);
    key_scopes_print(1 | 64, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "[\"read\",\"job\"]");
    key_scopes_print(0, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "[]");
    key_scopes_print(SCOPES_ALL, text, sizeof text);
    CU_ASSERT_EQUAL(text[strlen(text) - 1], ']');
}

CU_MAIN("key", {"round trip", test_round_trip}, {"refuses", test_refuses}, {"scopes", test_scopes})
