/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing by lot, byte for byte, so that anybody can replay it.
 *
 * Numbers: the i-th candidate of a seed is the first 8 bytes, big-endian, of
 *     hash_tagged("computefi/lot/1", seed (32 bytes), i as u64be)          i = 0, 1, 2, ...
 * A number below n takes the next candidate c until c < 2^64 - (2^64 mod n), and is c mod n.
 * (Rejection: every residue is equally likely. The counter never goes back.)
 *
 * Seats: the snapshot lists the eligible entities by ascending id, each with its reserve units. Let
 * T be the sum of all units. Each seat takes a number x below T and goes to the entity whose
 * interval of cumulative units holds x: with replacement, so that an entity drawn m times has m
 * votes and splitting a stake gains nothing. When the wanted seats are drawn and fewer than three
 * entities sit, drawing goes on over the units of the entities that do not sit yet, until three
 * sit. */
#ifndef CF_DOMAIN_SORTITION_H
#define CF_DOMAIN_SORTITION_H

#include <stddef.h>
#include <stdint.h>

#include "server/core/bytes.h"
#include "server/core/ids.h"

enum {
    SORTITION_ENTITIES_LEAST = 3,
    SORTITION_EXTRA_SEATS = 2,
    SORTITION_SEATS_MAX = 1024,
    SORTITION_ENTITIES_MAX = 65536
};

struct lot {
    uint8_t seed[HASH_BYTES];
    uint64_t counter;
};

void lot_init(struct lot *l, const uint8_t seed[HASH_BYTES]);
/* Uniform in 0..bound-1; bound > 0. */
uint64_t lot_below(struct lot *l, uint64_t bound);

/* One eligible entity of the logged snapshot. */
struct stake {
    struct uuid entity;
    int64_t units; /* gwei of reserve and bonds; 0 never sits */
};

/* Sorts by entity id, as the snapshot root and the draw need it. */
void stake_sort(struct stake *stakes, size_t count);
/* Tagged hash "computefi/snapshot/1" over the concatenated (id 16, units u64be) of a sorted
 * snapshot. ERR_NO_MEMORY. */
enum err stake_root(const struct stake *stakes, size_t count,
                    uint8_t out[HASH_BYTES]) CF_MUST_CHECK;

/* What a draw is seeded with. Here a hash of committed facts; the verifiable random function takes
 * its place behind the same function. */
struct draw_facts {
    const char *market_id;
    struct uuid task;
    int slot;
    int fence;
    int rung;
    uint8_t commitment[HASH_BYTES]; /* of the result */
    uint8_t snapshot_root[HASH_BYTES];
};
void draw_seed(const struct draw_facts *f, uint8_t out[HASH_BYTES]);

/* A sorted snapshot. */
struct snapshot {
    const struct stake *stakes;
    size_t count;
};

/* Draws `seats` seats (and up to two more, see above). out[i] is the index into the stakes of seat
 * i; it holds seats + SORTITION_EXTRA_SEATS. ERR_CONFLICT when fewer than three entities have
 * units, ERR_RANGE when seats is not 1..SORTITION_SEATS_MAX or the units overflow. */
enum err sortition_draw(const uint8_t seed[HASH_BYTES], struct snapshot from, int seats,
                        size_t *out, size_t *out_count) CF_MUST_CHECK;

/* Seed of the replacement of an absent seat: tagged "computefi/replace/1" over (seed of the rung,
 * id of the absent entity). */
void replacement_seed(const uint8_t seed[HASH_BYTES], const struct uuid *absent,
                      uint8_t out[HASH_BYTES]);
/* One entity from a sorted snapshot of those who may replace; ERR_CONFLICT when nobody has units,
 * ERR_RANGE on overflow. */
enum err sortition_draw_one(const uint8_t seed[HASH_BYTES], struct snapshot from,
                            size_t *out) CF_MUST_CHECK;

#endif
