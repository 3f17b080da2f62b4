/* SPDX-License-Identifier: Apache-2.0 */
/* The low-level OpenSSL calls are deprecated in favour of EVP, which looks an algorithm up and
 * allocates on every hash; here a hash must neither fail nor cost more than its blocks. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "server/crypto/sha256.h"

void sha256_start(struct sha256 *h)
{
    SHA256_Init(&h->ctx);
}

void sha256_add(struct sha256 *h, const void *data, size_t len)
{
    if (len != 0)
        SHA256_Update(&h->ctx, data, len);
}

void sha256_end(struct sha256 *h, uint8_t out[SHA256_BYTES])
{
    SHA256_Final(out, &h->ctx);
}

void sha256_of(const void *data, size_t len, uint8_t out[SHA256_BYTES])
{
    struct sha256 h;
    sha256_start(&h);
    sha256_add(&h, data, len);
    sha256_end(&h, out);
}

void sha256d_of(const void *data, size_t len, uint8_t out[SHA256_BYTES])
{
    sha256_of(data, len, out);
    sha256_of(out, SHA256_BYTES, out);
}
