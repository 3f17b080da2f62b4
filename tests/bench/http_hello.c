/* SPDX-License-Identifier: Apache-2.0 */
/* What our HTTP layer costs beside bare libmicrohttpd: the same load against both, in turn, as
 * server CPU per request and requests per second. Ratios are medians over paired rounds. */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/core/log.h"
#include "server/http/listen.h"
#include "tests/support/http_app.h"

enum { ROUNDS = 5, REQUESTS = 20000, CONNECTIONS_MAX = 512, TEXT_MAX = 4096, POOL_BYTES = 12288 };

struct variant {
    const char *name;
    const char *request;
    int (*serve)(int port_pipe); /* runs in a child until it is killed */
    pid_t pid;
    uint16_t port;
    double us[ROUNDS];
    double rate[ROUNDS];
};

static void tell_port(int fd, uint16_t port)
{
    if (write(fd, &port, sizeof port) != (ssize_t)sizeof port)
        exit(1);
    close(fd);
}

/* ---- bare libmicrohttpd, driven as ours is ----------------------------------------------------
 */

static enum MHD_Result bare_hello(void *cls, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context)
{
    static int seen;
    (void)cls, (void)url, (void)method, (void)version, (void)data, (void)size;
    if (*context == NULL) { /* a reply in the first call would close the connection */
        *context = &seen;
        return MHD_YES;
    }
    static char text[] = "hello";
    struct MHD_Response *r = MHD_create_response_from_buffer(5, text, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, "Content-Type", "text/plain");
    enum MHD_Result done = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return done;
}

static int serve_bare(int port_pipe)
{
    int fd = -1;
    if (listen_open("127.0.0.1", 0, false, &fd) != ERR_OK)
        return 1;
    struct MHD_Daemon *d =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, bare_hello, NULL, MHD_OPTION_LISTEN_SOCKET,
                         fd, MHD_OPTION_CONNECTION_LIMIT, 10000U,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_END);
    if (d == NULL)
        return 1;
    tell_port(port_pipe, listen_port(fd));
    int ep = epoll_create1(0);
    int inner = MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    struct epoll_event e = {.events = EPOLLIN, .data.fd = inner};
    epoll_ctl(ep, EPOLL_CTL_ADD, inner, &e);
    for (;;) {
        MHD_UNSIGNED_LONG_LONG ms;
        int timeout = MHD_get_timeout(d, &ms) == MHD_YES ? (int)ms : 1000;
        epoll_wait(ep, &e, 1, timeout);
        MHD_run(d);
    }
}

static int serve_ours(int port_pipe)
{
    struct http_options o = {.listen = "127.0.0.1",
                             .loops = 1,
                             .connections = 10000,
                             .request_deadline_ms = 10000,
                             .long_poll_max_ms = 30000,
                             .drain_ms = 0};
    struct app *app = calloc(1, sizeof *app);
    if (app != NULL)
        app->job_delay_ms = 1;
    if (app == NULL || app_start(app, &o) != ERR_OK)
        return 1;
    tell_port(port_pipe, http_server_port(app->server));
    for (;;)
        pause();
}

/* ---- the load ---------------------------------------------------------------------------------
 */

static int start_child(struct variant *v)
{
    int fds[2];
    if (pipe(fds) != 0)
        return -1;
    v->pid = fork();
    if (v->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fds[0]);
        exit(v->serve(fds[1]));
    }
    close(fds[1]);
    ssize_t n = read(fds[0], &v->port, sizeof v->port);
    close(fds[0]);
    return n == (ssize_t)sizeof v->port ? 0 : -1;
}

static int connect_to(uint16_t port)
{
    int one = 1;
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (const struct sockaddr *)(const void *)&sa, sizeof sa) != 0)
        return -1;
    return fd;
}

