/* SPDX-License-Identifier: Apache-2.0 */
/* load MODE PORT CONNECTIONS SECONDS OFFSET MARKET [PID]: closed-loop load on 127.0.0.1 over
 * keep-alive connections, one thread, epoll. MODE: bids    a fresh bid each: the pairs (bidder,
 * task) in order, from pair OFFSET on claims  POST /v1/jobs/claim of nodes that have a job empty
 * the same of the node that has none park    long polls of that node; prints "parked" when all
 * wait, then holds them for SECONDS MARKET is what fixture printed. Prints one line: rate, p50/p99
 * in microseconds, replies by class, and with PID the processor time that process used per reply.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/core/bytes.h"
#include "server/core/clock.h"

enum {
    CONNECTIONS_MAX = 20000,
    BIDDERS_MAX = 4096,
    TASKS_MAX = 100000,
    SIGNED_PER_BIDDER = 8,
    REQUEST_MAX = 2048,
    REPLY_MAX = 32 * 1024,
    EVENTS_MAX = 512,
    BUCKETS = 1 << 13,
    TEXT_MAX = 160,
    DRAIN_MS = 15000
};

struct bidder {
    char node[48];
    char node_key[2 * PUBKEY_BYTES + 1];
    char secret[2 * crypto_sign_SECRETKEYBYTES + 1];
    char key[96];
    char commitment[SIGNED_PER_BIDDER][2 * HASH_BYTES + 1];
    char signature[SIGNED_PER_BIDDER][2 * SIG_BYTES + 1];
};

struct connection {
    int fd;
    bool busy;
    size_t sent;
    size_t to_send;
    size_t received;
    int64_t start_us;
    char request[REQUEST_MAX];
    char *reply; /* REPLY_MAX bytes */
};

enum mode { BIDS, CLAIMS, EMPTY, BARE, PARK };

struct load {
    enum mode mode;
    int port;
    int connection_count;
    int seconds;
    uint64_t next; /* number of the next request */
    int pid;
    struct bidder *bidders;
    int bidder_count;
    char (*tasks)[48];
    int task_count;
    struct connection *connections;
    int epoll;
    bool counting;
    bool stopping;
    int in_flight;
    uint64_t replies;
    uint64_t by_class[6];
    uint64_t broken;
    uint64_t histogram[BUCKETS];
    int complaints;
};

static void fail(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

/* ---- latencies: buckets of 1/64 octave, from 1 us up -------------------------------------------
 */
static unsigned bucket_of(uint64_t us)
{
    if (us < 64)
        return (unsigned)us;
    unsigned shift = 57 - (unsigned)__builtin_clzll(us);
    unsigned b = (shift + 1) * 64 + (unsigned)(us >> shift & 63);
    return b < BUCKETS ? b : BUCKETS - 1;
}

static uint64_t value_of(unsigned bucket)
{
    if (bucket < 64)
        return bucket;
    return (uint64_t)(64 + bucket % 64) << (bucket / 64 - 1);
}

static uint64_t percentile(const struct load *l, double part)
{
    uint64_t want = (uint64_t)((double)l->replies * part);
    uint64_t seen = 0;
    for (unsigned b = 0; b < BUCKETS; b++) {
        seen += l->histogram[b];
        if (seen > want)
            return value_of(b);
    }
    return 0;
}

/* ---- the market --------------------------------------------------------------------------------
 */
static void sign_some(struct bidder *b)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    if (hex_decode(b->secret, secret, sizeof secret) != ERR_OK)
        fail("a node secret is not hexadecimal");
    for (int i = 0; i < SIGNED_PER_BIDDER; i++) {
        uint8_t commitment[HASH_BYTES];
        uint8_t signature[SIG_BYTES];
        randombytes_buf(commitment, sizeof commitment);
        crypto_sign_detached(signature, NULL, commitment, sizeof commitment, secret);
        hex_encode(commitment, sizeof commitment, b->commitment[i]);
        hex_encode(signature, sizeof signature, b->signature[i]);
    }
}

static void read_market(struct load *l, const char *path)
{
    char line[512];
    FILE *f = fopen(path, "re");
    l->bidders = calloc(BIDDERS_MAX, sizeof *l->bidders);
    l->tasks = calloc(TASKS_MAX, sizeof *l->tasks);
    if (f == NULL || l->bidders == NULL || l->tasks == NULL)
        fail("cannot read the market");
    while (fgets(line, sizeof line, f) != NULL) {
        struct bidder *b = &l->bidders[l->bidder_count];
        if (l->bidder_count < BIDDERS_MAX && sscanf(line, "bidder %47s %64s %128s %95s", b->node,
                                                    b->node_key, b->secret, b->key) == 4) {
            sign_some(b);
            l->bidder_count++;
        } else if (l->task_count < TASKS_MAX &&
                   sscanf(line, "task %47s", l->tasks[l->task_count]) == 1) {
            l->task_count++;
        }
    }
    fclose(f);
    if (l->bidder_count < 2 || l->task_count < 1)
        fail("the market is empty");
}

