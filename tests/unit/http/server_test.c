/* SPDX-License-Identifier: Apache-2.0 */
/* The server as a whole: waits, wakes, holds and the drain. `server_test serve [loops
 * [static_dir [rate_limit [connections [metrics_port [deadline_ms]]]]]]` runs the test application
 * for tests/api/socket*.test.mjs until SIGTERM. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "tests/support/cu.h"
#include "tests/support/http_app.h"

enum { CLIENT_TIMEOUT_S = 10, TEXT_MAX = 4096 };

static const struct http_options defaults = {
    .listen = "127.0.0.1",
    .metrics_listen = "127.0.0.1",
    .loops = 2,
    .connections = 256,
    .request_deadline_ms = 2000,
    .long_poll_max_ms = 30000,
    .drain_ms = 100,
};

static int connect_to(const struct app *app)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(http_server_port(app->server))};
    struct timeval tv = {.tv_sec = CLIENT_TIMEOUT_S};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&sa, sizeof sa) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool send_text(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* Reads until text holds wanted, or the connection ends; NUL-terminates. */
static bool read_until(int fd, const char *wanted, char text[TEXT_MAX])
{
    size_t len = 0;
    text[0] = '\0';
    while (len < TEXT_MAX - 1 && strstr(text, wanted) == NULL) {
        ssize_t n = recv(fd, text + len, TEXT_MAX - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
    }
    return strstr(text, wanted) != NULL;
}

static bool eventually(atomic_ulong *v, unsigned long wanted)
{
    const struct timespec step = {.tv_nsec = 2000000};
    int64_t end = clock_mono_ms() + CLIENT_TIMEOUT_S * 1000;
    while (atomic_load(v) < wanted && clock_mono_ms() < end)
        nanosleep(&step, NULL);
    return atomic_load(v) >= wanted;
}

static struct app *start(const struct http_options *o, int64_t job_delay_ms)
{
    struct app *app = calloc(1, sizeof *app);
    app->job_delay_ms = job_delay_ms;
    if (app_start(app, o) != ERR_OK) {
        fprintf(stderr, "cannot start the server\n");
        exit(1);
    }
    return app;
}

static void answers_hello(void)
{
    char text[TEXT_MAX];
    struct app *app = start(&defaults, 0);
    int fd = connect_to(app);
    CU_ASSERT_TRUE(send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    CU_ASSERT_TRUE(read_until(fd, "\r\n\r\nhello", text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "X-Request-Id: req_"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Cache-Control: no-store"));
    CU_ASSERT_TRUE(send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    CU_ASSERT_TRUE(read_until(fd, "\r\n\r\nhello", text)); /* the connection was kept */
    close(fd);
    app_stop(app, true);
    CU_ASSERT_EQUAL(app->handled, app->ended);
    free(app);
}

static void resumes_from_another_thread(void)
{
    char text[TEXT_MAX];
    struct app *app = start(&defaults, 0);
    int fd = connect_to(app);
    for (int i = 0; i < 50; i++) {
        CU_ASSERT_TRUE(send_text(fd, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
        CU_ASSERT_TRUE(read_until(fd, "\r\n\r\nslow", text));
    }
    close(fd);
    app_stop(app, true);
    CU_ASSERT_EQUAL(atomic_load(&app->answered), 50);
    CU_ASSERT_EQUAL(app->handled, app->ended);
    free(app);
}

static void wakes_the_topic_only(void)
{
    char text[TEXT_MAX];
    struct app *app = start(&defaults, 0);
    int a = connect_to(app);
    int b = connect_to(app);
    CU_ASSERT_TRUE(send_text(a, "GET /wait/one?wait=20 HTTP/1.1\r\nHost: x\r\n\r\n"));
    CU_ASSERT_TRUE(send_text(b, "GET /wait/two?wait=1 HTTP/1.1\r\nHost: x\r\n\r\n"));
    CU_ASSERT_TRUE(eventually(&app->handled, 2));
    http_topic_wake(app->server, "one", 3);
    http_flush(app->server);
    CU_ASSERT_TRUE(read_until(a, "woken", text));
    CU_ASSERT_TRUE(read_until(b, "\r\n\r\n", text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "204"));
    close(a);
    close(b);
    app_stop(app, true);
    free(app);
}

static void star_wakes_everything(void)
{
    char text[TEXT_MAX];
    int fds[8];
    struct app *app = start(&defaults, 0);
    for (int i = 0; i < 8; i++) {
        char request[TEXT_MAX];
        fds[i] = connect_to(app);
        snprintf(request, sizeof request, "GET /wait/t%d?wait=20 HTTP/1.1\r\nHost: x\r\n\r\n", i);
        CU_ASSERT_TRUE(send_text(fds[i], request));
    }
    CU_ASSERT_TRUE(eventually(&app->handled, 8));
    http_topic_wake(app->server, "*", 1);
    http_flush(app->server);
    for (int i = 0; i < 8; i++) {
        CU_ASSERT_TRUE(read_until(fds[i], "woken", text));
        close(fds[i]);
    }
    app_stop(app, true);
    free(app);
}

static void topics_remember_emptiness(void)
{
    struct app *app = start(&defaults, 0);
    struct http_server *s = app->server;
    uint64_t version = http_topic_version(s, "node:1");
    CU_ASSERT_FALSE(http_topic_known_empty(s, "node:1"));
    http_topic_set_empty(s, "node:1", version, 60000);
    CU_ASSERT_TRUE(http_topic_known_empty(s, "node:1"));
    CU_ASSERT_FALSE(http_topic_known_empty(s, "node:2"));
    http_topic_wake(s, "node:1", 6);
    CU_ASSERT_FALSE(http_topic_known_empty(s, "node:1"));
    http_topic_set_empty(s, "node:1", version, 60000); /* a read from before the wake */
    CU_ASSERT_FALSE(http_topic_known_empty(s, "node:1"));
    http_topic_set_empty(s, "node:1", http_topic_version(s, "node:1"), 60000);
    http_topic_wake(s, "*", 1);
    CU_ASSERT_FALSE(http_topic_known_empty(s, "node:1"));
    http_topic_set_empty(s, "node:1", http_topic_version(s, "node:1"), 0);
    CU_ASSERT_FALSE(http_topic_known_empty(s, "node:1"));
    app_stop(app, false);
    free(app);
}

/* The thread that holds a request answers half a second after the client has gone. */
static void a_held_request_outlives_its_client(void)
{
    struct app *app = start(&defaults, 1500);
    int fd = connect_to(app);
    CU_ASSERT_TRUE(send_text(fd, "GET /held HTTP/1.1\r\nHost: x\r\n\r\n"));
    CU_ASSERT_TRUE(eventually(&app->handled, 1));
    close(fd);
    CU_ASSERT_TRUE(eventually(&app->answered, 1));
    CU_ASSERT_TRUE(eventually(&app->ended, 1));
    app_stop(app, true);
    free(app);
}

static void stopping_with_parked_and_held_requests_does_not_abort(void)
{
    int fds[32];
    struct app *app = start(&defaults, 200);
    for (int i = 0; i < 32; i++) {
        fds[i] = connect_to(app);
        CU_ASSERT_TRUE(send_text(fds[i], i % 2 ? "GET /wait/x?wait=30 HTTP/1.1\r\nHost: x\r\n\r\n"
                                               : "GET /held HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    CU_ASSERT_TRUE(eventually(&app->handled, 32));
    app_stop(app, false);
    CU_ASSERT_EQUAL(app->handled, app->ended);
    for (int i = 0; i < 32; i++)
        close(fds[i]);
    free(app);
}

static void a_drain_answers_what_is_parked(void)
{
    char text[TEXT_MAX];
    struct app *app = start(&defaults, 0);
    int fd = connect_to(app);
    CU_ASSERT_TRUE(send_text(fd, "GET /wait/x?wait=30 HTTP/1.1\r\nHost: x\r\n\r\n"));
    CU_ASSERT_TRUE(eventually(&app->handled, 1));
    app_stop(app, true);
    CU_ASSERT_TRUE(read_until(fd, "\r\n\r\n", text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "HTTP/1.1 204"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Connection: close"));
    CU_ASSERT_EQUAL(app->handled, app->ended);
    close(fd);
    free(app);
}

static void a_port_in_use_is_refused(void)
{
    struct http_server *second = NULL;
    struct http_app none = {.routes = app_routes, .route_count = 1};
    struct app *app = start(&defaults, 0);
    struct http_options o = defaults;
    o.port = http_server_port(app->server);
    log_setup("server_test", LOG_ERROR + 1, 1);
    CU_ASSERT_EQUAL(http_server_new(&o, &none, &second), ERR_IO);
    app_stop(app, false);
    free(app);
}

static int serve(int argc, char **argv)
{
    sigset_t signals;
    int got;
    struct http_options o = defaults;
    o.connections = 20000;
    o.loops = argc > 2 ? atoi(argv[2]) : 1;
    o.static_dir = argc > 3 && argv[3][0] != '\0' ? argv[3] : NULL;
    o.rate_limit_per_minute = argc > 4 ? atoll(argv[4]) : 0;
    if (argc > 5 && atoi(argv[5]) > 0)
        o.connections = atoi(argv[5]);
    o.metrics_port = argc > 6 ? (uint16_t)atoi(argv[6]) : 0;
    if (argc > 7)
        o.request_deadline_ms = atoll(argv[7]);
    struct rlimit files = {0};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    struct app *app = start(&o, 0);
    printf("port %u\n", (unsigned)http_server_port(app->server));
    fflush(stdout);
    sigwait(&signals, &got);
    app_stop(app, true);
    printf("drained handled %lu ended %lu\n", atomic_load(&app->handled), atomic_load(&app->ended));
    int code = atomic_load(&app->handled) == atomic_load(&app->ended) ? 0 : 1;
    free(app);
    return code;
}

int main(int argc, char **argv)
{
    static const struct cu_test tests[] = {
        {"answers_hello", answers_hello},
        {"resumes_from_another_thread", resumes_from_another_thread},
        {"wakes_the_topic_only", wakes_the_topic_only},
        {"star_wakes_everything", star_wakes_everything},
        {"topics_remember_emptiness", topics_remember_emptiness},
        {"a_held_request_outlives_its_client", a_held_request_outlives_its_client},
        {"stopping_with_parked_and_held_requests_does_not_abort",
         stopping_with_parked_and_held_requests_does_not_abort},
        {"a_drain_answers_what_is_parked", a_drain_answers_what_is_parked},
        {"a_port_in_use_is_refused", a_port_in_use_is_refused},
    };
    signal(SIGPIPE, SIG_IGN);
    json_setup();
    log_setup("server_test", LOG_WARN, 1);
    if (argc > 1 && strcmp(argv[1], "serve") == 0)
        return serve(argc, argv);
    return cu_run("http server", NULL, NULL, tests, sizeof tests / sizeof tests[0],
                  argc > 1 ? argv[1] : NULL);
}
