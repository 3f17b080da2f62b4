/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/clock.h"

#include <time.h>

#include "tests/support/cu.h"

static void known_moments(void)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{0, "1970-01-01T00:00:00.000Z"},
                {-1, "1969-12-31T23:59:59.999Z"},
                {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
                {INT64_C(1795387730123), "2026-11-22T22:48:50.123Z"},
                {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"}};
    char text[RFC3339_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clock_rfc3339(rows[i].ms, text);
        CU_ASSERT_STRING_EQUAL(text, rows[i].text);
    }
}

static void agrees_with_the_c_library(void)
{
    /* a step of a prime number of seconds over 400 years meets every month and leap rule */
    for (int64_t s = INT64_C(-6000000000); s < INT64_C(7000000000); s += 1000003) {
        char ours[RFC3339_MAX];
        char theirs[RFC3339_MAX];
        struct tm tm;
        time_t t = (time_t)s;
        clock_rfc3339(s * 1000 + 7, ours);
        gmtime_r(&t, &tm);
        strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%S.007Z", &tm);
        CU_ASSERT_STRING_EQUAL_FATAL(ours, theirs);
    }
}

static void clocks_run(void)
{
    int64_t wall_s = clock_wall_ms() / 1000;
    CU_ASSERT(wall_s - time(NULL) <= 1 && time(NULL) - wall_s <= 1);
    int64_t us = clock_mono_us();
    CU_ASSERT(clock_mono_us() >= us);
    CU_ASSERT(clock_mono_ms() - us / 1000 < 1000);
}

CU_MAIN("clock", {"known moments", known_moments},
        {"agrees with the C library", agrees_with_the_c_library}, {"clocks run", clocks_run})
