/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/buf.h"

#include <jansson.h>

#include "tests/support/cu.h"

static void grows_and_stays_terminated(void)
{
    struct buf b;
    buf_init(&b, 100000);
    for (int i = 0; i < 10000; i++) {
        buf_addf(&b, "%d", i % 10);
        CU_ASSERT_FATAL(b.data[b.len] == '\0');
    }
    CU_ASSERT(buf_ok(&b));
    CU_ASSERT_EQUAL(b.len, 10000);
    CU_ASSERT_EQUAL(strlen(b.data), 10000);
    CU_ASSERT_EQUAL(strncmp(b.data + 9990, "0123456789", 10), 0);
    buf_clear(&b);
}

static void maximum_is_exact_and_failure_sticks(void)
{
    struct buf b;
    buf_init(&b, 10);
    buf_adds(&b, "0123456789");
    CU_ASSERT(buf_ok(&b));
    buf_add(&b, "", 0);
    CU_ASSERT(buf_ok(&b));
    buf_addf(&b, "%s", "x");
    CU_ASSERT(!buf_ok(&b));
    CU_ASSERT_STRING_EQUAL(b.data, "0123456789");
    buf_add(&b, "", 0);
    CU_ASSERT(!buf_ok(&b));
    buf_reset(&b);
    buf_addf(&b, "%s", "0123456789ab");
    CU_ASSERT(!buf_ok(&b));
    CU_ASSERT_STRING_EQUAL(b.data, "");
    buf_reset(&b);
    buf_adds(&b, "ok");
    CU_ASSERT(buf_ok(&b));
    CU_ASSERT_STRING_EQUAL(b.data, "ok");
    buf_clear(&b);
}

static void numbers_are_big_endian(void)
{
    static const unsigned char expected[] = {0xab, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8};
    struct buf b;
    buf_init(&b, 100);
    buf_add_u8(&b, 0xab);
    buf_add_u32be(&b, 0x01020304);
    buf_add_u64be(&b, UINT64_C(0x0102030405060708));
    CU_ASSERT_EQUAL_FATAL(b.len, sizeof expected);
    CU_ASSERT_EQUAL(memcmp(b.data, expected, sizeof expected), 0);
    buf_clear(&b);
}

static void json_strings_come_back_from_a_parser(void)
{
    char text[256];
    size_t len = 0;
    struct buf b;
    for (int c = 1; c < 128; c++)
        text[len++] = (char)c;
    memcpy(text + len, "\xc3\xa9\xf0\x9f\x98\x80", 6);
    len += 6;
    buf_init(&b, 4096);
    buf_add_json(&b, text, len);
    json_t *value = json_loadb(b.data, b.len, JSON_DECODE_ANY, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(value);
    CU_ASSERT_EQUAL(json_string_length(value), len);
    CU_ASSERT_EQUAL(memcmp(json_string_value(value), text, len), 0);
    json_decref(value);
    buf_reset(&b);
    buf_add_json(&b, "", 0);
    CU_ASSERT_STRING_EQUAL(b.data, "\"\"");
    buf_reset(&b);
    buf_add_json(&b, "a\0b", 3);
    CU_ASSERT_STRING_EQUAL(b.data, "\"a\\u0000b\"");
    buf_clear(&b);
}

CU_MAIN("buf", {"grows and stays terminated", grows_and_stays_terminated},
        {"maximum is exact and failure sticks", maximum_is_exact_and_failure_sticks},
        {"numbers are big-endian", numbers_are_big_endian},
        {"JSON strings come back from a parser", json_strings_come_back_from_a_parser})
