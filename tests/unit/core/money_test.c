/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/money.h"

#include "tests/support/cu.h"

static enum err parse(const char *text, int64_t *out)
{
    return money_parse(text, strlen(text), out);
}

static void parse_accepts_canonical_amounts(void)
{
    static const struct {
        const char *text;
        int64_t gwei;
    } rows[] = {{"0", 0},
                {"1", 1},
                {"10", 10},
                {"999999999999999999", INT64_C(999999999999999999)},
                {"1000000000000000000", MONEY_MAX_GWEI}};
    char back[MONEY_TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t v = -1;
        CU_ASSERT_EQUAL(parse(rows[i].text, &v), ERR_OK);
        CU_ASSERT_EQUAL(v, rows[i].gwei);
        CU_ASSERT_EQUAL(money_print(v, back), strlen(rows[i].text));
        CU_ASSERT_STRING_EQUAL(back, rows[i].text);
    }
}

static void parse_refuses_everything_else(void)
{
    static const char *const bad[] = {"",   "-1", "+1",  "01",  "00",  "1.0", "1e3",
                                      " 1", "1 ", "0x1", "1_0", "NaN", "1,0", "\xd9\xa1"};
    static const char *const large[] = {"1000000000000000001", "9223372036854775807",
                                        "9223372036854775808", "99999999999999999999999999999"};
    int64_t v = 42;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(parse(bad[i], &v), ERR_PARSE);
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++)
        CU_ASSERT_EQUAL(parse(large[i], &v), ERR_RANGE);
    CU_ASSERT_EQUAL(money_parse("1\0"
                                "2",
                                3, &v),
                    ERR_PARSE);
    CU_ASSERT_EQUAL(parse("99999999999999999999999999999x", &v), ERR_PARSE);
    CU_ASSERT_EQUAL(v, 42);
}

static void prints_extremes_and_cys(void)
{
    char text[MONEY_TEXT_MAX];
    CU_ASSERT_EQUAL(money_print(INT64_MIN, text), 20);
    CU_ASSERT_STRING_EQUAL(text, "-9223372036854775808");
    money_print_cys(INT64_MIN, text);
    CU_ASSERT_STRING_EQUAL(text, "-9223372036.854775808");
    CU_ASSERT_EQUAL(money_print_cys(1500000000, text), 3);
    CU_ASSERT_STRING_EQUAL(text, "1.5");
    money_print_cys(1, text);
    CU_ASSERT_STRING_EQUAL(text, "0.000000001");
    money_print_cys(MONEY_MAX_GWEI, text);
    CU_ASSERT_STRING_EQUAL(text, "1000000000");
    money_print_cys(0, text);
    CU_ASSERT_STRING_EQUAL(text, "0");
}

static void arithmetic_stays_in_range(void)
{
    int64_t v = 7;
    CU_ASSERT_EQUAL(money_add(1, 2, &v), ERR_OK);
    CU_ASSERT_EQUAL(v, 3);
    CU_ASSERT_EQUAL(money_add(MONEY_MAX_GWEI, 1, &v), ERR_RANGE);
    CU_ASSERT_EQUAL(money_add(INT64_MAX, INT64_MAX, &v), ERR_RANGE);
    CU_ASSERT_EQUAL(money_sub(2, 3, &v), ERR_RANGE);
    CU_ASSERT_EQUAL(money_sub(INT64_MIN, 1, &v), ERR_RANGE);
    CU_ASSERT_EQUAL(money_mul(MONEY_MAX_GWEI, 2, &v), ERR_RANGE);
    CU_ASSERT_EQUAL(money_mul(INT64_MAX, INT64_MAX, &v), ERR_RANGE);
    CU_ASSERT_EQUAL(v, 3);
    CU_ASSERT_EQUAL(money_sub(3, 3, &v), ERR_OK);
    CU_ASSERT_EQUAL(v, 0);
    CU_ASSERT_EQUAL(money_mul(MONEY_MAX_GWEI, 1, &v), ERR_OK);
    CU_ASSERT_EQUAL(v, MONEY_MAX_GWEI);
}

static void mul_div_floors_a_wide_product(void)
{
    CU_ASSERT_EQUAL(money_mul_div(MONEY_MAX_GWEI, PPM - 1, PPM), INT64_C(999999000000000000));
    CU_ASSERT_EQUAL(money_mul_div(10, 1, 3), 3);
    CU_ASSERT_EQUAL(money_mul_div(11, 2, 3), 7);
    CU_ASSERT_EQUAL(money_mul_div(0, PPM, 1), 0);
    CU_ASSERT_EQUAL(money_mul_div(MONEY_MAX_GWEI, MONEY_MAX_GWEI, MONEY_MAX_GWEI), MONEY_MAX_GWEI);
}

CU_MAIN("money", {"parse accepts canonical amounts", parse_accepts_canonical_amounts},
        {"parse refuses everything else", parse_refuses_everything_else},
        {"prints extremes and CYS", prints_extremes_and_cys},
        {"arithmetic stays in range", arithmetic_stays_in_range},
        {"mul_div floors a wide product", mul_div_floors_a_wide_product})