static size_t compose(char *out, const char *path, const char *key, const char *extra,
                      const char *body)
{
    int n = snprintf(out, REQUEST_MAX,
                     "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                     "Content-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
                     path, key, extra, strlen(body), body);
    if (n < 0 || n >= REQUEST_MAX)
        fail("a request is too long");
    return (size_t)n;
}

static size_t compose_bid(const struct load *l, char *out, uint64_t number)
{
    char body[512];
    char path[TEXT_MAX];
    char extra[TEXT_MAX];
    uint64_t task = number / (uint64_t)l->bidder_count;
    const struct bidder *b = &l->bidders[number % (uint64_t)l->bidder_count];
    uint64_t s = task % SIGNED_PER_BIDDER;
    if (task >= (uint64_t)l->task_count)
        fail("the pairs of bidders and tasks are used up");
    snprintf(path, sizeof path, "/v1/tasks/%s/bids", l->tasks[task]);
    snprintf(extra, sizeof extra, "Idempotency-Key: bench-bid-%016" PRIu64 "\r\n", number);
    snprintf(body, sizeof body,
             "{\"node_id\":\"%s\",\"node_key\":\"%s\",\"commitment\":\"%s\",\"signature\":\"%s\"}",
             b->node, b->node_key, b->commitment[s], b->signature[s]);
    return compose(out, path, b->key, extra, body);
}

static size_t compose_claim(const struct load *l, char *out, uint64_t number)
{
    char body[TEXT_MAX];
    char extra[TEXT_MAX] = "";
    uint64_t i = (uint64_t)l->bidder_count - 1; /* the one without a job */
    if (l->mode == CLAIMS)
        i = number % i;
    if (l->mode == PARK)
        snprintf(extra, sizeof extra, "Prefer: wait=%d\r\n", l->seconds);
    snprintf(body, sizeof body, "{\"node_id\":\"%s\"}", l->bidders[i].node);
    const char *path = l->mode == BARE ? "/bare" : "/v1/jobs/claim";
    return compose(out, path, l->bidders[i].key, extra, body);
}

/* ---- connections -------------------------------------------------------------------------------
 */
static void open_connection(struct load *l, struct connection *c)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->port)};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    int on = 1;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)(const void *)&sa, sizeof sa) != 0)
        fail(strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
        fail(strerror(errno));
}

static void reopen(struct load *l, struct connection *c)
{
    l->broken++;
    l->in_flight -= c->busy;
    c->busy = false;
    close(c->fd);
    open_connection(l, c);
}

static void send_more(struct load *l, struct connection *c)
{
    ssize_t n = send(c->fd, c->request + c->sent, c->to_send - c->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        reopen(l, c);
        return;
    }
    if (n > 0)
        c->sent += (size_t)n;
    /* requests fit into an empty socket buffer; should one not, wait for room */
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    if (c->sent < c->to_send) {
        ev.events |= EPOLLOUT;
        epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &ev);
    }
}

static void ask(struct load *l, struct connection *c)
{
    uint64_t number = l->next++;
    c->sent = 0;
    c->received = 0;
    c->to_send =
        l->mode == BIDS ? compose_bid(l, c->request, number) : compose_claim(l, c->request, number);
    c->start_us = clock_mono_us();
    c->busy = true;
    l->in_flight++;
    send_more(l, c);
}

/* Length of the whole reply once its head is there, 0 before; exits on what is no reply. */
static size_t reply_length(const struct connection *c)
{
    c->reply[c->received] = '\0';
    const char *end = strstr(c->reply, "\r\n\r\n");
    if (end == NULL)
        return 0;
    size_t head = (size_t)(end - c->reply) + 4;
    const char *field = strcasestr(c->reply, "\r\ncontent-length:");
    if (field == NULL || field > end)
        return head;
    return head + (size_t)strtoul(field + 17, NULL, 10);
}

static void count(struct load *l, const struct connection *c)
{
    int status = c->received > 12 ? (int)strtol(c->reply + 9, NULL, 10) : 0;
    int class = status >= 100 && status < 600 ? status / 100 : 0;
    if (class != 2 && l->complaints++ < 3)
        fprintf(stderr, "load: %.*s\n", (int)(c->received < 600 ? c->received : 600), c->reply);
    if (!l->counting)
        return;
    l->replies++;
    l->by_class[class]++;
    l->histogram[bucket_of((uint64_t)(clock_mono_us() - c->start_us))]++;
}

static void receive(struct load *l, struct connection *c)
{
    ssize_t n = recv(c->fd, c->reply + c->received, REPLY_MAX - 1 - c->received, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        reopen(l, c);
        if (!l->stopping)
            ask(l, c);
        return;
    }
    c->received += (size_t)n;
    size_t length = reply_length(c);
    if (length == 0 || c->received < length)
        return;
    count(l, c);
    c->busy = false;
    l->in_flight--;
    if (!l->stopping)
        ask(l, c);
}

