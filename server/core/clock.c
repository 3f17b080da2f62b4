/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/clock.h"

#include <assert.h>
#include <time.h>

static int64_t now_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    return now_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_ms(void)
{
    return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* gmtime_r takes the C library's time zone lock; this is H. Hinnant's civil_from_days. */
static void civil(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2 ? 1 : 0));
}

static char *digits(char *out, int v, int count, char after)
{
    for (int i = count; i > 0; i--) {
        out[i - 1] = (char)('0' + v % 10);
        v /= 10;
    }
    out[count] = after;
    return out + count + 1;
}

void clock_rfc3339(int64_t wall_ms, char out[RFC3339_MAX])
{
    int year;
    int month;
    int day;
    int64_t seconds = floor_div(wall_ms, 1000);
    int64_t days = floor_div(seconds, 86400);
    int in_day = (int)(seconds - days * 86400);
    civil(days, &year, &month, &day);
    assert(year >= 0 && year <= 9999);
    out = digits(out, year, 4, '-');
    out = digits(out, month, 2, '-');
    out = digits(out, day, 2, 'T');
    out = digits(out, in_day / 3600, 2, ':');
    out = digits(out, in_day / 60 % 60, 2, ':');
    out = digits(out, in_day % 60, 2, '.');
    out = digits(out, (int)(wall_ms - seconds * 1000), 3, 'Z');
    *out = '\0';
}
