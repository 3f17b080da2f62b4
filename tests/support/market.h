/* SPDX-License-Identifier: Apache-2.0 */
/* A small market for SQL tests: accounts with keys, money, stake and nodes; tasks, bids, jobs and
 * seats, made through the statements of sql/ wherever these can make them. */
#ifndef COMPUTEFI_TESTS_SUPPORT_MARKET_H
#define COMPUTEFI_TESTS_SUPPORT_MARKET_H

#include "sql/writes.h"
#include "tests/support/sqlt.h"

#define CYS        INT64_C(1000000000) /* gwei */
#define MARKET_ID  "test-market"
#define MARKET_NIL "00000000-0000-0000-0000-000000000000"

struct actor {
    struct uuid entity;
    struct uuid key;
    struct uuid node;
    uint8_t node_key[PUBKEY_BYTES];
};

/* A fresh migrated database with tests/support/market.sql: exits when it cannot be made. The URI is
 * written to uri[cap]. */
PGconn *market_db(char *uri, size_t cap);

struct uuid market_id_new(void);
/* The text of an id, in one of sixteen static buffers. */
const char *market_id(const struct uuid *id);
/* Bytes that differ for each text: hashes, keys and salts. One of eight static buffers. */
const uint8_t *market_hash(const char *text);

/* Who asks: without an Idempotency-Key when idem is NULL; the body's hash is that of body. */
struct sql_caller market_caller(const struct actor *a, const char *idem, const char *body);

/* An account with a first key and this much available; then stake, node (all kinds, provides and
 * verifies, seen just now) and pledge when stake_gwei > 0. */
void market_actor(PGconn *db, struct actor *a, int64_t available_gwei, int64_t stake_gwei);
int64_t market_balance(PGconn *db, const struct actor *a, const char *kind);

/* A task of "mining.sha256d" at 1 CYS under policy "development", open for 60 s. */
struct task_create_args market_task_args(void);
struct uuid market_task(PGconn *db, const struct actor *requester,
                        const struct task_create_args *args);

/* The commitment of a's bid at this price with the salt market_hash("salt"). */
void market_bid_commitment(const struct actor *a, const struct uuid *task, int64_t price_gwei,
                           uint8_t out[HASH_BYTES]);
struct answer market_bid(PGconn *db, const struct actor *a, const struct uuid *task,
                         int64_t price_gwei);
struct answer market_open(PGconn *db, const struct actor *a, const struct uuid *task,
                          const struct uuid *bid, int64_t price_gwei);
/* Ends the bidding by moving the window into the past; the opening window stays open. */
void market_close(PGconn *db, const struct uuid *task);
/* What the auction does with one winner: job, bond, state assigned. The bid must be opened. */
struct uuid market_award(PGconn *db, const struct uuid *task, const struct uuid *bid, int slot);

/* The commitment to a result with the salt market_hash("salt"). */
void market_result_commitment(const struct actor *a, const struct uuid *task, int slot, int fence,
                              const char *result, uint8_t out[HASH_BYTES]);
/* Brings the only slot of a task to its reveal. */
void market_deliver(PGconn *db, const struct actor *a, const struct uuid *task,
                    const struct uuid *job, const char *result);
/* Draws a rung with these actors, one seat each; their seats are written to seats. The task goes to
 * verifying. */
struct uuid market_rung(PGconn *db, const struct uuid *task, const struct uuid *job,
                        const struct actor *who, int count, struct uuid *seats);
void market_vote_commitment(const struct actor *a, const struct uuid *task, const struct uuid *seat,
                            bool yes, uint8_t out[HASH_BYTES]);
struct answer market_vote_commit(PGconn *db, const struct actor *a, const struct uuid *task,
                                 const struct uuid *seat, bool yes);
struct answer market_vote_reveal(PGconn *db, const struct actor *a, const struct uuid *task,
                                 const struct uuid *seat, bool yes);

/* Runs sql/invariants.sql: how many rows violate invariant number (0: any), timed ones left out
 * unless asked for. Prints violations when print is true. */
int market_violations(PGconn *db, int invariant, bool print);

#endif
