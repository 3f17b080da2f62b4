/* SPDX-License-Identifier: Apache-2.0 */
/* Workers are killed at every step, Redis loses everything or goes away: nothing is lost, nothing
 * is done twice, and every task ends as it would have ended. */
#include "tests/support/bazaar.h"
#include "tests/support/cu.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/core/log.h"
#include "tests/support/pg.h"

enum { PRICE = 1000000, TASKS = 6, JOBS = 5 };

static struct bazaar m;
static unsigned turns;
static unsigned kills;
static char alive[128]; /* address of the real Redis */
static const char gone[] = "unix:/tmp/computefi-no-redis-here.sock";

static const char *const points[] = {"loaded",    "decided", "applied",
                                     "committed", "woken",   "published"};
enum { POINTS = sizeof points / sizeof *points };

static int (*const jobs[JOBS])(struct worker *) = {sweeper_run, auction_run, dispatch_run,
                                                   committee_run, settle_run};

/* Starts a worker process that dies at a point, or does not get that far. */
static pid_t start_child(int job, const char *point, int passes, const char *redis)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct worker w = m.worker; /* its own connections; the parent's are never touched */
        w.queue = NULL;
        w.fault_point = point;
        w.fault_left = passes;
        snprintf(w.consumer, sizeof w.consumer, "child-%ld", (long)getpid());
        if (redis) {
            w.redis_address = redis;
            if (queue_new(redis, w.redis_prefix, &w.queue) != ERR_OK)
                _exit(1);
        }
        if (db_conn_open(m.uri, "child", &w.db) != ERR_OK)
            _exit(1);
        _exit(jobs[job](&w));
    }
    return pid;
}

