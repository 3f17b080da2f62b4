/* SPDX-License-Identifier: Apache-2.0 */
#include "server/crypto/vectors_run.h"

#include <stdio.h>

#include "server/crypto/keccak.h"

#define ID_MAX_BYTES 32

void vectors_keccak(struct vectors_run *run, const json_t *doc)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        uint8_t message[VECTORS_BYTES_MAX];
        uint8_t hash[KECCAK256_BYTES];
        size_t len;
        char id[ID_MAX_BYTES];
        snprintf(id, sizeof id, "case %zu", i);
        if (!vectors_hex(c, "msg", message, sizeof message, &len)) {
            vectors_count(run, id, false, "the message is not hexadecimal");
            continue;
        }
        keccak256_of(message, len, hash);
        vectors_count(run, id, vectors_hex_equal(c, "keccak256", hash, sizeof hash),
                      "the hash differs");
    }
}
