/* SPDX-License-Identifier: Apache-2.0 */
/* Streams and wakes against a private Redis, also one that forgets everything or vanishes. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "server/queue/link.h"
#include "server/queue/queue.h"
#include "tests/support/cu.h"
#include "tests/support/pg.h"

enum { MANY = 600, WAIT_MS = 10000, ADDRESS_MAX = 200, PREFIX_MAX = LINK_PREFIX_MAX };

static char address[ADDRESS_MAX];
static int prefix_count;

/* Every test has keys of its own. */
static struct queue *open_queue(char prefix[PREFIX_MAX])
{
    struct queue *q = NULL;
    snprintf(prefix, PREFIX_MAX, "t%d-%d", (int)getpid() % 100000, ++prefix_count);
    CU_ASSERT_EQUAL_FATAL(queue_new(address, prefix, &q), ERR_OK);
    return q;
}

static struct queue *open_same(const char *prefix)
{
    struct queue *q = NULL;
    CU_ASSERT_EQUAL_FATAL(queue_new(address, prefix, &q), ERR_OK);
    return q;
}

/* A plain command, for what the module does not offer. */
static void redis_do(const char *a, const char *b, const char *c, const char *d)
{
    struct command command = {0};
    const char *const words[] = {a, b, c, d};
    redisContext *ctx = link_open(address, 2000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ctx);
    for (int i = 0; i < 4 && words[i] != NULL; i++)
        command_add(&command, words[i]);
    CU_ASSERT_TRUE(link_send(ctx, &command));
    redisReply *r = link_receive(ctx);
    CU_ASSERT_PTR_NOT_NULL(r);
    if (r != NULL) {
        CU_ASSERT_NOT_EQUAL(r->type, REDIS_REPLY_ERROR);
        freeReplyObject(r);
    }
    redisFree(ctx);
}

static struct queue_message message(uint8_t n, int64_t version)
{
    struct queue_message m = {.version = version};
    memset(m.work.b, n, sizeof m.work.b);
    return m;
}

