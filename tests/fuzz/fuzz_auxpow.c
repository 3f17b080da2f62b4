/* SPDX-License-Identifier: Apache-2.0 */
/* 80 bytes of child header, then a serialized proof of merged mining. The coinbase reader and the
 * payout sum run on the same bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "server/crypto/auxpow.h"
#include "server/crypto/coinbase.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t script[1] = {0x51};
    uint8_t parent[POW_HASH_BYTES];
    struct coinbase c;
    struct auxpow_rule rule = {.chain_id = AUXPOW_DOGECOIN_ID};
    rule.limit = (struct u256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    size_t head = size < POW_HEADER_BYTES ? size : POW_HEADER_BYTES;
    const struct auxpow_proof proof = {data, head, data + head, size - head};
    (void)auxpow_check(&rule, &proof, parent);
    struct wire w = {data + head, size - head, true};
    if (coinbase_read(&w, &c)) {
        if (c.tx_bytes > size - head || c.script < data || c.script + c.script_bytes > data + size)
            abort();
        (void)coinbase_paid_to(&c, script, sizeof script);
    }
    return 0;
}
