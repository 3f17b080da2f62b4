/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/ids.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "server/core/bytes.h"

enum { BASE32_DIGITS = 26, RANDOM_BYTES = 10, TAIL_MASK_A = 0x0fff };
#define TAIL_MASK_B ((UINT64_C(1) << 62) - 1)

static const char BASE32[] =
    "0123456789abcdefghjkmnpqrstvwxyz"; /* TypeID 0.3: Crockford's, lower */

/* The last id of this thread: the time and the 74 random bits, which count up while the clock
 * stands still. */
struct last_id {
    int64_t ms;
    uint64_t tail_a; /* 12 bits */
    uint64_t tail_b; /* 62 bits */
};

static _Thread_local struct last_id last;

static uint64_t read_be(const uint8_t *b, size_t len)
{
    uint64_t v = 0;
    for (size_t i = 0; i < len; i++)
        v = v << 8 | b[i];
    return v;
}

static void write_be(uint64_t v, uint8_t *b, size_t len)
{
    for (size_t i = len; i > 0; i--) {
        b[i - 1] = (uint8_t)v;
        v >>= 8;
    }
}

static void advance(int64_t now_ms, const uint8_t random[RANDOM_BYTES])
{
    if (now_ms > last.ms) {
        last.ms = now_ms;
        /* the top bit starts at 0: room to count up within one millisecond */
        last.tail_a = read_be(random, 2) & (TAIL_MASK_A >> 1);
        last.tail_b = read_be(random + 2, 8) & TAIL_MASK_B;
        return;
    }
    /* a step of random size keeps neighbours hard to guess */
    last.tail_b += 1 + read_be(random, 4);
    if (last.tail_b <= TAIL_MASK_B)
        return;
    last.tail_b &= TAIL_MASK_B;
    last.tail_a++;
    if (last.tail_a > TAIL_MASK_A) {
        last.tail_a = 0;
        last.ms++;
    }
}

struct uuid uuid_new(int64_t now_ms)
{
    uint8_t random[RANDOM_BYTES];
    struct uuid id;
    assert(now_ms >= 0 && now_ms < INT64_C(1) << 48);
    randombytes_buf(random, sizeof random);
    advance(now_ms, random);
    write_be((uint64_t)last.ms, id.b, 6);
    write_be(UINT64_C(0x7000) | last.tail_a, id.b + 6, 2);
    write_be(UINT64_C(1) << 63 | last.tail_b, id.b + 8, 8);
    return id;
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->b, b->b, UUID_BYTES) == 0;
}

bool uuid_is_nil(const struct uuid *a)
{
    static const struct uuid nil;
    return uuid_equal(a, &nil);
}

int uuid_compare(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->b, b->b, UUID_BYTES);
}

void uuid_print(const struct uuid *id, char out[UUID_TEXT_MAX])
{
    static const size_t groups[] = {4, 2, 2, 2, 6};
    size_t at = 0;
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        if (g > 0)
            *out++ = '-';
        hex_encode(id->b + at, groups[g], out);
        out += 2 * groups[g];
        at += groups[g];
    }
}

enum err uuid_parse(const char *text, struct uuid *out)
{
    char digits[2 * UUID_BYTES + 1];
    size_t n = 0;
    for (size_t i = 0; i < UUID_TEXT_MAX - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (text[i] == '\0' || (text[i] == '-') != dash)
            return ERR_PARSE;
        if (!dash)
            digits[n++] = text[i];
    }
    digits[n] = '\0';
    if (text[UUID_TEXT_MAX - 1] != '\0')
        return ERR_PARSE;
    return hex_decode(digits, out->b, UUID_BYTES);
}

void typeid_print(const char *prefix, const struct uuid *id, char out[TYPEID_TEXT_MAX])
{
    size_t len = strlen(prefix);
    assert(len > 0 && len + 1 + BASE32_DIGITS < TYPEID_TEXT_MAX);
    memcpy(out, prefix, len);
    out[len] = '_';
    char *digits = out + len + 1;
    uint64_t high = read_be(id->b, 8);
    uint64_t low = read_be(id->b + 8, 8);
    for (size_t i = BASE32_DIGITS; i > 0; i--) {
        digits[i - 1] = BASE32[low & 31];
        low = low >> 5 | high << 59;
        high >>= 5;
    }
    digits[BASE32_DIGITS] = '\0';
}

static int base32_digit(char c)
{
    const char *at = c == '\0' ? NULL : strchr(BASE32, c);
    return at == NULL ? -1 : (int)(at - BASE32);
}

enum err typeid_parse(const char *prefix, const char *text, struct uuid *out)
{
    size_t len = strlen(prefix);
    if (strncmp(text, prefix, len) != 0 || text[len] != '_')
        return ERR_PARSE;
    const char *digits = text + len + 1;
    uint64_t high = 0;
    uint64_t low = 0;
    for (size_t i = 0; i < BASE32_DIGITS; i++) {
        int d = base32_digit(digits[i]);
        if (d < 0 || (i == 0 && d > 7)) /* 26 digits hold 130 bits: the first has three */
            return ERR_PARSE;
        high = high << 5 | low >> 59;
        low = low << 5 | (uint64_t)d;
    }
    if (digits[BASE32_DIGITS] != '\0')
        return ERR_PARSE;
    write_be(high, out->b, 8);
    write_be(low, out->b + 8, 8);
    return ERR_OK;
}