static void carries_messages(void)
{
    char prefix[PREFIX_MAX];
    struct queue *q = open_queue(prefix);
    struct queue_message in[2] = {message(1, 7), message(2, INT64_MAX)};
    struct queue_message out[8];
    size_t count = 99;
    int64_t depth = -1;
    CU_ASSERT_EQUAL(queue_take(q, &(struct queue_reader){"settle", "a", 0, 60000}, out, 8, &count),
                    ERR_EMPTY);
    CU_ASSERT_EQUAL(count, 99); /* set only on success */
    CU_ASSERT_EQUAL(queue_publish(q, "settle", in, 2), ERR_OK);
    CU_ASSERT_EQUAL(queue_depth(q, "settle", &depth), ERR_OK);
    CU_ASSERT_EQUAL(depth, 2);
    CU_ASSERT_EQUAL(
        queue_take(q, &(struct queue_reader){"settle", "a", 100, 60000}, out, 8, &count), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_TRUE(uuid_equal(&out[0].work, &in[0].work));
    CU_ASSERT_EQUAL(out[0].version, 7);
    CU_ASSERT_EQUAL(out[1].version, INT64_MAX);
    CU_ASSERT_EQUAL(out[0].deliveries, 1);
    CU_ASSERT_EQUAL(
        queue_take(q, &(struct queue_reader){"settle", "b", 0, 60000}, out + 2, 6, &count),
        ERR_EMPTY);
    CU_ASSERT_EQUAL(queue_ack(q, "settle", out, 2), ERR_OK);
    CU_ASSERT_EQUAL(queue_depth(q, "settle", &depth), ERR_OK);
    CU_ASSERT_EQUAL(depth, 0);
    queue_free(q);
}

static void carries_more_than_one_pipeline(void)
{
    char prefix[PREFIX_MAX];
    struct queue *q = open_queue(prefix);
    struct queue_message *in = calloc(MANY, sizeof *in);
    size_t got = 0;
    size_t count = 0;
    for (int i = 0; i < MANY; i++)
        in[i] = message((uint8_t)i, i);
    CU_ASSERT_EQUAL(queue_publish(q, "close", in, MANY), ERR_OK);
    while (queue_take(q, &(struct queue_reader){"close", "a", 0, 60000}, in, MANY, &count) ==
           ERR_OK) {
        for (size_t i = 0; i < count; i++)
            CU_ASSERT_EQUAL(in[i].version, (int64_t)(got + i));
        CU_ASSERT_EQUAL(queue_ack(q, "close", in, count), ERR_OK);
        got += count;
    }
    CU_ASSERT_EQUAL(got, MANY);
    free(in);
    queue_free(q);
}

static void hands_on_what_a_dead_consumer_left(void)
{
    char prefix[PREFIX_MAX];
    struct queue *q = open_queue(prefix);
    struct queue_message in = message(3, 1);
    struct queue_message out[4];
    size_t count = 0;
    const struct timespec idle = {.tv_nsec = 30000000};
    CU_ASSERT_EQUAL(queue_publish(q, "draw", &in, 1), ERR_OK);
    CU_ASSERT_EQUAL(queue_take(q, &(struct queue_reader){"draw", "dies", 0, 60000}, out, 4, &count),
                    ERR_OK);
    queue_free(q);
    for (int delivery = 2; delivery <= 4; delivery++) {
        q = open_same(prefix);
        count = 0;
        nanosleep(&idle, NULL); /* its idle time is what is under test */
        CU_ASSERT_EQUAL(
            queue_take(q, &(struct queue_reader){"draw", "heir", 0, 20}, out, 4, &count), ERR_OK);
        CU_ASSERT_EQUAL(count, 1);
        CU_ASSERT_EQUAL(out[0].deliveries, delivery);
        queue_free(q);
    }
    q = open_same(prefix);
    CU_ASSERT_EQUAL(
        queue_take(q, &(struct queue_reader){"draw", "early", 0, 60000}, out, 4, &count),
        ERR_EMPTY);
    queue_free(q);
}

static void survives_flushall(void)
{
    char prefix[PREFIX_MAX];
    struct queue *q = open_queue(prefix);
    struct queue_message in = message(4, 1);
    struct queue_message out[4];
    size_t count = 0;
    CU_ASSERT_EQUAL(queue_publish(q, "auction", &in, 1), ERR_OK);
    CU_ASSERT_EQUAL(queue_take(q, &(struct queue_reader){"auction", "a", 0, 60000}, out, 4, &count),
                    ERR_OK);
    redis_do("FLUSHALL", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(queue_ack(q, "auction", out, 1), ERR_OK);
    CU_ASSERT_EQUAL(queue_take(q, &(struct queue_reader){"auction", "a", 0, 60000}, out, 4, &count),
                    ERR_EMPTY);
    CU_ASSERT_EQUAL(queue_publish(q, "auction", &in, 1), ERR_OK);
    CU_ASSERT_EQUAL(queue_take(q, &(struct queue_reader){"auction", "a", 0, 60000}, out, 4, &count),
                    ERR_OK);
    CU_ASSERT_EQUAL(count, 1);
    queue_free(q);
}

static void reconnects_after_its_link_was_killed(void)
{
    char prefix[PREFIX_MAX];
    struct queue *q = open_queue(prefix);
    struct queue_message in = message(5, 1);
    struct queue_message out[4];
    size_t count = 0;
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(queue_publish(q, "audit", &in, 1), ERR_OK);
        redis_do("CLIENT", "KILL", "TYPE", "normal");
        CU_ASSERT_EQUAL(
            queue_take(q, &(struct queue_reader){"audit", "a", 0, 60000}, out, 4, &count), ERR_OK);
        CU_ASSERT_EQUAL(count, 1);
        redis_do("CLIENT", "KILL", "TYPE", "normal");
        CU_ASSERT_EQUAL(queue_ack(q, "audit", out, count), ERR_OK);
    }
    queue_free(q);
}

static void drops_messages_that_are_none_of_ours(void)
{
    char prefix[PREFIX_MAX];
    char key[64];
    struct queue *q = open_queue(prefix);
    struct queue_message in = message(6, 1);
    struct queue_message out[4];
    size_t count = 0;
    int64_t depth = -1;
    snprintf(key, sizeof key, "%s:work:odd", prefix);
    redisContext *ctx = link_open(address, 2000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ctx);
    static const char *const odd[][2] = {{"w", "not-a-uuid"}, {"x", "y"}, {"v", "-1"}};
    for (size_t i = 0; i < 3; i++) {
        struct command c = {0};
        const char *const words[] = {"XADD", key, "*", odd[i][0], odd[i][1]};
        for (size_t k = 0; k < 5; k++)
            command_add(&c, words[k]);
        CU_ASSERT_TRUE(link_send(ctx, &c));
        freeReplyObject(link_receive(ctx));
    }
    redisFree(ctx);
    CU_ASSERT_EQUAL(queue_publish(q, "odd", &in, 1), ERR_OK);
    log_setup("queue_test", LOG_ERROR, 1);
    CU_ASSERT_EQUAL(queue_take(q, &(struct queue_reader){"odd", "a", 0, 60000}, out, 4, &count),
                    ERR_OK);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_EQUAL(queue_depth(q, "odd", &depth), ERR_OK);
    CU_ASSERT_EQUAL(depth, 1);
    queue_free(q);
}

static void says_when_redis_is_not_there(void)
{
    struct queue *q = NULL;
    struct queue_message m = message(7, 1);
    size_t count = 0;
    CU_ASSERT_EQUAL_FATAL(queue_new("unix:/nonexistent/redis.sock", "t", &q), ERR_OK);
    CU_ASSERT_EQUAL(queue_publish(q, "x", &m, 1), ERR_QUEUE_DOWN);
    CU_ASSERT_EQUAL(queue_take(q, &(struct queue_reader){"x", "a", 10, 10}, &m, 1, &count),
                    ERR_QUEUE_DOWN);
    CU_ASSERT_EQUAL(queue_wake(q, "a", 1), ERR_QUEUE_DOWN);
    queue_free(q);
    static const char *const bad[] = {"",           "host",    "host:",         "host:0",
                                      "host:70000", "host:1x", "unix:relative", ":6379"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        q = NULL;
        CU_ASSERT_EQUAL(queue_new(bad[i], "t", &q), ERR_PARSE);
        CU_ASSERT_PTR_NULL(q);
    }
}

struct heard {
    atomic_int stars, ones, twos, others;
};

static void on_wake(void *arg, const char *topic, size_t len)
{
    struct heard *h = arg;
    if (len == 1 && topic[0] == '*')
        atomic_fetch_add(&h->stars, 1);
    else if (len == 6 && memcmp(topic, "node:1", 6) == 0)
        atomic_fetch_add(&h->ones, 1);
    else if (len == 4 && memcmp(topic, "open", 4) == 0)
        atomic_fetch_add(&h->twos, 1);
    else
        atomic_fetch_add(&h->others, 1);
}

static bool reaches(atomic_int *v, int wanted)
{
    const struct timespec step = {.tv_nsec = 2000000};
    int64_t end = clock_mono_ms() + WAIT_MS;
    while (atomic_load(v) < wanted && clock_mono_ms() < end)
        nanosleep(&step, NULL);
    return atomic_load(v) >= wanted;
}

static void wakes_listeners_and_stars_after_a_reconnect(void)
{
    char prefix[PREFIX_MAX];
    struct heard heard = {0};
    struct queue *q = open_queue(prefix);
    struct queue_listener *l = NULL;
    CU_ASSERT_EQUAL_FATAL(queue_listener_new(address, prefix, on_wake, &heard, &l), ERR_OK);
    CU_ASSERT_TRUE(reaches(&heard.stars, 1)); /* anything may have been missed before */
    CU_ASSERT_EQUAL(queue_wake(q, "node:1  open node:1", 19), ERR_OK);
    CU_ASSERT_TRUE(reaches(&heard.ones, 2));
    CU_ASSERT_TRUE(reaches(&heard.twos, 1));
    redis_do("CLIENT", "KILL", "TYPE", "pubsub");
    CU_ASSERT_TRUE(reaches(&heard.stars, 2));
    CU_ASSERT_EQUAL(queue_wake(q, "open", 4), ERR_OK);
    CU_ASSERT_TRUE(reaches(&heard.twos, 2));
    CU_ASSERT_EQUAL(atomic_load(&heard.others), 0);
    queue_listener_free(l);
    queue_free(q);
}

static void a_listener_without_redis_can_be_stopped(void)
{
    struct heard heard = {0};
    struct queue_listener *l = NULL;
    log_setup("queue_test", LOG_ERROR, 1);
    CU_ASSERT_EQUAL_FATAL(
        queue_listener_new("unix:/nonexistent/redis.sock", "t", on_wake, &heard, &l), ERR_OK);
    queue_listener_free(l);
    CU_ASSERT_EQUAL(atomic_load(&heard.stars), 0);
}

/* Reads a command and never answers, as a hung Redis does. */
static void a_redis_that_hangs_ends_in_queue_down(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char target[ADDRESS_MAX];
    struct queue *q = NULL;
    snprintf(sa.sun_path, sizeof sa.sun_path, "/tmp/cf-queue-test-%d.sock", (int)getpid());
    snprintf(target, sizeof target, "unix:%s", sa.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(fd, (const struct sockaddr *)(const void *)&sa, sizeof sa), 0);
    CU_ASSERT_EQUAL_FATAL(listen(fd, 4), 0);
    CU_ASSERT_EQUAL_FATAL(queue_new(target, "t", &q), ERR_OK);
    int64_t began = clock_mono_ms();
    CU_ASSERT_EQUAL(queue_wake(q, "open", 4), ERR_QUEUE_DOWN);
    int64_t took = clock_mono_ms() - began;
    CU_ASSERT_TRUE(took >= LINK_TIMEOUT_MS - 100 && took < 2 * LINK_TIMEOUT_MS);
    queue_free(q);
    close(fd);
    unlink(sa.sun_path);
}

static int set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    log_setup("queue_test", LOG_WARN, 1);
    snprintf(address, sizeof address, "unix:%s", test_redis_path());
    return 0;
}

CU_MAIN_WITH(set_up, NULL, "queue", {"carries_messages", carries_messages},
             {"carries_more_than_one_pipeline", carries_more_than_one_pipeline},
             {"hands_on_what_a_dead_consumer_left", hands_on_what_a_dead_consumer_left},
             {"survives_flushall", survives_flushall},
             {"reconnects_after_its_link_was_killed", reconnects_after_its_link_was_killed},
             {"drops_messages_that_are_none_of_ours", drops_messages_that_are_none_of_ours},
             {"says_when_redis_is_not_there", says_when_redis_is_not_there},
             {"wakes_listeners_and_stars_after_a_reconnect",
              wakes_listeners_and_stars_after_a_reconnect},
             {"a_listener_without_redis_can_be_stopped", a_listener_without_redis_can_be_stopped},
             {"a_redis_that_hangs_ends_in_queue_down", a_redis_that_hangs_ends_in_queue_down})
