/* SPDX-License-Identifier: Apache-2.0 */
/* scrypt (RFC 7914) for the one parameter set of Litecoin-style headers: N=1024, r=1, p=1. */
#ifndef CF_CRYPTO_SCRYPT_H
#define CF_CRYPTO_SCRYPT_H

#include <stdint.h>

#define SCRYPT_INPUT_BYTES 80
#define SCRYPT_HASH_BYTES  32
#define SCRYPT_N           1024
#define SCRYPT_BLOCK_WORDS 32 /* 2r blocks of 64 bytes */

/* The table the function fills and reads back: 128 KiB. Reused between calls, never needs clearing.
 */
struct scrypt_scratch {
    _Alignas(64) uint32_t table[SCRYPT_N][SCRYPT_BLOCK_WORDS];
};

/* hash = scrypt(password = salt = input). */
void scrypt_1024_1_1(const uint8_t input[SCRYPT_INPUT_BYTES], struct scrypt_scratch *scratch,
                     uint8_t hash[SCRYPT_HASH_BYTES]);

#endif