static void turn(struct load *l, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(l->epoll, events, EVENTS_MAX, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        if ((events[i].events & EPOLLOUT) != 0 && c->sent < c->to_send)
            send_more(l, c);
        if ((events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
            receive(l, c);
    }
}

/* ---- the run -----------------------------------------------------------------------------------
 */
static double cpu_seconds(int pid)
{
    char path[64];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = pid > 0 ? fopen(path, "re") : NULL;
    if (f == NULL)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    /* fields 14 and 15, counted from the state behind the program's name */
    char *rest = strrchr(text, ')');
    char *save = NULL;
    char *word = rest == NULL ? NULL : strtok_r(rest + 1, " ", &save);
    for (int i = 3; word != NULL && i < 14; i++)
        word = strtok_r(NULL, " ", &save);
    char *next = word == NULL ? NULL : strtok_r(NULL, " ", &save);
    if (next == NULL)
        return 0;
    unsigned long user = strtoul(word, NULL, 10);
    unsigned long system_time = strtoul(next, NULL, 10);
    return (double)(user + system_time) / (double)sysconf(_SC_CLK_TCK);
}

static void run_until(struct load *l, int64_t until_ms)
{
    while (clock_mono_ms() < until_ms)
        turn(l, 10);
}

static void park(struct load *l)
{
    /* all have been sent: give the server time to take them in, then hold */
    run_until(l, clock_mono_ms() + 1500);
    printf("parked %d broken %" PRIu64 "\n", l->in_flight, l->broken);
    fflush(stdout);
    run_until(l, clock_mono_ms() + (int64_t)l->seconds * 1000);
}

static void measure(struct load *l)
{
    enum { WARM_UP_MS = 300 };
    run_until(l, clock_mono_ms() + WARM_UP_MS);
    double cpu = cpu_seconds(l->pid);
    l->counting = true;
    int64_t start_us = clock_mono_us();
    run_until(l, clock_mono_ms() + (int64_t)l->seconds * 1000);
    l->counting = false;
    double seconds = (double)(clock_mono_us() - start_us) / 1e6;
    cpu = cpu_seconds(l->pid) - cpu;
    l->stopping = true;
    int64_t until_ms = clock_mono_ms() + DRAIN_MS;
    while (l->in_flight > 0 && clock_mono_ms() < until_ms)
        turn(l, 10);
    printf("rate=%.1f p50_us=%" PRIu64 " p99_us=%" PRIu64 " replies=%" PRIu64 " ok=%" PRIu64
           " refused=%" PRIu64 " failed=%" PRIu64 " broken=%" PRIu64 " stuck=%d cpu_us=%.1f"
           " next=%" PRIu64 "\n",
           (double)l->by_class[2] / seconds, percentile(l, 0.5), percentile(l, 0.99), l->replies,
           l->by_class[2], l->by_class[4], l->by_class[5] + l->by_class[0], l->broken, l->in_flight,
           l->replies == 0 ? 0 : cpu * 1e6 / (double)l->replies, l->next);
}

static enum mode mode_of(const char *text)
{
    static const char *const names[] = {"bids", "claims", "empty", "bare", "park"};
    for (int i = 0; i < 5; i++) {
        if (strcmp(text, names[i]) == 0)
            return (enum mode)i;
    }
    fail("MODE is bids, claims, empty, bare or park");
    return BIDS;
}

int main(int argc, char **argv)
{
    static struct load l;
    struct rlimit files;
    if (argc < 7 || sodium_init() < 0)
        fail("usage: load MODE PORT CONNECTIONS SECONDS OFFSET MARKET [PID]");
    l.mode = mode_of(argv[1]);
    l.port = (int)strtol(argv[2], NULL, 10);
    l.connection_count = (int)strtol(argv[3], NULL, 10);
    l.seconds = (int)strtol(argv[4], NULL, 10);
    l.next = strtoull(argv[5], NULL, 10);
    l.pid = argc > 7 ? (int)strtol(argv[7], NULL, 10) : 0;
    read_market(&l, argv[6]);
    if (l.connection_count < 1 || l.connection_count > CONNECTIONS_MAX)
        fail("CONNECTIONS is out of range");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    l.connections = calloc((size_t)l.connection_count, sizeof *l.connections);
    if (l.connections == NULL)
        fail("no memory");
    for (int i = 0; i < l.connection_count; i++) {
        struct connection *c = &l.connections[i];
        c->reply = malloc(REPLY_MAX);
        if (c->reply == NULL)
            fail("no memory");
        open_connection(&l, c);
        ask(&l, c);
    }
    if (l.mode == PARK)
        park(&l);
    else
        measure(&l);
    for (int i = 0; i < l.connection_count; i++)
        free(l.connections[i].reply);
    free(l.connections);
    free(l.bidders);
    free(l.tasks);
    return 0;
}
