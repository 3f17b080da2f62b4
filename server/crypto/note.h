/* SPDX-License-Identifier: Apache-2.0 */
/* C2SP signed-note with Ed25519, and the tlog-checkpoint that a note carries. */
#ifndef CF_CRYPTO_NOTE_H
#define CF_CRYPTO_NOTE_H

#include "server/core/buf.h"
#include "server/core/err.h"
#include "server/crypto/merkle.h"

#define NOTE_NAME_MAX            128
#define NOTE_BYTES_MAX           16384
#define NOTE_SIGNATURES_MAX      16
#define NOTE_KEY_BYTES           32
#define NOTE_SEED_BYTES          32
#define NOTE_VERIFIER_TEXT_MAX   (NOTE_NAME_MAX + 64)
#define CHECKPOINT_EXTENSION_MAX 16

/* Whose signature counts. The name is a URL-like string without blanks or '+'. */
struct note_verifier {
    char name[NOTE_NAME_MAX + 1];
    uint8_t key[NOTE_KEY_BYTES];
};

/* ERR_BAD_FIELD when the name is empty, too long or has a blank, control character or '+'. */
enum err note_verifier_set(struct note_verifier *v, const char *name,
                           const uint8_t key[NOTE_KEY_BYTES]) CF_MUST_CHECK;
/* The same from the Ed25519 seed that will sign. */
enum err note_verifier_from_seed(struct note_verifier *v, const char *name,
                                 const uint8_t seed[NOTE_SEED_BYTES]) CF_MUST_CHECK;
/* First four bytes of SHA-256(name || "\n" || 1 || key). */
void note_key_hash(const struct note_verifier *v, uint8_t out[4]);
/* "<name>+<key hash in hex>+<base64 of 1 || key>", to publish. out holds NOTE_VERIFIER_TEXT_MAX. */
void note_verifier_text(const struct note_verifier *v, char *out);
/* Reads what note_verifier_text writes; the hash must match. ERR_PARSE. */
enum err note_verifier_parse(struct note_verifier *v, const char *text) CF_MUST_CHECK;

/* Appends text, a blank line and one signature line. text must end with a newline and be acceptable
 * to note_verify. seed is the Ed25519 seed of v->key. ERR_BAD_FIELD, ERR_NO_MEMORY. */
enum err note_sign(const struct note_verifier *v, const uint8_t seed[NOTE_SEED_BYTES],
                   const char *text, size_t len, struct buf *out) CF_MUST_CHECK;

/* Checks that the note is well-formed and carries a good signature by v; others are ignored, but a
 * bad one in v's name refuses the note. *text_len is the length of the signed text at its start,
 * with its last newline. ERR_PARSE: not a note. ERR_SIGNATURE_INVALID: no signature by v, or a bad
 * one. */
enum err note_verify(const struct note_verifier *v, const char *note, size_t len,
                     size_t *text_len) CF_MUST_CHECK;

struct checkpoint {
    char origin[NOTE_NAME_MAX + 1];
    struct merkle_head head;
};

/* Appends origin, size and base64 root, one line each. */
void checkpoint_write(const struct checkpoint *c, struct buf *out);
/* Reads the text of a verified note: three lines and at most CHECKPOINT_EXTENSION_MAX more, not
 * empty. The origin must be the expected one. ERR_PARSE. */
enum err checkpoint_parse(struct checkpoint *c, const char *origin, const char *text,
                          size_t len) CF_MUST_CHECK;

#endif