static double seconds(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Replies fit one segment, so one readable event is one reply. */
static int answer_one(int fd, const char *request, size_t len)
{
    char text[TEXT_MAX];
    ssize_t n = recv(fd, text, sizeof text, 0);
    if (n < 12 || memcmp(text, "HTTP/1.1 20", 11) != 0)
        return -1;
    return request == NULL || send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}

static int run_load(const struct variant *v, int connections)
{
    struct epoll_event events[CONNECTIONS_MAX];
    int fds[CONNECTIONS_MAX];
    size_t len = strlen(v->request);
    int ep = epoll_create1(EPOLL_CLOEXEC);
    int sent = 0;
    int done = 0;
    for (int i = 0; i < connections; i++) {
        fds[i] = connect_to(v->port);
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fds[i]};
        epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e);
    }
    for (; sent < connections; sent++) {
        if (send(fds[sent], v->request, len, MSG_NOSIGNAL) != (ssize_t)len)
            return -1;
    }
    while (done < REQUESTS) {
        int n = epoll_wait(ep, events, connections, 10000);
        if (n <= 0)
            return -1;
        for (int i = 0; i < n; i++, done++) {
            bool more = sent < REQUESTS;
            sent += more;
            if (answer_one(events[i].data.fd, more ? v->request : NULL, len) != 0)
                return -1;
        }
    }
    for (int i = 0; i < connections; i++)
        close(fds[i]);
    close(ep);
    return 0;
}

static int measure(struct variant *v, int connections, int round)
{
    clockid_t clock;
    if (clock_getcpuclockid(v->pid, &clock) != 0)
        return -1;
    double cpu = seconds(clock);
    double wall = seconds(CLOCK_MONOTONIC);
    if (run_load(v, connections) != 0)
        return -1;
    v->rate[round] = REQUESTS / (seconds(CLOCK_MONOTONIC) - wall);
    v->us[round] = (seconds(clock) - cpu) * 1e6 / REQUESTS;
    return 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values)
{
    double sorted[ROUNDS];
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, ROUNDS, sizeof sorted[0], by_value);
    return sorted[ROUNDS / 2];
}

static void report(const struct variant *v, const struct variant *bare, int connections)
{
    double ratios[ROUNDS];
    for (int r = 0; r < ROUNDS; r++)
        ratios[r] = v->us[r] / bare->us[r];
    printf("http_hello connections=%d variant=%s requests_per_s=%.0f server_us=%.2f "
           "us_against_bare=%.3f\n",
           connections, v->name, median(v->rate), median(v->us), median(ratios));
}

int main(void)
{
    static const int counts[] = {64, 128, 256};
    static struct variant variants[] = {
        {.name = "bare", .request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", .serve = serve_bare},
        {.name = "ours", .request = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", .serve = serve_ours},
        {.name = "empty",
         .request = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
         .serve = serve_ours},
        {.name = "key",
         .request = "GET /mine HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n",
         .serve = serve_ours},
        {.name = "waited", .request = "GET /late HTTP/1.1\r\nHost: x\r\n\r\n", .serve = serve_ours},
        {.name = "batched",
         .request = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n",
         .serve = serve_ours},
    };
    enum { VARIANTS = sizeof variants / sizeof variants[0] };
    log_setup("http_hello", LOG_ERROR, 1);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < VARIANTS; i++) {
        if (start_child(&variants[i]) != 0)
            return 1;
    }
    int code = 0;
    for (size_t c = 0; c < sizeof counts / sizeof counts[0] && code == 0; c++) {
        for (int round = 0; round < ROUNDS && code == 0; round++) {
            for (int i = 0; i < VARIANTS && code == 0; i++)
                code = measure(&variants[i], counts[c], round) == 0 ? 0 : 1;
        }
        for (int i = 0; i < VARIANTS && code == 0; i++)
            report(&variants[i], &variants[0], counts[c]);
    }
    for (int i = 0; i < VARIANTS; i++) {
        kill(variants[i].pid, SIGKILL);
        waitpid(variants[i].pid, NULL, 0);
    }
    return code;
}
