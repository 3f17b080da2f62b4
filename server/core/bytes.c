/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's low-level SHA-256 calls cannot fail and cost nothing but their blocks; the EVP
 * interface that deprecates them allocates on every hash. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "server/core/bytes.h"

#include <assert.h>
#include <openssl/sha.h>
#include <string.h>

static const char HEX[] = "0123456789abcdef";
static const char BASE64URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void hex_encode(const uint8_t *in, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = HEX[in[i] >> 4];
        out[2 * i + 1] = HEX[in[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum err hex_decode(const char *text, uint8_t *out, size_t len)
{
    /* two passes, so that out is untouched on failure and a short text is never overrun */
    for (size_t i = 0; i < 2 * len; i++) {
        if (hex_digit(text[i]) < 0)
            return ERR_PARSE;
    }
    if (text[2 * len] != '\0')
        return ERR_PARSE;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(hex_digit(text[2 * i]) * 16 + hex_digit(text[2 * i + 1]));
    return ERR_OK;
}

void base64url_encode(const uint8_t *in, size_t len, char *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | in[i];
        have += 8;
        while (have >= 6) {
            have -= 6;
            *out++ = BASE64URL[bits >> have & 63];
        }
    }
    if (have > 0)
        *out++ = BASE64URL[bits << (6 - have) & 63];
    *out = '\0';
}

static int base64url_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

enum err base64url_decode(const char *text, uint8_t *out, size_t cap, size_t *out_len)
{
    size_t digits = strlen(text);
    if (digits % 4 == 1)
        return ERR_PARSE;
    size_t len = digits / 4 * 3 + (digits % 4 == 0 ? 0 : digits % 4 - 1);
    if (len > cap)
        return ERR_RANGE;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < digits; i++) {
        int d = base64url_digit(text[i]);
        if (d < 0)
            return ERR_PARSE;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *out++ = (uint8_t)(bits >> have);
        }
    }
    /* one text per value: the unused bits of the last digit are zero */
    if ((bits & ((1U << have) - 1)) != 0)
        return ERR_PARSE;
    *out_len = len;
    return ERR_OK;
}

void hash_tagged(const char *tag, const struct bytes *parts, size_t part_count,
                 uint8_t out[HASH_BYTES])
{
    SHA256_CTX ctx;
    size_t tag_len = strlen(tag);
    assert(tag_len <= UINT8_MAX);
    uint8_t tag_len_byte = (uint8_t)tag_len;
    SHA256_Init(&ctx);
    SHA256_Update(&ctx, &tag_len_byte, 1);
    SHA256_Update(&ctx, tag, tag_len);
    for (size_t i = 0; i < part_count; i++) {
        uint8_t len[8];
        for (unsigned b = 0; b < 8; b++)
            len[b] = (uint8_t)((uint64_t)parts[i].len >> (56 - 8 * b));
        SHA256_Update(&ctx, len, sizeof len);
        if (parts[i].len > 0)
            SHA256_Update(&ctx, parts[i].data, parts[i].len);
    }
    SHA256_Final(out, &ctx);
}

void hash_plain(const void *data, size_t len, uint8_t out[HASH_BYTES])
{
    SHA256_CTX ctx;
    SHA256_Init(&ctx);
    if (len > 0)
        SHA256_Update(&ctx, data, len);
    SHA256_Final(out, &ctx);
}
