/* SPDX-License-Identifier: Apache-2.0 */
/* API keys as text, and what they may do. A key's secret is derived from the server's secret and
 * the key's id, so that an idempotent replay can show it again; the database stores only its hash.
 */
#ifndef CF_API_KEY_H
#define CF_API_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/bytes.h"
#include "server/core/err.h"
#include "server/core/ids.h"

enum { KEY_SECRET_BYTES = 32, KEY_TEXT_MAX = 96, KEY_SERVER_SECRET_MIN = 32 };

/* S(name, bit): bits are stored in api_keys.scopes and never renumbered. */
#define KEY_SCOPES(S)                                                                              \
    S("read", 1)                                                                                   \
    S("keys", 2)                                                                                   \
    S("money", 4)                                                                                  \
    S("node", 8)                                                                                   \
    S("task", 16)                                                                                  \
    S("bid", 32)                                                                                   \
    S("job", 64)                                                                                   \
    S("verify", 128)                                                                               \
    S("operator", 256)

enum { SCOPES_ALL = 511, SCOPE_OPERATOR = 256, SCOPES_OWNER = SCOPES_ALL & ~SCOPE_OPERATOR };

/* 0 when there is no such scope. */
uint32_t key_scope_bit(const char *name);
/* ["read","keys"] as JSON text; out holds at least 96 bytes. */
void key_scopes_print(int64_t scopes, char *out, size_t cap);

void key_secret(const char *server_secret, const struct uuid *key_id,
                uint8_t out[KEY_SECRET_BYTES]);
/* What the database keeps of a secret. */
void key_secret_hash(const uint8_t secret[KEY_SECRET_BYTES], uint8_t out[HASH_BYTES]);
/* "cfk_<26 base32>_<43 base64url>" of a key made by this server. */
void key_print(const char *server_secret, const struct uuid *key_id, char out[KEY_TEXT_MAX]);
/* Takes a key's text apart; ERR_PARSE. */
enum err key_parse(const char *text, struct uuid *key_id,
                   uint8_t secret[KEY_SECRET_BYTES]) CF_MUST_CHECK;

#endif