static void wait_child(pid_t pid)
{
    int status = 0;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    kills += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void run_child(int job, const char *point, int passes, const char *redis)
{
    wait_child(start_child(job, point, passes, redis));
}

static const char *redis_of_turn(void)
{
    return NULL;
}

static const char *(*redis_now)(void) = redis_of_turn;

/* Each job once, each with another place to die; every third pass lives. */
static void turn_with_kills(struct bazaar *b)
{
    for (int job = 0; job < JOBS; job++) {
        turns++;
        bool lives = turns % 3 == 0;
        run_child(job, lives ? "never" : points[turns % POINTS], 1 + (int)(turns / 7 % 2),
                  redis_now());
    }
    if (turns % (JOBS * 4) == 0)
        CU_ASSERT_EQUAL(bazaar_violations(b), 0);
}

static int open_market(void)
{
    log_setup("test", LOG_ERROR, 1);
    snprintf(alive, sizeof alive, "unix:%s", test_redis_path());
    if (!bazaar_open(&m, NULL))
        return 1;
    m.worker.reclaim_ms = 300;
    return 0;
}

static int close_market(void)
{
    bazaar_close(&m);
    return 0;
}

/* Tasks of every fate; returns the number of the first. */
static int post_all(void)
{
    static const struct bazaar_terms plain = {"test", PRICE, 1, 3600000, 1};
    static const struct bazaar_terms twice = {"test", PRICE, 2, 3600000, 1};
    static const struct bazaar_terms ladder = {"test-ladder", PRICE, 1, 3600000, 1};
    bazaar_behave(&m);
    int first = bazaar_post(&m, &plain); /* paid */
    bazaar_post(&m, &plain);             /* nobody bids: expired */
    bazaar_post(&m, &plain);             /* wrong result, taken over, paid */
    bazaar_post(&m, &twice);             /* two slots */
    bazaar_post(&m, &ladder);            /* judged by a committee alone */
    bazaar_post(&m, &plain);             /* cancelled */
    bazaar_bid(&m, first, 2, 500000);
    bazaar_bid(&m, first + 2, 1, 300000);
    bazaar_bid(&m, first + 2, 2, 600000);
    bazaar_bid(&m, first + 3, 2, 400000);
    bazaar_bid(&m, first + 3, 3, 500000);
    bazaar_bid(&m, first + 4, 3, 500000);
    bazaar_sql(&m, "SELECT t_cancel('%s')", bazaar_task(first + 5));
    m.people[1].works = WORKS_WRONG;
    return first;
}

static void check_fates(int first)
{
    static const char *const fates[TASKS] = {"paid", "expired", "paid",
                                             "paid", "paid",    "cancelled"};
    for (int i = 0; i < TASKS; i++)
        CU_ASSERT_STRING_EQUAL(
            bazaar_text(&m, "SELECT state FROM tasks WHERE id = '%s'", bazaar_task(first + i)),
            fates[i]);
    CU_ASSERT_EQUAL(
        bazaar_sql(&m, "SELECT count(*) FROM slashes WHERE task_id = '%s'", bazaar_task(first + 2)),
        1);
    CU_ASSERT_EQUAL(bazaar_violations(&m), 0);
    CU_ASSERT_EQUAL(bazaar_sql(&m, "SELECT count(*) FROM dead_letters"), 0);
}

static bool play(void (*turn)(struct bazaar *))
{
    return bazaar_wait(&m, turn, "SELECT count(*) = 0 FROM tasks WHERE finished_at IS NULL");
}

static void test_killed_at_every_step_without_redis(void)
{
    redis_now = redis_of_turn;
    kills = 0;
    int first = post_all();
    CU_ASSERT(play(turn_with_kills));
    CU_ASSERT(kills > 5);
    check_fates(first);
}

static const char *redis_alive(void)
{
    return alive;
}

static void test_killed_at_every_step_with_redis(void)
{
    redis_now = redis_alive;
    kills = 0;
    int first = post_all();
    CU_ASSERT(play(turn_with_kills));
    CU_ASSERT(kills > 5);
    check_fates(first);
}

/* What FLUSHALL does to this market; the server is shared with other tests. */
static void lose_redis(void)
{
    char command[512];
    snprintf(command, sizeof command,
             "redis-cli -s '%s' --scan --pattern '%s:*' | xargs -r redis-cli -s '%s' del "
             ">/dev/null",
             alive + strlen("unix:"), m.worker.redis_prefix, alive + strlen("unix:"));
    CU_ASSERT_EQUAL(system(command), 0);
}

static void turn_with_losses(struct bazaar *b)
{
    for (int job = 0; job < JOBS; job++) {
        run_child(job, "never", 1, alive);
        if (++turns % 8 == 0)
            lose_redis();
    }
    (void)b;
}

static void test_redis_loses_everything(void)
{
    int first = post_all();
    CU_ASSERT(play(turn_with_losses));
    check_fates(first);
}

static const char *redis_sometimes(void)
{
    return turns / JOBS % 2 ? gone : alive;
}

static void test_redis_comes_and_goes(void)
{
    redis_now = redis_sometimes;
    int first = post_all();
    CU_ASSERT(play(turn_with_kills));
    check_fates(first);
}

/* Two of each, at once, and one of them may die. */
static void turn_in_pairs(struct bazaar *b)
{
    for (int job = 0; job < JOBS; job++) {
        turns++;
        pid_t first = start_child(job, "never", 1, redis_now());
        pid_t second = start_child(job, turns % 2 ? "applied" : "never", 1, redis_now());
        wait_child(first);
        wait_child(second);
    }
    (void)b;
}

static void test_two_workers_of_each_job(void)
{
    redis_now = redis_of_turn;
    int first = post_all();
    CU_ASSERT(play(turn_in_pairs));
    check_fates(first);
}

/* Work that always fails becomes a dead letter and stops being handed out. */
static void test_poison_becomes_a_dead_letter(void)
{
    static const struct bazaar_terms plain = {"test", PRICE, 1, 3600000, 1};
    bazaar_behave(&m);
    int task = bazaar_post(&m, &plain);
    bazaar_sql(&m, "ALTER TABLE events ADD CONSTRAINT t_poison CHECK (kind <> 'closed') NOT VALID");
    m.worker.reclaim_ms = 1;
    CU_ASSERT(bazaar_until(&m, "SELECT count(*) = 1 FROM dead_letters WHERE subject_id = '%s'",
                           bazaar_task(task)));
    CU_ASSERT_EQUAL(bazaar_sql(&m, "SELECT deliveries FROM dead_letters"), 3);
    bazaar_sql(&m, "ALTER TABLE events DROP CONSTRAINT t_poison");
    bazaar_sql(&m, "UPDATE work SET published_at = NULL WHERE subject_id = '%s'",
               bazaar_task(task));
    CU_ASSERT(
        bazaar_until(&m, "SELECT state = 'expired' FROM tasks WHERE id = '%s'", bazaar_task(task)));
    bazaar_sql(&m, "DELETE FROM dead_letters");
    CU_ASSERT_EQUAL(bazaar_violations(&m), 0);
}

CU_MAIN_WITH(open_market, close_market, "chaos",
             {"killed at every step without redis", test_killed_at_every_step_without_redis},
             {"killed at every step with redis", test_killed_at_every_step_with_redis},
             {"redis loses everything", test_redis_loses_everything},
             {"redis comes and goes", test_redis_comes_and_goes},
             {"two workers of each job", test_two_workers_of_each_job},
             {"poison becomes a dead letter", test_poison_becomes_a_dead_letter})
