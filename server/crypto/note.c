/* SPDX-License-Identifier: Apache-2.0 */
#include "server/crypto/note.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "server/core/bytes.h"
#include "server/crypto/sha256.h"

#define KEY_HASH_BYTES     4
#define ALGORITHM_ED25519  1
#define SIGNATURE_BLOB     (KEY_HASH_BYTES + crypto_sign_BYTES)
#define SIGNATURE_BASE64   93              /* of SIGNATURE_BLOB bytes, with the NUL */
#define SIGNATURE_MARK     "\xe2\x80\x94 " /* em dash and a blank */
#define SIGNATURE_MARK_LEN 4
#define KEY_BLOB           (1 + NOTE_KEY_BYTES)
#define KEY_BASE64         45
#define ROOT_BASE64        45
#define DECIMAL_DIGITS_MAX 20
#define VARIANT            sodium_base64_VARIANT_ORIGINAL

/* A line without its newline. */
struct line {
    const char *at;
    size_t len;
};

static bool name_is_good(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= ' ' || c == '+' || c >= 0x7f)
            return false;
    }
    return len > 0 && len <= NOTE_NAME_MAX;
}

enum err note_verifier_set(struct note_verifier *v, const char *name,
                           const uint8_t key[NOTE_KEY_BYTES])
{
    size_t len = strlen(name);
    if (!name_is_good(name, len))
        return ERR_BAD_FIELD;
    memcpy(v->name, name, len + 1);
    memcpy(v->key, key, NOTE_KEY_BYTES);
    return ERR_OK;
}

enum err note_verifier_from_seed(struct note_verifier *v, const char *name,
                                 const uint8_t seed[NOTE_SEED_BYTES])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t key[NOTE_KEY_BYTES];
    crypto_sign_seed_keypair(key, secret, seed);
    sodium_memzero(secret, sizeof secret);
    return note_verifier_set(v, name, key);
}

void note_key_hash(const struct note_verifier *v, uint8_t out[4])
{
    const uint8_t middle[2] = {'\n', ALGORITHM_ED25519};
    uint8_t hash[SHA256_BYTES];
    struct sha256 h;
    sha256_start(&h);
    sha256_add(&h, v->name, strlen(v->name));
    sha256_add(&h, middle, sizeof middle);
    sha256_add(&h, v->key, sizeof v->key);
    sha256_end(&h, hash);
    memcpy(out, hash, KEY_HASH_BYTES);
}

void note_verifier_text(const struct note_verifier *v, char *out)
{
    uint8_t hash[KEY_HASH_BYTES];
    uint8_t blob[KEY_BLOB] = {ALGORITHM_ED25519};
    char hex[2 * KEY_HASH_BYTES + 1];
    char key[KEY_BASE64];
    note_key_hash(v, hash);
    hex_encode(hash, sizeof hash, hex);
    memcpy(blob + 1, v->key, sizeof v->key);
    sodium_bin2base64(key, sizeof key, blob, sizeof blob, VARIANT);
    snprintf(out, NOTE_VERIFIER_TEXT_MAX, "%s+%s+%s", v->name, hex, key);
}

/* Canonical, padded base64. libsodium 1.0.18 takes some bytes above 127 for digits, so the alphabet
 * is checked here. */
static bool base64_decode(const char *text, size_t len, uint8_t *bin, size_t cap, size_t *bin_len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     c == '+' || c == '/' || c == '=';
        if (!digit)
            return false;
    }
    return sodium_base642bin(bin, cap, text, len, NULL, bin_len, NULL, VARIANT) == 0;
}

static bool base64_exact(const char *text, size_t len, uint8_t *bin, size_t bin_len)
{
    size_t got = 0;
    return base64_decode(text, len, bin, bin_len, &got) && got == bin_len;
}

