/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/money.h"

#include <assert.h>
#include <stdbool.h>

enum { CYS_DECIMALS = 9 };
#define GWEI_PER_CYS INT64_C(1000000000)

enum err money_parse(const char *text, size_t len, int64_t *out_gwei)
{
    if (text == NULL || len == 0 || (len > 1 && text[0] == '0'))
        return ERR_PARSE;
    int64_t v = 0;
    bool too_large = false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ERR_PARSE;
        too_large = too_large || v > MONEY_MAX_GWEI / 10;
        if (!too_large)
            v = v * 10 + (text[i] - '0');
    }
    if (too_large || v > MONEY_MAX_GWEI)
        return ERR_RANGE;
    *out_gwei = v;
    return ERR_OK;
}

static size_t print_u64(uint64_t v, char *out)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    out[n] = '\0';
    return n;
}

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

size_t money_print(int64_t gwei, char out[MONEY_TEXT_MAX])
{
    size_t n = 0;
    if (gwei < 0)
        out[n++] = '-';
    return n + print_u64(magnitude(gwei), out + n);
}

size_t money_print_cys(int64_t gwei, char out[MONEY_TEXT_MAX])
{
    size_t n = 0;
    uint64_t v = magnitude(gwei);
    uint64_t fraction = v % (uint64_t)GWEI_PER_CYS;
    if (gwei < 0)
        out[n++] = '-';
    n += print_u64(v / (uint64_t)GWEI_PER_CYS, out + n);
    if (fraction == 0)
        return n;
    out[n++] = '.';
    for (size_t i = CYS_DECIMALS; i > 0; i--) {
        out[n + i - 1] = (char)('0' + fraction % 10);
        fraction /= 10;
    }
    n += CYS_DECIMALS;
    while (out[n - 1] == '0')
        n--;
    out[n] = '\0';
    return n;
}

static enum err checked(bool overflow, int64_t v, int64_t *out_gwei)
{
    if (overflow || v < 0 || v > MONEY_MAX_GWEI)
        return ERR_RANGE;
    *out_gwei = v;
    return ERR_OK;
}

enum err money_add(int64_t a, int64_t b, int64_t *out_gwei)
{
    int64_t v = 0;
    bool overflow = __builtin_add_overflow(a, b, &v);
    return checked(overflow, v, out_gwei);
}

enum err money_sub(int64_t a, int64_t b, int64_t *out_gwei)
{
    int64_t v = 0;
    bool overflow = __builtin_sub_overflow(a, b, &v);
    return checked(overflow, v, out_gwei);
}

enum err money_mul(int64_t a, int64_t count, int64_t *out_gwei)
{
    int64_t v = 0;
    bool overflow = __builtin_mul_overflow(a, count, &v);
    return checked(overflow, v, out_gwei);
}

int64_t money_mul_div(int64_t a, int64_t num, int64_t den)
{
    __extension__ typedef __int128 wide;
    assert(a >= 0 && num >= 0 && den > 0);
    wide v = (wide)a * num / den;
    assert(v <= INT64_MAX);
    return (int64_t)v;
}
