/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed-size byte strings, hexadecimal and base64url. */
#ifndef CF_CORE_BYTES_H
#define CF_CORE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "server/core/err.h"

enum { HASH_BYTES = 32, PUBKEY_BYTES = 32, SIG_BYTES = 64, SALT_BYTES = 32 };

struct bytes { /* borrowed */
    const uint8_t *data;
    size_t len;
};

/* Writes 2*len lower-case digits and a NUL; out holds 2*len+1. */
void hex_encode(const uint8_t *in, size_t len, char *out);
/* Exactly 2*len digits of either case, nothing else; ERR_PARSE otherwise. */
enum err hex_decode(const char *text, uint8_t *out, size_t len) CF_MUST_CHECK;
/* Unpadded base64url. out holds at least 4*((len+2)/3)+1. */
void base64url_encode(const uint8_t *in, size_t len, char *out);
/* Strict, unpadded; *out_len set on success; ERR_PARSE, or ERR_RANGE beyond cap. */
enum err base64url_decode(const char *text, uint8_t *out, size_t cap,
                          size_t *out_len) CF_MUST_CHECK;

/* SHA-256 with domain separation: SHA-256(len(tag) as 1 byte || tag || for each part: u64be length
 * || bytes). */
void hash_tagged(const char *tag, const struct bytes *parts, size_t part_count,
                 uint8_t out[HASH_BYTES]);
/* Plain SHA-256. */
void hash_plain(const void *data, size_t len, uint8_t out[HASH_BYTES]);

#endif
