/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/json.h"

#include <stdlib.h>

#include "tests/support/cu.h"

static enum err parse(const char *text)
{
    json_t *value = NULL;
    enum err e = json_parse(text, strlen(text), &value);
    CU_ASSERT_EQUAL(value != NULL, e == ERR_OK);
    json_decref(value);
    return e;
}

static void accepts_json(void)
{
    CU_ASSERT_EQUAL(parse("{}"), ERR_OK);
    CU_ASSERT_EQUAL(parse(" [1, \"a\", {\"b\": null}] \n"), ERR_OK);
    CU_ASSERT_EQUAL(parse("{\"text\": \"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}"), ERR_OK);
    CU_ASSERT_EQUAL(parse("[\"\\\"[[[[[[[[[[[[[[[[[[[[[[\\\\\"]"), ERR_OK);
}

static void refuses_what_bites(void)
{
    static const char *const bad[] = {"",
                                      "1",
                                      "\"text\"",
                                      "{\"a\":1,\"a\":2}",
                                      "{\"a\":1,\"\\u0061\":2}",
                                      "{\"a\":1}x",
                                      "{\"a\":1",
                                      "{\"a\":99999999999999999999}",
                                      "[\"\\u0000\"]",
                                      "{'a':1}",
                                      "[1,]",
                                      "[\"\xff\"]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(parse(bad[i]), ERR_BAD_JSON);
    json_t *value = NULL;
    CU_ASSERT_EQUAL(json_parse(NULL, 0, &value), ERR_BAD_JSON);
}

static void depth_ends_at_the_limit(void)
{
    char text[2 * JSON_DEPTH_MAX + 3] = "";
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    CU_ASSERT_EQUAL(parse(text), ERR_OK);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    CU_ASSERT_EQUAL(parse(text), ERR_BAD_JSON);
    CU_ASSERT(!json_prescan(text, JSON_DEPTH_MAX + 1));
}

static void structure_ends_at_the_limit(void)
{
    size_t commas = JSON_STRUCTURE_MAX - 2;
    char *text = malloc(2 * commas + 8);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    text[0] = '[';
    for (size_t i = 0; i < commas; i++)
        memcpy(text + 1 + 2 * i, "1,", 2);
    strcpy(text + 1 + 2 * commas, "1]");
    CU_ASSERT_EQUAL(parse(text), ERR_OK);
    strcpy(text + 1 + 2 * commas, "1,1]");
    CU_ASSERT_EQUAL(parse(text), ERR_BAD_JSON);
    free(text);
}

static void size_ends_at_the_limit(void)
{
    size_t len = JSON_BODY_MAX_BYTES;
    json_t *value = NULL;
    char *text = malloc(len + 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, ' ', len + 2);
    text[0] = '[';
    text[1] = ']';
    CU_ASSERT_EQUAL(json_parse(text, len, &value), ERR_OK);
    json_decref(value);
    value = NULL;
    CU_ASSERT_EQUAL(json_parse(text, len + 1, &value), ERR_TOO_LARGE);
    CU_ASSERT_PTR_NULL(value);
    free(text);
}

static void canonical_sorts_and_packs(void)
{
    json_t *value = NULL;
    const char *text = "{ \"b\": [1, 2], \"a\": {\"d\": 1, \"c\": \"\xc3\xa9\"} }";
    CU_ASSERT_EQUAL_FATAL(json_parse(text, strlen(text), &value), ERR_OK);
    char *canonical = json_canonical(value);
    CU_ASSERT_STRING_EQUAL(canonical, "{\"a\":{\"c\":\"\xc3\xa9\",\"d\":1},\"b\":[1,2]}");
    free(canonical);
    json_decref(value);
}

static int set_up(void)
{
    json_setup();
    return 0;
}

CU_MAIN_WITH(set_up, NULL, "json", {"accepts JSON", accepts_json},
             {"refuses what bites", refuses_what_bites},
             {"depth ends at the limit", depth_ends_at_the_limit},
             {"structure ends at the limit", structure_ends_at_the_limit},
             {"size ends at the limit", size_ends_at_the_limit},
             {"canonical sorts and packs", canonical_sorts_and_packs})
