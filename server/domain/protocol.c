/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/protocol.h"

#include <sodium.h>
#include <string.h>

enum { U64_BYTES = 8 };

static void put_u64be(uint64_t v, uint8_t out[U64_BYTES])
{
    for (int i = U64_BYTES - 1; i >= 0; i--, v >>= 8)
        out[i] = (uint8_t)v;
}

static struct bytes text_part(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

void protocol_bid_commitment(const struct protocol_bid *b, uint8_t out[HASH_BYTES])
{
    uint8_t price[U64_BYTES];
    put_u64be((uint64_t)b->price_gwei, price);
    const struct bytes parts[] = {
        text_part(b->market_id), {b->task.b, UUID_BYTES}, {b->entity.b, UUID_BYTES},
        {b->node.b, UUID_BYTES}, {price, sizeof price},   {b->salt, sizeof b->salt},
    };
    hash_tagged("computefi/bid/1", parts, sizeof parts / sizeof parts[0], out);
}

void protocol_vote_commitment(const struct protocol_vote *v, uint8_t out[HASH_BYTES])
{
    uint8_t slot[U64_BYTES];
    uint8_t fence[U64_BYTES];
    uint8_t rung[U64_BYTES];
    uint8_t yes[U64_BYTES];
    put_u64be((uint64_t)v->slot, slot);
    put_u64be((uint64_t)v->fence, fence);
    put_u64be((uint64_t)v->rung, rung);
    put_u64be(v->yes, yes);
    const struct bytes parts[] = {
        {v->task.b, UUID_BYTES},     {slot, sizeof slot},       {fence, sizeof fence},
        {rung, sizeof rung},         {v->seat.b, UUID_BYTES},   {yes, sizeof yes},
        {v->node_key, PUBKEY_BYTES}, {v->salt, sizeof v->salt},
    };
    hash_tagged("computefi/vote/1", parts, sizeof parts / sizeof parts[0], out);
}

void protocol_node_hash(const char *market_id, const struct uuid *entity,
                        const uint8_t node_key[PUBKEY_BYTES], uint8_t out[HASH_BYTES])
{
    const struct bytes parts[] = {
        text_part(market_id), {entity->b, UUID_BYTES}, {node_key, PUBKEY_BYTES}};
    hash_tagged("computefi/node/1", parts, sizeof parts / sizeof parts[0], out);
}

bool protocol_signed(const uint8_t node_key[PUBKEY_BYTES], const uint8_t hash[HASH_BYTES],
                     const uint8_t signature[SIG_BYTES])
{
    return crypto_sign_verify_detached(signature, hash, HASH_BYTES, node_key) == 0;
}