enum err note_verifier_parse(struct note_verifier *v, const char *text)
{
    uint8_t hash[KEY_HASH_BYTES];
    uint8_t want[KEY_HASH_BYTES];
    uint8_t blob[KEY_BLOB];
    char hex[2 * KEY_HASH_BYTES + 1];
    struct note_verifier parsed;
    const char *plus = strchr(text, '+');
    if (plus == NULL || !name_is_good(text, (size_t)(plus - text)) || strlen(plus) < 10 ||
        plus[9] != '+')
        return ERR_PARSE;
    memset(&parsed, 0, sizeof parsed);
    memcpy(parsed.name, text, (size_t)(plus - text));
    memcpy(hex, plus + 1, 2 * KEY_HASH_BYTES);
    hex[2 * KEY_HASH_BYTES] = '\0';
    if (hex_decode(hex, hash, sizeof hash) != ERR_OK ||
        !base64_exact(plus + 10, strlen(plus + 10), blob, sizeof blob) ||
        blob[0] != ALGORITHM_ED25519)
        return ERR_PARSE;
    memcpy(parsed.key, blob + 1, sizeof parsed.key);
    note_key_hash(&parsed, want);
    if (memcmp(want, hash, sizeof want) != 0)
        return ERR_PARSE;
    *v = parsed;
    return ERR_OK;
}

/* Length of the UTF-8 sequence at p (RFC 3629: no overlong forms, surrogates or values above
 * U+10FFFF); 0 when there is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

/* UTF-8 without control characters other than newline, ending with a newline. */
static bool text_is_good(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    if (len == 0 || len > NOTE_BYTES_MAX || text[len - 1] != '\n')
        return false;
    for (size_t i = 0; i < len;) {
        size_t n = utf8_length(p + i, len - i);
        if (n == 0 || (p[i] < 0x20 && p[i] != '\n') || p[i] == 0x7f)
            return false;
        i += n;
    }
    return true;
}

enum err note_sign(const struct note_verifier *v, const uint8_t seed[NOTE_SEED_BYTES],
                   const char *text, size_t len, struct buf *out)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t key[NOTE_KEY_BYTES];
    uint8_t blob[SIGNATURE_BLOB];
    char base64[SIGNATURE_BASE64];
    if (!text_is_good(text, len))
        return ERR_BAD_FIELD;
    crypto_sign_seed_keypair(key, secret, seed);
    note_key_hash(v, blob);
    crypto_sign_detached(blob + KEY_HASH_BYTES, NULL, (const unsigned char *)text, len, secret);
    sodium_memzero(secret, sizeof secret);
    if (memcmp(key, v->key, sizeof key) != 0)
        return ERR_BAD_FIELD;
    sodium_bin2base64(base64, sizeof base64, blob, sizeof blob, VARIANT);
    buf_add(out, text, len);
    buf_addf(out, "\n" SIGNATURE_MARK "%s %s\n", v->name, base64);
    return buf_ok(out) ? ERR_OK : ERR_NO_MEMORY;
}

/* Takes the line at *pos; false at the end or when no newline follows. */
static bool next_line(const char *text, size_t len, size_t *pos, struct line *line)
{
    const char *end = *pos < len ? memchr(text + *pos, '\n', len - *pos) : NULL;
    if (end == NULL)
        return false;
    line->at = text + *pos;
    line->len = (size_t)(end - line->at);
    *pos += line->len + 1;
    return true;
}

enum signature_kind { SIGNATURE_MALFORMED, SIGNATURE_OTHER, SIGNATURE_GOOD, SIGNATURE_BAD };

/* Judges one signature line over the text. */
static enum signature_kind judge_signature(const struct note_verifier *v, const struct line *line,
                                           const char *text, size_t text_len)
{
    uint8_t blob[NOTE_BYTES_MAX];
    uint8_t hash[KEY_HASH_BYTES];
    size_t blob_len = 0;
    if (line->len < SIGNATURE_MARK_LEN || memcmp(line->at, SIGNATURE_MARK, SIGNATURE_MARK_LEN) != 0)
        return SIGNATURE_MALFORMED;
    const char *name = line->at + SIGNATURE_MARK_LEN;
    size_t rest = line->len - SIGNATURE_MARK_LEN;
    const char *blank = memchr(name, ' ', rest);
    if (blank == NULL || !name_is_good(name, (size_t)(blank - name)))
        return SIGNATURE_MALFORMED;
    size_t name_len = (size_t)(blank - name);
    if (!base64_decode(blank + 1, rest - name_len - 1, blob, sizeof blob, &blob_len) ||
        blob_len <= KEY_HASH_BYTES)
        return SIGNATURE_MALFORMED;
    note_key_hash(v, hash);
    if (name_len != strlen(v->name) || memcmp(name, v->name, name_len) != 0 ||
        memcmp(hash, blob, sizeof hash) != 0)
        return SIGNATURE_OTHER;
    bool good = blob_len == SIGNATURE_BLOB &&
                crypto_sign_verify_detached(blob + KEY_HASH_BYTES, (const unsigned char *)text,
                                            text_len, v->key) == 0;
    return good ? SIGNATURE_GOOD : SIGNATURE_BAD;
}

