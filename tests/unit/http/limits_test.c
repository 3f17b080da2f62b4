/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/limits.h"

#include <string.h>

#include "tests/support/cu.h"

static const uint8_t one[LIMITS_ID_BYTES] = {1};
static const uint8_t two[LIMITS_ID_BYTES] = {2};

static void gives_a_minute_of_requests_and_refills(void)
{
    struct limits *l = NULL;
    struct limits_state s = {0};
    int64_t now = 1000000;
    CU_ASSERT_EQUAL_FATAL(limits_new(60, &l), ERR_OK);
    for (int i = 0; i < 60; i++) {
        CU_ASSERT_TRUE(limits_take(l, one, true, now, &s));
        CU_ASSERT_EQUAL(s.remaining, 59 - i);
    }
    CU_ASSERT_EQUAL(s.reset_s, 60);
    CU_ASSERT_FALSE(limits_take(l, one, true, now, &s));
    CU_ASSERT_EQUAL(s.retry_s, 1);
    CU_ASSERT_FALSE(limits_take(l, one, true, now + 999, &s));
    CU_ASSERT_TRUE(limits_take(l, one, true, now + 1000, &s));
    CU_ASSERT_FALSE(limits_take(l, one, true, now + 1001, &s));
    CU_ASSERT_TRUE(limits_take(l, one, true, now + 3600000, &s));
    CU_ASSERT_EQUAL(s.remaining, 59); /* never more than a minute's worth */
    limits_free(l);
}

static void keeps_callers_apart(void)
{
    struct limits *l = NULL;
    struct limits_state s;
    CU_ASSERT_EQUAL_FATAL(limits_new(1, &l), ERR_OK);
    CU_ASSERT_TRUE(limits_take(l, one, true, 5000, &s));
    CU_ASSERT_FALSE(limits_take(l, one, true, 5000, &s));
    CU_ASSERT_EQUAL(s.retry_s, 60);
    CU_ASSERT_TRUE(limits_take(l, two, true, 5000, &s));
    CU_ASSERT_TRUE(limits_take(l, one, false, 5000, &s)); /* an address is no key */
    CU_ASSERT_FALSE(limits_take(l, one, false, 5000, &s));
    limits_free(l);
}

/* Fractions of a token must not be lost to rounding when a caller asks often. */
static void slow_rates_refill_when_asked_every_millisecond(void)
{
    struct limits *l = NULL;
    struct limits_state s;
    int given = 0;
    CU_ASSERT_EQUAL_FATAL(limits_new(6, &l), ERR_OK);
    for (int64_t ms = 1; ms <= 60000; ms++)
        given += limits_take(l, one, true, ms, &s);
    CU_ASSERT_TRUE(given >= 11 && given <= 12);
    limits_free(l);
}

static void many_callers_do_not_empty_one_bucket(void)
{
    struct limits *l = NULL;
    struct limits_state s;
    CU_ASSERT_EQUAL_FATAL(limits_new(10, &l), ERR_OK);
    for (uint32_t i = 0; i < 200000; i++) {
        uint8_t id[LIMITS_ID_BYTES] = {0};
        memcpy(id, &i, sizeof i);
        CU_ASSERT_TRUE(limits_take(l, id, false, 1000 + i / 1000, &s));
        CU_ASSERT_EQUAL(s.remaining, 9);
    }
    limits_free(l);
}

CU_MAIN("http limits",
        {"gives_a_minute_of_requests_and_refills", gives_a_minute_of_requests_and_refills},
        {"keeps_callers_apart", keeps_callers_apart},
        {"slow_rates_refill_when_asked_every_millisecond",
         slow_rates_refill_when_asked_every_millisecond},
        {"many_callers_do_not_empty_one_bucket", many_callers_do_not_empty_one_bucket})
