/* SPDX-License-Identifier: Apache-2.0 */
#include "api/key.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { ID_CHARS = 26, SECRET_CHARS = 43, PREFIX_CHARS = 4 };
static const char PREFIX[] = "cfk_";

static const struct {
    const char *name;
    uint32_t bit;
} SCOPES[] = {
#define S(name, bit) {name, bit},
    KEY_SCOPES(S)
#undef S
};
enum { SCOPE_COUNT = sizeof SCOPES / sizeof SCOPES[0] };

uint32_t key_scope_bit(const char *name)
{
    for (int i = 0; i < SCOPE_COUNT; i++) {
        if (strcmp(SCOPES[i].name, name) == 0)
            return SCOPES[i].bit;
    }
    return 0;
}

void key_scopes_print(int64_t scopes, char *out, size_t cap)
{
    size_t len = (size_t)snprintf(out, cap, "[");
    for (int i = 0; i < SCOPE_COUNT; i++) {
        if ((scopes & SCOPES[i].bit) != 0 && len < cap)
            len += (size_t)snprintf(out + len, cap - len, "%s\"%s\"", len > 1 ? "," : "",
                                    SCOPES[i].name);
    }
    if (len < cap)
        snprintf(out + len, cap - len, "]");
}

void key_secret(const char *server_secret, const struct uuid *key_id, uint8_t out[KEY_SECRET_BYTES])
{
    static const char TAG[] = "computefi/key/1";
    crypto_auth_hmacsha256_state h;
    crypto_auth_hmacsha256_init(&h, (const uint8_t *)server_secret, strlen(server_secret));
    crypto_auth_hmacsha256_update(&h, (const uint8_t *)TAG, sizeof TAG);
    crypto_auth_hmacsha256_update(&h, key_id->b, UUID_BYTES);
    crypto_auth_hmacsha256_final(&h, out);
    sodium_memzero(&h, sizeof h);
}

void key_secret_hash(const uint8_t secret[KEY_SECRET_BYTES], uint8_t out[HASH_BYTES])
{
    hash_plain(secret, KEY_SECRET_BYTES, out);
}

void key_print(const char *server_secret, const struct uuid *key_id, char out[KEY_TEXT_MAX])
{
    uint8_t secret[KEY_SECRET_BYTES];
    char id[TYPEID_TEXT_MAX];
    char encoded[SECRET_CHARS + 2];
    key_secret(server_secret, key_id, secret);
    typeid_print("key", key_id, id);
    base64url_encode(secret, sizeof secret, encoded);
    snprintf(out, KEY_TEXT_MAX, "%s%s_%s", PREFIX, id + strlen("key_"), encoded);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(encoded, sizeof encoded);
}

enum err key_parse(const char *text, struct uuid *key_id, uint8_t secret[KEY_SECRET_BYTES])
{
    char id[TYPEID_TEXT_MAX];
    size_t len = 0;
    if (strncmp(text, PREFIX, PREFIX_CHARS) != 0 ||
        strlen(text) != PREFIX_CHARS + ID_CHARS + 1 + SECRET_CHARS ||
        text[PREFIX_CHARS + ID_CHARS] != '_')
        return ERR_PARSE;
    snprintf(id, sizeof id, "key_%.*s", ID_CHARS, text + PREFIX_CHARS);
    enum err e = typeid_parse("key", id, key_id);
    if (e == ERR_OK)
        e = base64url_decode(text + PREFIX_CHARS + ID_CHARS + 1, secret, KEY_SECRET_BYTES, &len);
    return e == ERR_OK && len == KEY_SECRET_BYTES ? ERR_OK : ERR_PARSE;
}