/* Where the signatures begin: after the last blank line. 0 when there is none. */
static size_t signatures_start(const char *note, size_t len)
{
    for (size_t i = len; i-- > 1;) {
        if (note[i] == '\n' && note[i - 1] == '\n')
            return i + 1;
    }
    return 0;
}

enum err note_verify(const struct note_verifier *v, const char *note, size_t len, size_t *text_len)
{
    size_t pos;
    size_t count = 0;
    size_t good = 0;
    struct line line;
    if (len > NOTE_BYTES_MAX || !text_is_good(note, len))
        return ERR_PARSE;
    pos = signatures_start(note, len);
    if (pos < 2 || pos == len)
        return ERR_PARSE;
    size_t signed_len = pos - 1;
    while (next_line(note, len, &pos, &line)) {
        enum signature_kind kind = judge_signature(v, &line, note, signed_len);
        if (kind == SIGNATURE_MALFORMED || ++count > NOTE_SIGNATURES_MAX)
            return ERR_PARSE;
        if (kind == SIGNATURE_BAD)
            return ERR_SIGNATURE_INVALID;
        good += kind == SIGNATURE_GOOD;
    }
    if (good == 0)
        return ERR_SIGNATURE_INVALID;
    *text_len = signed_len;
    return ERR_OK;
}

void checkpoint_write(const struct checkpoint *c, struct buf *out)
{
    char root[ROOT_BASE64];
    sodium_bin2base64(root, sizeof root, c->head.root.b, sizeof c->head.root.b, VARIANT);
    buf_addf(out, "%s\n%llu\n%s\n", c->origin, (unsigned long long)c->head.size, root);
}

/* Decimal without sign or leading zero. */
static bool parse_size(const struct line *line, uint64_t *size)
{
    uint64_t v = 0;
    if (line->len == 0 || line->len > DECIMAL_DIGITS_MAX || (line->at[0] == '0' && line->len > 1))
        return false;
    for (size_t i = 0; i < line->len; i++) {
        if (line->at[i] < '0' || line->at[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(line->at[i] - '0'), &v))
            return false;
    }
    *size = v;
    return v <= MERKLE_SIZE_MAX;
}

enum err checkpoint_parse(struct checkpoint *c, const char *origin, const char *text, size_t len)
{
    struct checkpoint parsed;
    struct line line;
    size_t pos = 0;
    size_t extensions = 0;
    size_t origin_len = strlen(origin);
    if (!next_line(text, len, &pos, &line) || line.len != origin_len ||
        origin_len > NOTE_NAME_MAX || memcmp(line.at, origin, origin_len) != 0)
        return ERR_PARSE;
    memcpy(parsed.origin, origin, origin_len + 1);
    if (!next_line(text, len, &pos, &line) || !parse_size(&line, &parsed.head.size))
        return ERR_PARSE;
    if (!next_line(text, len, &pos, &line) ||
        !base64_exact(line.at, line.len, parsed.head.root.b, sizeof parsed.head.root.b))
        return ERR_PARSE;
    while (next_line(text, len, &pos, &line)) {
        if (line.len == 0 || ++extensions > CHECKPOINT_EXTENSION_MAX)
            return ERR_PARSE;
    }
    if (pos != len)
        return ERR_PARSE;
    *c = parsed;
    return ERR_OK;
}
