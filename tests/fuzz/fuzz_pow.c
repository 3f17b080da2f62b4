/* SPDX-License-Identifier: Apache-2.0 */
/* Headers and compact bits: expanding and compacting again must give the same target, work must be
 * positive, and a retarget must stay within its bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/pow_chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bits(uint32_t bits, uint32_t first_time, uint32_t last_time)
{
    struct u256 target, again, work, limit;
    uint32_t next;
    if (pow_target_parse(bits, &target) != POW_OK)
        return;
    if (pow_target_parse(pow_target_compact(&target), &again) != POW_OK ||
        u256_cmp(&target, &again) != 0)
        abort();
    work = pow_work(&target);
    if (u256_is_zero(&work))
        abort();
    limit = (struct u256){{0, 0, 0, UINT64_C(0xffff) << 32}};
    const struct pow_period period = {first_time, last_time, bits};
    if (pow_retarget(&period, &limit, &next) != POW_OK)
        abort();
    if (pow_target_parse(next, &again) == POW_OK && u256_cmp(&again, &limit) > 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pow_rule rule = {.kind = POW_SHA256D};
    struct pow_chain chain;
    rule.limit = (struct u256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    (void)pow_header_check(&rule, data, size);
    if (size < POW_HEADER_BYTES)
        return 0;
    struct pow_header h = pow_header_parse(data);
    check_bits(h.bits, h.time, h.nonce);
    pow_chain_start(&chain, &rule, true, h.nonce);
    for (size_t at = 0; at + POW_HEADER_BYTES <= size; at += POW_HEADER_BYTES)
        (void)pow_chain_append(&chain, data + at);
    return 0;
}
