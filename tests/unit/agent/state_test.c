/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent remembers: records on disk, bids over a restart, jobs in hand, and what it reads.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "server/core/clock.h"
#include "server/domain/protocol.h"
#include "server/proc/file.h"
#include "tests/support/cu.h"
#include "workers/agent/bids.h"
#include "workers/agent/store.h"

/* An agent with a fresh state folder; the test frees it. */
static struct agent *agent_make(void)
{
    struct agent *a = calloc(1, sizeof *a);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    snprintf(a->config.state_dir, sizeof a->config.state_dir, "/tmp/cf-state-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(a->config.state_dir));
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    CU_ASSERT_EQUAL_FATAL(store_open(a->config.state_dir), ERR_OK);
    return a;
}

static void agent_unmake(struct agent *a)
{
    CU_ASSERT_EQUAL(file_remove_tree(a->config.state_dir), ERR_OK);
    for (size_t i = 0; i < AGENT_JOBS_MAX; i++)
        json_decref(a->jobs[i].json);
    free(a);
}

static void the_node_key_is_made_once_and_private(void)
{
    struct agent *a = agent_make();
    char path[AGENT_PATH_MAX + 16];
    struct stat st;
    uint8_t first[PUBKEY_BYTES];
    uint8_t hash[HASH_BYTES] = {1, 2, 3};
    uint8_t signature[SIG_BYTES];
    CU_ASSERT_EQUAL(agent_key_load(a), ERR_OK);
    memcpy(first, a->key.public, sizeof first);
    memset(&a->key, 0, sizeof a->key);
    CU_ASSERT_EQUAL(agent_key_load(a), ERR_OK);
    CU_ASSERT_EQUAL(memcmp(first, a->key.public, sizeof first), 0);
    snprintf(path, sizeof path, "%s/node.key", a->config.state_dir);
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    agent_sign(a, hash, signature);
    CU_ASSERT_TRUE(protocol_signed(a->key.public, hash, signature));
    CU_ASSERT_EQUAL(file_replace(path, "short", 5, 0600), ERR_OK);
    CU_ASSERT_EQUAL(agent_key_load(a), ERR_PARSE);
    agent_unmake(a);
}

static void records_are_read_back_and_names_stay_names(void)
{
    struct agent *a = agent_make();
    const char *dir = a->config.state_dir;
    json_t *record = json_pack("{s:i}", "fence", 3);
    json_t *back = NULL;
    struct buf bytes;
    buf_init(&bytes, 64);
    CU_ASSERT_EQUAL(store_put(dir, "jobs", "job_1", record), ERR_OK);
    CU_ASSERT_EQUAL(store_get(dir, "jobs", "job_1", &back), ERR_OK);
    CU_ASSERT_TRUE(json_equal(record, back));
    CU_ASSERT_EQUAL(store_put_bytes(dir, "jobs", "job_1", "abc", 3), ERR_OK);
    CU_ASSERT_EQUAL(store_get_bytes(dir, "jobs", "job_1", &bytes), ERR_OK);
    CU_ASSERT_STRING_EQUAL(bytes.data, "abc");
    json_decref(back);
    store_drop(dir, "jobs", "job_1");
    CU_ASSERT_EQUAL(store_get(dir, "jobs", "job_1", &back), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(store_put(dir, "jobs", "../escape", record), ERR_PARSE);
    CU_ASSERT_EQUAL(store_put(dir, "jobs", "", record), ERR_PARSE);
    CU_ASSERT_EQUAL(store_put(dir, "jobs", "a.b", record), ERR_PARSE);
    json_decref(record);
    buf_clear(&bytes);
    agent_unmake(a);
}

static struct agent_bid bid_of(const char *name, int64_t closes_ms)
{
    struct agent_bid b = {.price_gwei = 5,
                          .sealed = true,
                          .closes_ms = closes_ms,
                          .opens_until_ms = closes_ms + 1000,
                          .next_ms = closes_ms};
    snprintf(b.name, sizeof b.name, "%s", name);
    snprintf(b.task_id, sizeof b.task_id, "task_01");
    snprintf(b.bid_id, sizeof b.bid_id, "bid_01");
    memset(b.salt, 0xab, sizeof b.salt);
    return b;
}

static void a_restart_finds_its_bids_and_forgets_the_old_ones(void)
{
    struct agent *a = agent_make();
    int64_t now = agent_now_ms(a);
    struct agent_bid live = bid_of("task_01-1", now + 5000);
    struct agent_bid old = bid_of("task_02-1", now - 1000000);
    struct agent_bid back;
    CU_ASSERT_EQUAL(bid_put(a, &live), ERR_OK);
    CU_ASSERT_EQUAL(bid_put(a, &old), ERR_OK);
    a->bid_count = 0; /* the process ended here */
    agent_bids_load(a);
    CU_ASSERT_EQUAL(a->bid_count, 1);
    CU_ASSERT_TRUE_FATAL(bid_find(a, "task_01-1", &back));
    CU_ASSERT_EQUAL(memcmp(back.salt, live.salt, sizeof back.salt), 0);
    CU_ASSERT_EQUAL(back.price_gwei, 5);
    CU_ASSERT_STRING_EQUAL(back.bid_id, "bid_01");
    CU_ASSERT_FALSE(bid_find(a, "task_02-1", NULL));
    agent_unmake(a);
}

static void a_bid_is_due_when_its_auction_closes(void)
{
    struct agent *a = agent_make();
    int64_t now = agent_now_ms(a);
    struct agent_bid b = bid_of("task_01-1", now + 500);
    struct agent_bid due;
    int64_t next = 0;
    CU_ASSERT_EQUAL(bid_put(a, &b), ERR_OK);
    CU_ASSERT_FALSE(bid_due(a, now, &due, &next));
    CU_ASSERT_EQUAL(next, now + 500);
    CU_ASSERT_TRUE(bid_due(a, now + 500, &due, &next));
    CU_ASSERT_STRING_EQUAL(due.name, "task_01-1");
    bid_defer(a, b.name, now + 900);
    CU_ASSERT_FALSE(bid_due(a, now + 500, &due, &next));
    CU_ASSERT_EQUAL(agent_commitments(a), 1);
    bid_drop(a, b.name);
    CU_ASSERT_EQUAL(agent_commitments(a), 0);
    agent_unmake(a);
}

static void a_job_in_hand_is_left_out_of_claims_until_released(void)
{
    struct agent *a = agent_make();
    struct wire_job job = {.fence = 2};
    json_t *json = json_object();
    snprintf(job.id, sizeof job.id, "job_a");
    CU_ASSERT_TRUE(agent_job_add(a, &job, JOB_QUEUED, json));
    CU_ASSERT_FALSE(agent_job_add(a, &job, JOB_QUEUED, json));
    json_t *ids = agent_job_ids(a);
    CU_ASSERT_EQUAL(json_array_size(ids), 1);
    json_decref(ids);
    struct agent_job *j = agent_job_next(a);
    CU_ASSERT_PTR_NOT_NULL_FATAL(j);
    CU_ASSERT_EQUAL(j->state, JOB_RUNNING);
    agent_job_release(a, j, 0);
    CU_ASSERT_FALSE(agent_has_jobs(a));
    CU_ASSERT_TRUE(atomic_load(&a->claim_again));
    agent_job_hold(a, &job, 60000);
    CU_ASSERT_TRUE(agent_has_jobs(a));
    a->jobs[0].until_mono_ms = clock_mono_ms() - 1;
    ids = agent_job_ids(a);
    CU_ASSERT_EQUAL(json_array_size(ids), 0);
    json_decref(ids);
    json_decref(json);
    agent_unmake(a);
}

static void times_of_the_api_are_read_to_the_millisecond(void)
{
    int64_t ms = 0;
    CU_ASSERT_EQUAL(wire_time("1970-01-01T00:00:01.234Z", &ms), ERR_OK);
    CU_ASSERT_EQUAL(ms, 1234);
    CU_ASSERT_EQUAL(wire_time("2026-11-22T22:48:50Z", &ms), ERR_OK);
    CU_ASSERT_EQUAL(ms, INT64_C(1795387730000));
    CU_ASSERT_EQUAL(wire_time("2026-11-22T22:48:50.5Z", &ms), ERR_OK);
    CU_ASSERT_EQUAL(ms, INT64_C(1795387730500));
    CU_ASSERT_EQUAL(wire_time(NULL, &ms), ERR_PARSE);
    CU_ASSERT_EQUAL(wire_time("2026-11-22T22:48:50+01:00", &ms), ERR_PARSE);
    CU_ASSERT_EQUAL(wire_time("yesterday", &ms), ERR_PARSE);
}

static void an_input_with_another_hash_is_not_worked_on(void)
{
    json_t *input = json_loads("{\"x\":\"1\",\"k\":\"2\"}", 0, NULL);
    struct wire_task t = {.kind = "zk.groth16", .input = input};
    char reason[WORKLOAD_REASON_MAX];
    int64_t units = 0;
    CU_ASSERT_EQUAL(workload_input_hash(input, t.input_hash), ERR_OK);
    CU_ASSERT_EQUAL(wire_input_check(&t, &units, reason), ERR_OK);
    CU_ASSERT_EQUAL(units, 386);
    t.input_hash[0] ^= 1;
    CU_ASSERT_NOT_EQUAL(wire_input_check(&t, &units, reason), ERR_OK);
    t.input = NULL;
    CU_ASSERT_NOT_EQUAL(wire_input_check(&t, &units, reason), ERR_OK);
    json_decref(input);
}

static int begin(void)
{
    return sodium_init() < 0;
}

CU_MAIN_WITH(
    begin, NULL, "agent state",
    {"the node key is made once and private", the_node_key_is_made_once_and_private},
    {"records are read back and names stay names", records_are_read_back_and_names_stay_names},
    {"a restart finds its bids and forgets the old ones",
     a_restart_finds_its_bids_and_forgets_the_old_ones},
    {"a bid is due when its auction closes", a_bid_is_due_when_its_auction_closes},
    {"a job in hand is left out of claims until released",
     a_job_in_hand_is_left_out_of_claims_until_released},
    {"times of the API are read to the millisecond", times_of_the_api_are_read_to_the_millisecond},
    {"an input with another hash is not worked on", an_input_with_another_hash_is_not_worked_on})
