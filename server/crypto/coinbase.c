/* SPDX-License-Identifier: Apache-2.0 */
#include "server/crypto/coinbase.h"

#include <string.h>

#include "server/crypto/sha256.h"

#define AMBIGUOUS_TX_BYTES 64
#define SCRIPT_OUT_MAX     10000

const uint8_t *wire_bytes(struct wire *w, size_t len)
{
    const uint8_t *p = w->at;
    if (!w->ok || w->left < len) {
        w->ok = false;
        return NULL;
    }
    w->at += len;
    w->left -= len;
    return p;
}

static uint64_t read_le(struct wire *w, size_t bytes)
{
    const uint8_t *p = wire_bytes(w, bytes);
    uint64_t v = 0;
    for (size_t i = bytes; p != NULL && i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

uint32_t wire_u32(struct wire *w)
{
    return (uint32_t)read_le(w, 4);
}

uint64_t wire_u64(struct wire *w)
{
    return read_le(w, 8);
}

uint64_t wire_count(struct wire *w)
{
    uint64_t first = read_le(w, 1);
    if (first < 0xfd)
        return first;
    size_t bytes = first == 0xfd ? 2 : first == 0xfe ? 4 : 8;
    uint64_t least = first == 0xfd ? 0xfd : first == 0xfe ? 0x10000 : UINT64_C(0x100000000);
    uint64_t v = read_le(w, bytes);
    if (v < least)
        w->ok = false;
    return w->ok ? v : 0;
}

static bool read_input(struct wire *w, struct coinbase *c)
{
    static const uint8_t zero[32];
    const uint8_t *previous = wire_bytes(w, 32);
    if (wire_u32(w) != UINT32_MAX || previous == NULL || memcmp(previous, zero, 32) != 0)
        return false;
    c->script_bytes = (size_t)wire_count(w);
    if (c->script_bytes < 2 || c->script_bytes > COINBASE_SCRIPT_MAX)
        return false;
    c->script = wire_bytes(w, c->script_bytes);
    wire_u32(w); /* sequence */
    return w->ok;
}

static bool skip_outputs(struct wire *w, struct coinbase *c)
{
    uint64_t count = wire_count(w);
    if (count < 1 || count > COINBASE_OUTPUTS_MAX)
        return false;
    c->outputs = w->at;
    c->output_count = (size_t)count;
    for (size_t i = 0; i < c->output_count && w->ok; i++) {
        wire_u64(w);
        uint64_t script = wire_count(w);
        if (script > SCRIPT_OUT_MAX)
            return false;
        wire_bytes(w, (size_t)script);
    }
    return w->ok;
}

bool coinbase_read(struct wire *w, struct coinbase *c)
{
    const uint8_t *start = w->at;
    size_t left = w->left;
    wire_u32(w); /* version */
    bool good = wire_count(w) == 1 && read_input(w, c) && skip_outputs(w, c);
    wire_u32(w); /* lock time */
    c->tx = start;
    c->tx_bytes = left - w->left;
    w->ok = w->ok && good && c->tx_bytes != AMBIGUOUS_TX_BYTES && c->tx_bytes <= COINBASE_TX_MAX;
    return w->ok;
}

uint64_t coinbase_paid_to(const struct coinbase *c, const uint8_t *script, size_t script_bytes)
{
    struct wire w = {c->outputs, (size_t)(c->tx + c->tx_bytes - c->outputs), true};
    uint64_t sum = 0;
    for (size_t i = 0; i < c->output_count; i++) {
        uint64_t value = wire_u64(&w);
        size_t len = (size_t)wire_count(&w);
        const uint8_t *out = wire_bytes(&w, len);
        if (out == NULL)
            return 0;
        if (len == script_bytes && memcmp(out, script, len) == 0 &&
            __builtin_add_overflow(sum, value, &sum))
            sum = UINT64_MAX;
    }
    return sum;
}

bool merkle_branch_read(struct wire *w, size_t max, struct merkle_branch *b)
{
    uint64_t count = wire_count(w);
    if (!w->ok || count > max) {
        w->ok = false;
        return false;
    }
    b->count = (size_t)count;
    b->hashes = wire_bytes(w, b->count * SHA256_BYTES);
    b->index = wire_u32(w);
    return w->ok;
}

void merkle_branch_fold(const uint8_t hash[32], const struct merkle_branch *b, uint8_t root[32])
{
    uint8_t pair[2 * SHA256_BYTES];
    uint8_t current[SHA256_BYTES];
    memcpy(current, hash, sizeof current);
    for (size_t i = 0; i < b->count; i++) {
        bool right = i < 32 && (b->index >> i & 1) != 0;
        memcpy(pair + (right ? SHA256_BYTES : 0), current, sizeof current);
        memcpy(pair + (right ? 0 : SHA256_BYTES), b->hashes + i * SHA256_BYTES, SHA256_BYTES);
        sha256d_of(pair, sizeof pair, current);
    }
    memcpy(root, current, sizeof current);
}
