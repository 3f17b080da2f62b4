/* SPDX-License-Identifier: Apache-2.0 */
/* The node key: 64 hexadecimal digits of an Ed25519 seed in state_dir/node.key, readable by its
 * owner. */
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "server/core/log.h"
#include "server/proc/file.h"
#include "workers/agent/agent.h"

enum { SEED_TEXT = 2 * crypto_sign_SEEDBYTES };

static enum err make_key(const char *path, uint8_t seed[crypto_sign_SEEDBYTES])
{
    char text[SEED_TEXT + 2];
    randombytes_buf(seed, crypto_sign_SEEDBYTES);
    hex_encode(seed, crypto_sign_SEEDBYTES, text);
    text[SEED_TEXT] = '\n';
    enum err e = file_replace(path, text, SEED_TEXT + 1, 0600);
    sodium_memzero(text, sizeof text);
    return e;
}

static enum err parse_key(struct buf *text, uint8_t seed[crypto_sign_SEEDBYTES])
{
    if (text->len < SEED_TEXT)
        return ERR_PARSE;
    text->data[SEED_TEXT] = '\0';
    enum err e = hex_decode(text->data, seed, crypto_sign_SEEDBYTES);
    sodium_memzero(text->data, text->len);
    return e;
}

enum err agent_key_load(struct agent *a)
{
    char path[AGENT_PATH_MAX + 16];
    uint8_t seed[crypto_sign_SEEDBYTES];
    struct buf text;
    struct stat st;
    snprintf(path, sizeof path, "%s/node.key", a->config.state_dir);
    buf_init(&text, SEED_TEXT + 2);
    enum err e = file_read(path, &text);
    if (e == ERR_NOT_FOUND)
        e = make_key(path, seed);
    else if (e == ERR_OK)
        e = parse_key(&text, seed);
    if (e == ERR_OK && stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        log_event(LOG_WARN, "node key is readable by others", "path", path, NULL);
    if (e == ERR_OK)
        crypto_sign_seed_keypair(a->key.public, a->key.secret, seed);
    sodium_memzero(seed, sizeof seed);
    buf_clear(&text);
    return e;
}

void agent_sign(const struct agent *a, const uint8_t hash[HASH_BYTES], uint8_t out[SIG_BYTES])
{
    crypto_sign_detached(out, NULL, hash, HASH_BYTES, a->key.secret);
}
