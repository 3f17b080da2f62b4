/* SPDX-License-Identifier: Apache-2.0 */
/* Every member of a commitment matters, and only the right key signs. */
#include "server/domain/protocol.h"

#include <sodium.h>
#include <string.h>

#include "tests/support/cu.h"

static struct protocol_bid bid_of(void)
{
    struct protocol_bid b = {.market_id = "m", .price_gwei = 7};
    b.task.b[0] = 1;
    b.entity.b[0] = 2;
    b.node.b[0] = 3;
    b.salt[0] = 4;
    return b;
}

static void bid_covers_every_member(void)
{
    uint8_t base[HASH_BYTES];
    uint8_t other[HASH_BYTES];
    struct protocol_bid b = bid_of();
    protocol_bid_commitment(&b, base);
    struct protocol_bid changed[6];
    for (int i = 0; i < 6; i++)
        changed[i] = b;
    changed[0].market_id = "n";
    changed[1].task.b[15] ^= 1;
    changed[2].entity.b[15] ^= 1;
    changed[3].node.b[15] ^= 1;
    changed[4].price_gwei++;
    changed[5].salt[31] ^= 1;
    for (int i = 0; i < 6; i++) {
        protocol_bid_commitment(&changed[i], other);
        CU_ASSERT_NOT_EQUAL(memcmp(base, other, HASH_BYTES), 0);
    }
    protocol_bid_commitment(&b, other);
    CU_ASSERT_EQUAL(memcmp(base, other, HASH_BYTES), 0);
}

static void vote_covers_every_member(void)
{
    uint8_t base[HASH_BYTES];
    uint8_t other[HASH_BYTES];
    struct protocol_vote v = {.slot = 1, .fence = 2, .rung = 3, .yes = true};
    protocol_vote_commitment(&v, base);
    struct protocol_vote changed[8];
    for (int i = 0; i < 8; i++)
        changed[i] = v;
    changed[0].task.b[0] ^= 1;
    changed[1].slot++;
    changed[2].fence++;
    changed[3].rung++;
    changed[4].seat.b[0] ^= 1;
    changed[5].yes = false;
    changed[6].node_key[0] ^= 1;
    changed[7].salt[0] ^= 1;
    for (int i = 0; i < 8; i++) {
        protocol_vote_commitment(&changed[i], other);
        CU_ASSERT_NOT_EQUAL(memcmp(base, other, HASH_BYTES), 0);
    }
}

static void only_the_node_signs(void)
{
    uint8_t key[PUBKEY_BYTES];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t hash[HASH_BYTES];
    uint8_t signature[SIG_BYTES];
    struct uuid entity = {{9}};
    CU_ASSERT_EQUAL_FATAL(sodium_init() < 0, 0);
    crypto_sign_keypair(key, secret);
    protocol_node_hash("m", &entity, key, hash);
    crypto_sign_detached(signature, NULL, hash, sizeof hash, secret);
    CU_ASSERT_TRUE(protocol_signed(key, hash, signature));
    protocol_node_hash("other", &entity, key, hash);
    CU_ASSERT_FALSE(protocol_signed(key, hash, signature));
    memset(key, 0, sizeof key);
    CU_ASSERT_FALSE(protocol_signed(key, hash, signature));
}

CU_MAIN("protocol", {"bid covers every member", bid_covers_every_member},
        {"vote covers every member", vote_covers_every_member},
        {"only the node signs", only_the_node_signs})
