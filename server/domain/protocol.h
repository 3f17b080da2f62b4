/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes commit to and sign: one definition for the API, the workers, the agent and the
 * auditor. The result commitment is in server/workload. */
#ifndef CF_DOMAIN_PROTOCOL_H
#define CF_DOMAIN_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/bytes.h"
#include "server/core/ids.h"

/* What a bid commitment covers. */
struct protocol_bid {
    const char *market_id;
    struct uuid task;
    struct uuid entity;
    struct uuid node;
    int64_t price_gwei;
    uint8_t salt[SALT_BYTES];
};
/* Tagged hash "computefi/bid/1" of the members in their order. */
void protocol_bid_commitment(const struct protocol_bid *b, uint8_t out[HASH_BYTES]);

/* What a vote commitment covers. */
struct protocol_vote {
    struct uuid task;
    int64_t slot;
    int64_t fence;
    int64_t rung;
    struct uuid seat;
    bool yes;
    uint8_t node_key[PUBKEY_BYTES];
    uint8_t salt[SALT_BYTES];
};
/* Tagged hash "computefi/vote/1" of the members in their order. */
void protocol_vote_commitment(const struct protocol_vote *v, uint8_t out[HASH_BYTES]);

/* Tagged hash "computefi/node/1" of market, account and key: what a node signs to register. */
void protocol_node_hash(const char *market_id, const struct uuid *entity,
                        const uint8_t node_key[PUBKEY_BYTES], uint8_t out[HASH_BYTES]);

/* True when the Ed25519 signature over the 32 bytes of hash is by node_key. */
bool protocol_signed(const uint8_t node_key[PUBKEY_BYTES], const uint8_t hash[HASH_BYTES],
                     const uint8_t signature[SIG_BYTES]);

#endif
