/* SPDX-License-Identifier: Apache-2.0 */
/* Values of requests: every kind at its bounds, and what it refuses. */
#include "api/input.h"

#include <string.h>

#include "tests/support/cu.h"

static struct arena arena;

static int init(void)
{
    arena_init(&arena, 1024 * 1024);
    return 0;
}

static int clean(void)
{
    arena_clear(&arena);
    return 0;
}

/* True when the JSON text is taken by the field; out as input_value. */
static bool takes(const struct input_field *f, const char *json, void *out)
{
    const char *why = NULL;
    json_t *v = json_loads(json, JSON_DECODE_ANY, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    /* texts point into the value, so it lives as long as the test program */
    enum err e = input_value(&arena, f, v, out, &why);
    if (e != ERR_OK)
        CU_ASSERT_PTR_NOT_NULL(why);
    if (f->kind != INPUT_TEXT && f->kind != INPUT_CHOICE)
        json_decref(v);
    return e == ERR_OK;
}

static void test_times(void)
{
    int64_t ms = 0;
    CU_ASSERT_EQUAL(input_time_parse("1970-01-01T00:00:00Z", &ms), ERR_OK);
    CU_ASSERT_EQUAL(ms, 0);
    CU_ASSERT_EQUAL(input_time_parse("2026-11-22T22:48:50.123456Z", &ms), ERR_OK);
    CU_ASSERT_EQUAL(ms, INT64_C(1795387730123));
    CU_ASSERT_EQUAL(input_time_parse("2026-11-23T00:48:50.5+02:00", &ms), ERR_OK);
    CU_ASSERT_EQUAL(ms, INT64_C(1795387730500));
    CU_ASSERT_EQUAL(input_time_parse("2026-11-22T17:18:50-05:30", &ms), ERR_OK);
    CU_ASSERT_EQUAL(ms, INT64_C(1795387730000));
    static const char *const BAD[] = {"",
                                      "2026-11-22",
                                      "2026-11-22T22:48:50",
                                      "2026-11-22 22:48:50Z",
                                      "2026-11-22T22:48:50.Z",
                                      "2026-11-22T22:48:50+2:00",
                                      "2026-11-22T22:48:50+24:00",
                                      "2026-11-22T22:48:50+02:60",
                                      "2026-13-22T22:48:50Z",
                                      "26-11-22T22:48:50Z",
                                      "1969-12-31T23:59:59Z",
                                      "2026-11-22T22:48:50Zx"};
    for (size_t i = 0; i < COUNT_OF(BAD); i++)
        CU_ASSERT_EQUAL(input_time_parse(BAD[i], &ms), ERR_PARSE);
}

static void test_numbers(void)
{
    const struct input_field n = {"n", INPUT_INT, NEED, 0, -2, 5, NULL};
    const struct input_field gwei = {"g", INPUT_GWEI, NEED, 0, 1, 1000, NULL};
    int64_t out = 0;
    CU_ASSERT_TRUE(takes(&n, "-2", &out) && out == -2);
    CU_ASSERT_TRUE(takes(&n, "5", &out) && out == 5);
    CU_ASSERT_FALSE(takes(&n, "6", &out));
    CU_ASSERT_FALSE(takes(&n, "1.0", &out));
    CU_ASSERT_FALSE(takes(&n, "\"1\"", &out));
    CU_ASSERT_TRUE(takes(&gwei, "\"1000\"", &out) && out == 1000);
    CU_ASSERT_FALSE(takes(&gwei, "\"1001\"", &out));
    CU_ASSERT_FALSE(takes(&gwei, "\"0\"", &out));
    CU_ASSERT_FALSE(takes(&gwei, "\"01\"", &out));
    CU_ASSERT_FALSE(takes(&gwei, "1", &out));
    const struct input_field may = {"n", INPUT_INT, MAY_NULL, 0, 0, 9, NULL};
    const int64_t *pointer = NULL;
    CU_ASSERT_TRUE(takes(&may, "7", &pointer) && *pointer == 7);
}

static void test_texts(void)
{
    const struct input_field name = {"n", INPUT_TEXT, NEED, 0, 1, 5, TEXT_NAME};
    const struct input_field any = {"n", INPUT_TEXT, NEED, 0, 0, 3, NULL};
    const struct input_field choice = {"n", INPUT_CHOICE, NEED, 0, 0, 0, "open|opening|paid"};
    const char *out = NULL;
    CU_ASSERT_TRUE(takes(&name, "\"a b-1\"", &out) && strcmp(out, "a b-1") == 0);
    CU_ASSERT_FALSE(takes(&name, "\"\"", &out));
    CU_ASSERT_FALSE(takes(&name, "\" a\"", &out));
    CU_ASSERT_FALSE(takes(&name, "\"\\u00fc\"", &out));
    CU_ASSERT_FALSE(takes(&name, "\"abcdef\"", &out));
    CU_ASSERT_TRUE(takes(&any, "\"\\u00fc\\u00fc\\u00fc\"", &out)); /* three characters */
    CU_ASSERT_FALSE(takes(&any, "\"a\\nb\"", &out));
    CU_ASSERT_TRUE(takes(&choice, "\"open\"", &out));
    CU_ASSERT_TRUE(takes(&choice, "\"paid\"", &out));
    CU_ASSERT_FALSE(takes(&choice, "\"ope\"", &out));
    CU_ASSERT_FALSE(takes(&choice, "\"open|opening\"", &out));
    CU_ASSERT_FALSE(takes(&choice, "\"\"", &out));
}

static void test_bytes(void)
{
    const struct input_field hex = {"h", INPUT_HEX, NEED, 0, 0, 2, NULL};
    const struct input_field b64 = {"b", INPUT_BYTES, NEED, 0, 1, 3, NULL};
    const uint8_t *out = NULL;
    struct bytes bytes = {NULL, 0};
    CU_ASSERT_TRUE(takes(&hex, "\"00ff\"", &out) && out[0] == 0 && out[1] == 255);
    CU_ASSERT_FALSE(takes(&hex, "\"00f\"", &out));
    CU_ASSERT_FALSE(takes(&hex, "\"00ff00\"", &out));
    CU_ASSERT_FALSE(takes(&hex, "\"00fg\"", &out));
    CU_ASSERT_TRUE(takes(&b64, "\"YWJj\"", &bytes) && bytes.len == 3 &&
                   memcmp(bytes.data, "abc", 3) == 0);
    CU_ASSERT_FALSE(takes(&b64, "\"YWJjZA\"", &bytes));
    CU_ASSERT_FALSE(takes(&b64, "\"\"", &bytes));
    CU_ASSERT_FALSE(takes(&b64, "\"YQ==\"", &bytes));
}

static void test_lists(void)
{
    const struct input_field words = {"w", INPUT_WORDS, NEED, 0, 1, 2, NULL};
    const struct input_field ids = {"i", INPUT_IDS, NEED, 0, 0, 2, "acct"};
    const char *out = NULL;
    CU_ASSERT_TRUE(takes(&words, "[\"a.b\",\"c\"]", &out) && strcmp(out, "a.b,c") == 0);
    CU_ASSERT_FALSE(takes(&words, "[]", &out));
    CU_ASSERT_FALSE(takes(&words, "[\"a\",\"b\",\"c\"]", &out));
    CU_ASSERT_FALSE(takes(&words, "[\"a,b\"]", &out));
    CU_ASSERT_FALSE(takes(&words, "[1]", &out));
    CU_ASSERT_TRUE(takes(&ids, "[]", &out) && strcmp(out, "") == 0);
    CU_ASSERT_TRUE(takes(&ids, "[\"acct_00000000000000000000000001\"]", &out) &&
                   strcmp(out, "00000000-0000-0000-0000-000000000001") == 0);
    CU_ASSERT_FALSE(takes(&ids, "[\"node_00000000000000000000000001\"]", &out));
}

CU_MAIN_WITH(init, clean, "input", {"times", test_times}, {"numbers", test_numbers},
             {"texts", test_texts}, {"bytes", test_bytes}, {"lists", test_lists})
