/* SPDX-License-Identifier: Apache-2.0 */
/* One node: who it is, what it runs, and what its threads share. */
#ifndef CF_AGENT_AGENT_H
#define CF_AGENT_AGENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/client/client.h"
#include "workers/agent/config.h"
#include "workers/agent/wire.h"

/* AGENT_JOBS_MAX is also what one claim may leave out. */
enum { AGENT_JOBS_MAX = 16, AGENT_SEEN_MAX = 1024, AGENT_MARKET_MAX = 128 };

enum agent_role { AGENT_PROVIDER, AGENT_VERIFIER };

/* The node's Ed25519 key. */
struct agent_key {
    uint8_t public[PUBKEY_BYTES];
    uint8_t secret[64]; /* libsodium's form; wiped when the agent ends */
};

/* A bid that may still have to be opened. */
struct agent_bid {
    char name[TYPEID_TEXT_MAX + 16]; /* of its record: task id and round */
    char task_id[TYPEID_TEXT_MAX];
    char bid_id[TYPEID_TEXT_MAX]; /* "" until the API confirmed it */
    int64_t price_gwei;
    uint8_t salt[SALT_BYTES];
    bool sealed;
    bool opened;
    int64_t closes_ms;
    int64_t opens_until_ms;
    int64_t next_ms; /* when the opener looks again */
};

enum agent_job_state { JOB_FREE, JOB_QUEUED, JOB_RUNNING, JOB_HELD };

/* A job that claims must not return again while it is here. */
struct agent_job {
    enum agent_job_state state;
    char id[TYPEID_TEXT_MAX];
    int fence;
    atomic_bool stop;      /* the lease is lost or the agent ends */
    int64_t until_mono_ms; /* JOB_HELD: when it may be claimed again */
    json_t *json;
};

struct agent {
    struct agent_config config;
    enum agent_role role;
    struct agent_key key;
    char market_id[AGENT_MARKET_MAX];
    struct uuid account;
    struct uuid node;
    char account_id[TYPEID_TEXT_MAX];
    char node_id[TYPEID_TEXT_MAX];
    atomic_bool stop;
    _Atomic int64_t clock_offset_ms; /* server's clock minus ours */

    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    struct agent_bid bids[AGENT_PENDING_BIDS_MAX];
    size_t bid_count;
    uint64_t seen[AGENT_SEEN_MAX]; /* tasks that need no second look */
    size_t seen_count;
    struct agent_job jobs[AGENT_JOBS_MAX];
    atomic_bool claim_again; /* a parked claim excludes a job that it should not any more */
};

/* ---- calls ------------------------------------------------------------------------------------
 */
/* A client of its own for one thread; stop ends its calls early; tries: 0 for the usual number.
 * NULL when memory is short. */
struct client *agent_client(const struct agent *a, const atomic_bool *stop, int tries);
/* One call; body is consumed (NULL none). *reply is the JSON of a 2xx (NULL allowed for callers
 * that do not want it); the caller decrefs. ERR_EMPTY for 204 and when stopped. */
enum err agent_call(struct client *c, struct client_call *call, json_t *body,
                    json_t **reply) CF_MUST_CHECK;
/* POST with an idempotency key (NULL: a random one). */
enum err agent_post(struct client *c, const char *path, json_t *body, const char *idempotency_key,
                    json_t **reply) CF_MUST_CHECK;
/* The server's time, by our clock and the last measured offset. */
int64_t agent_now_ms(const struct agent *a);
/* Sleeps, but not beyond a stop. */
void agent_pause(struct agent *a, int64_t ms);

/* ---- who we are (identity.c, session.c) ---------------------------------------------------------
 */
/* Loads state_dir/node.key or makes it (0600). ERR_IO, ERR_PARSE. */
enum err agent_key_load(struct agent *a) CF_MUST_CHECK;
/* Detached signature over the 32 bytes of hash. */
void agent_sign(const struct agent *a, const uint8_t hash[HASH_BYTES], uint8_t out[SIG_BYTES]);
/* Learns market and account, registers the node, tops its pledge up; tries until it works or the
 * agent is stopped. ERR_FORBIDDEN when the market does not admit this agent (a fault in
 * production). */
enum err agent_register(struct agent *a) CF_MUST_CHECK;
/* Thread: node and job heartbeats, clock offset. */
void *agent_heartbeats(void *agent);

/* ---- provider -----------------------------------------------------------------------------------
 */
/* Threads: finds open tasks and bids; opens bids in their window; claims jobs; executes them. */
void *agent_bidder(void *agent);
void *agent_opener(void *agent);
void *agent_claimer(void *agent);
void *agent_executor(void *agent);
/* Reads the bids of an earlier run. */
void agent_bids_load(struct agent *a);
/* Bids whose auction is still undecided, plus jobs in hand. */
size_t agent_commitments(struct agent *a);

/* Takes a claimed job; false when there is no room. Reference to json is taken. */
bool agent_job_add(struct agent *a, const struct wire_job *job, enum agent_job_state state,
                   json_t *json);
/* Waits for a queued job and marks it running; NULL when the agent stops. */
struct agent_job *agent_job_next(struct agent *a);
/* Lets claims return it again after hold_ms (0: at once). */
void agent_job_release(struct agent *a, struct agent_job *job, int64_t hold_ms);
/* Keeps claims from returning a job for a while. */
void agent_job_hold(struct agent *a, const struct wire_job *job, int64_t hold_ms);
/* Array of the ids that a claim must not return; also frees those held long enough. */
json_t *agent_job_ids(struct agent *a);
bool agent_has_jobs(struct agent *a);

/* Commits the stored result of a job, and reveals it (result.c). */
enum err agent_result_commit(struct agent *a, struct client *c, const struct wire_job *job,
                             const json_t *record) CF_MUST_CHECK;
enum err agent_result_reveal(struct agent *a, struct client *c, const struct wire_job *job,
                             const json_t *record) CF_MUST_CHECK;
/* Stores result, salt and commitment; the record is what commit and reveal read. */
enum err agent_result_store(struct agent *a, const struct wire_job *job,
                            const struct buf *result) CF_MUST_CHECK;

/* ---- verifier
 * ------------------------------------------------------------------------------------ */
/* Thread: claims seats, checks, votes. */
void *agent_verifier(void *agent);

/* ---- blobs
 * --------------------------------------------------------------------------------------- */
/* Uploads in parts and completes; blob_id gets the id. */
enum err agent_blob_put(struct client *c, const struct buf *data, const uint8_t digest[HASH_BYTES],
                        char blob_id[TYPEID_TEXT_MAX]) CF_MUST_CHECK;
/* Appends the content of a blob. */
enum err agent_blob_get(struct client *c, const char *blob_id, struct buf *out) CF_MUST_CHECK;

#endif
