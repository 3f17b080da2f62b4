/* SPDX-License-Identifier: Apache-2.0 */
/* computefi-server: reads the settings, wires the layers together, and stops in good order. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "api/endpoint.h"
#include "api/operator.h"
#include "server/core/config.h"
#include "server/core/log.h"
#include "server/db/engine.h"
#include "server/db/migrate.h"
#include "server/http/http.h"
#include "server/queue/queue.h"

enum {
    SECRET_MIN = 32,
    SERVER_VERSION_MIN = 150020, /* 15.20: earlier ones lose predicate locks in ON CONFLICT */
    ERROR_MAX = 512,
    PUBLISH_MAX_BYTES = 16 * 1024,
    ORIGIN_MAX = 20,
    DB_TRIES = 20,
    DB_TRY_NS = 500 * 1000 * 1000,
    WORDS_MAX = 4
};

static const char SQL_DIR[] = "sql";

/* Wakes for the other processes. The engine's thread only appends; what does not fit becomes "*",
 * for a lost wake would let a poll sleep to its deadline. */
struct publisher {
    struct queue *queue;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t more;
    char origin[ORIGIN_MAX]; /* "@" and random digits: our own echo is not heard */
    char topics[PUBLISH_MAX_BYTES];
    size_t len;
    bool overflow;
    bool stop;
};

struct program {
    struct config *config;
    struct db_engine *engine;
    struct api *api;
    struct http_server *http;
    struct publisher publisher;
    struct queue_listener *listener;
    bool hearing_self; /* listener's thread: between our origin word and its end */
};

static const char *text(const struct program *p, enum config_key k)
{
    return config_text(p->config, k);
}

static bool in_development(const struct program *p)
{
    return strcmp(text(p, CONFIG_market_mode), "development") == 0;
}

/* ---- wakes ---------------------------------------------------------------------------------- */

static void publisher_add(struct publisher *b, const char *topic, size_t len)
{
    pthread_mutex_lock(&b->lock);
    if (b->len + len + 1 > sizeof b->topics) {
        b->overflow = true;
    } else {
        memcpy(b->topics + b->len, topic, len);
        b->topics[b->len + len] = ' ';
        b->len += len + 1;
    }
    pthread_mutex_unlock(&b->lock);
}

/* "@origin topic ... @": receivers of this process skip what lies between. */
static void publish(struct publisher *b, char message[PUBLISH_MAX_BYTES + ORIGIN_MAX + 4])
{
    int head = snprintf(message, ORIGIN_MAX + 2, "%s ", b->origin);
    size_t len = (size_t)head;
    if (b->overflow) {
        message[len++] = '*';
        message[len++] = ' ';
    } else {
        memcpy(message + len, b->topics, b->len);
        len += b->len;
    }
    message[len++] = '@';
    b->len = 0;
    b->overflow = false;
    pthread_mutex_unlock(&b->lock);
    /* a failure is logged by the listener; the polls of other processes read again at their end */
    enum err e = queue_wake(b->queue, message, len);
    if (e != ERR_OK)
        log_event(LOG_DEBUG, "wakes not published", "code", err_code(e), NULL);
    pthread_mutex_lock(&b->lock);
}

static void *publisher_main(void *arg)
{
    struct publisher *b = arg;
    char message[PUBLISH_MAX_BYTES + ORIGIN_MAX + 4];
    pthread_mutex_lock(&b->lock);
    while (!b->stop) {
        if (b->len > 0 || b->overflow)
            publish(b, message);
        else
            pthread_cond_wait(&b->more, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* On the engine's thread, after the commit. */
static void on_db_wake(void *arg, const char *topic, size_t len)
{
    struct program *p = arg;
    if (p->http != NULL)
        http_topic_wake(p->http, topic, len);
    if (p->publisher.started)
        publisher_add(&p->publisher, topic, len);
}

static void on_db_burst_end(void *arg)
{
    struct program *p = arg;
    if (p->http != NULL)
        http_flush(p->http);
    if (p->publisher.started)
        pthread_cond_signal(&p->publisher.more);
}

/* On the listener's thread. */
static void on_queue_wake(void *arg, const char *topic, size_t len)
{
    struct program *p = arg;
    if (topic[0] == '@') {
        p->hearing_self =
            len == strlen(p->publisher.origin) && memcmp(topic, p->publisher.origin, len) == 0;
        return;
    }
    if (p->hearing_self)
        return;
    http_topic_wake(p->http, topic, len);
    http_flush(p->http);
}

static enum err start_queue(struct program *p)
{
    const char *address = text(p, CONFIG_redis_address);
    const char *prefix = text(p, CONFIG_redis_prefix);
    struct publisher *b = &p->publisher;
    uint8_t random[8];
    if (address[0] == '\0')
        return ERR_OK;
    randombytes_buf(random, sizeof random);
    b->origin[0] = '@';
    hex_encode(random, sizeof random, b->origin + 1);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->more, NULL);
    enum err e = queue_new(address, prefix, &b->queue);
    if (e == ERR_OK && pthread_create(&b->thread, NULL, publisher_main, b) != 0)
        e = ERR_IO;
    if (e != ERR_OK)
        return e;
    b->started = true;
    return queue_listener_new(address, prefix, on_queue_wake, p, &p->listener);
}

static void stop_publisher(struct publisher *b)
{
    if (b->started) {
        pthread_mutex_lock(&b->lock);
        b->stop = true;
        pthread_cond_signal(&b->more);
        pthread_mutex_unlock(&b->lock);
        pthread_join(b->thread, NULL);
    }
    queue_free(b->queue);
}

/* ---- the layers ----------------------------------------------------------------------------- */

static enum err submit(void *db, const struct db_call *call,
                       void (*done)(void *arg, enum err e, struct db_rows *rows), void *arg)
{
    return db_engine_submit(db, call, done, arg);
}

static enum err start_engine(struct program *p)
{
    struct db_engine_options o = {
        .uri = text(p, CONFIG_db_uri),
        .readers = (int)config_int(p->config, CONFIG_db_readers),
        .batch_max = (int)config_int(p->config, CONFIG_db_batch_max),
        .queue_max = (int)config_int(p->config, CONFIG_db_queue_max),
        .timeout_ms = config_int(p->config, CONFIG_server_db_deadline_ms),
        .on_wake = on_db_wake,
        .on_wake_arg = p,
        .on_burst_end = on_db_burst_end,
        .on_burst_end_arg = p,
    };
    return db_engine_new(&o, &p->engine);
}

static enum err start_api(struct program *p)
{
    struct api_options o = {
        .submit = submit,
        .db = p->engine,
        .market_id = text(p, CONFIG_market_id),
        .key_secret = text(p, CONFIG_server_key_secret),
        .default_policy = text(p, CONFIG_market_policy),
        .development = in_development(p),
        .db_deadline_ms = config_int(p->config, CONFIG_server_db_deadline_ms),
    };
    return api_new(&o, &p->api);
}

/* http passes the api layer as the callbacks' argument; these two need the program. */
static struct program *metrics_program;

static const char *not_ready(void *arg)
{
    struct db_engine_stats stats;
    (void)arg;
    db_engine_stats(metrics_program->engine, &stats);
    return stats.connected ? NULL : "the database is not connected";
}

static void add_counter(struct buf *out, const char *name, uint64_t value)
{
    buf_addf(out, "# TYPE computefi_db_%s counter\ncomputefi_db_%s %llu\n", name, name,
             (unsigned long long)value);
}

static void metrics(void *arg, struct buf *out)
{
    struct db_engine_stats s;
    (void)arg;
    db_engine_stats(metrics_program->engine, &s);
    add_counter(out, "calls_total", s.calls);
    add_counter(out, "batches_total", s.batches);
    add_counter(out, "batch_rows_total", s.batch_rows);
    add_counter(out, "retries_total", s.retries);
    add_counter(out, "bisections_total", s.bisections);
    add_counter(out, "busy_requeues_total", s.busy_requeues);
    add_counter(out, "reconnects_total", s.reconnects);
    buf_addf(out, "# TYPE computefi_db_queued gauge\ncomputefi_db_queued %d\n", s.queued);
    buf_addf(out, "# TYPE computefi_db_connected gauge\ncomputefi_db_connected %d\n", s.connected);
}

static enum err start_http(struct program *p)
{
    const struct config *c = p->config;
    struct http_options o = {
        .listen = text(p, CONFIG_server_listen),
        .port = (uint16_t)config_int(c, CONFIG_server_port),
        .metrics_listen = text(p, CONFIG_server_metrics_listen),
        .metrics_port = (uint16_t)config_int(c, CONFIG_server_metrics_port),
        .loops = (int)config_int(c, CONFIG_server_loops),
        .connections = (int)config_int(c, CONFIG_server_connections),
        .request_deadline_ms = config_int(c, CONFIG_server_request_deadline_ms),
        .long_poll_max_ms = config_int(c, CONFIG_server_long_poll_max_ms),
        .drain_ms = config_int(c, CONFIG_server_drain_ms),
        .rate_limit_per_minute = config_int(c, CONFIG_server_rate_limit_per_minute),
        .static_dir = text(p, CONFIG_server_static_dir),
        .openapi_file = text(p, CONFIG_server_openapi_file),
    };
    struct http_app app = {.metrics = metrics, .not_ready = not_ready};
    api_install(p->api, &app);
    metrics_program = p;
    return http_server_new(&o, &app, &p->http);
}

/* Every connection is a descriptor; more than we may open are refused one by one. */
static void raise_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        log_event(LOG_WARN, "cannot raise the number of open files", "error", strerror(errno),
                  NULL);
}

/* systemd's protocol: one datagram to the socket it names. */
static void notify_systemd(const char *state)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL || path[0] == '\0' || strlen(path) >= sizeof sa.sun_path)
        return;
    size_t len = strlen(path);
    memcpy(sa.sun_path, path, len);
    if (sa.sun_path[0] == '@')
        sa.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)(const void *)&sa,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
        log_event(LOG_WARN, "cannot notify systemd", "error", strerror(errno), NULL);
    close(fd);
}

/* ---- checks before anything is served ---------------------------------------------------------
 */

static enum err open_db(const struct program *p, int tries, struct db_conn **out)
{
    const struct timespec pause = {.tv_nsec = DB_TRY_NS};
    enum err e = ERR_DB_FAULT;
    if (text(p, CONFIG_db_uri)[0] == '\0') {
        log_event(LOG_ERROR, "db.uri is not set", NULL);
        return ERR_RANGE;
    }
    for (int i = 0; i < tries && e != ERR_OK; i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        e = db_conn_open(text(p, CONFIG_db_uri), "computefi-server", out);
    }
    if (e != ERR_OK)
        log_event(LOG_ERROR, "cannot connect to the database", "code", err_code(e), NULL);
    return e;
}

static enum err check_version(const struct program *p, struct db_conn *c)
{
    static const struct db_stmt stmt = {
        .name = "server_version",
        .sql = "SELECT current_setting('server_version_num')::bigint",
        .mode = DB_READ,
    };
    struct db_call call = {.stmt = &stmt};
    struct db_rows *rows = NULL;
    if (db_run(c, &call, &rows) != DB_ROW)
        return ERR_DB_FAULT;
    int64_t version = db_rows_int(rows, 0, 0);
    db_rows_unref(rows);
    if (version >= SERVER_VERSION_MIN)
        return ERR_OK;
    log_event(in_development(p) ? LOG_INFO : LOG_ERROR,
              "PostgreSQL is older than 15.20 and loses predicate locks", NULL);
    return in_development(p) ? ERR_OK : ERR_RANGE;
}

static enum err check_schema(struct db_conn *c)
{
    enum err e = migrate_verify(c, SQL_DIR, stderr);
    if (e != ERR_OK)
        log_event(LOG_ERROR,
                  "the database is not at this program's schema; run: "
                  "computefi-server migrate up",
                  "code", err_code(e), NULL);
    return e;
}

static enum err check_settings(const struct program *p)
{
    const char *mode = text(p, CONFIG_market_mode);
    if (strcmp(mode, "development") != 0 && strcmp(mode, "production") != 0) {
        log_event(LOG_ERROR, "market.mode must be development or production", "mode", mode, NULL);
        return ERR_RANGE;
    }
    if (strlen(text(p, CONFIG_server_key_secret)) < SECRET_MIN) {
        log_event(LOG_ERROR, "server.key_secret must have at least 32 characters", NULL);
        return ERR_RANGE;
    }
    return ERR_OK;
}

static enum err check_start(const struct program *p)
{
    struct db_conn *c = NULL;
    enum err e = check_settings(p);
    if (e == ERR_OK)
        e = open_db(p, DB_TRIES, &c);
    if (e == ERR_OK)
        e = check_version(p, c);
    if (e == ERR_OK)
        e = check_schema(c);
    db_conn_close(c);
    return e;
}

/* ---- the verbs --------------------------------------------------------------------------------
 */

static void tear_down(struct program *p)
{
    queue_listener_free(p->listener);
    if (p->http != NULL)
        http_server_drain(p->http);
    db_engine_free(p->engine); /* answers what is held, so it goes before the server */
    http_server_free(p->http);
    stop_publisher(&p->publisher);
    api_free(p->api);
}

static int serve(struct program *p)
{
    sigset_t signals;
    int got = 0;
    char port[8];
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* inherited by every thread */
    raise_descriptors();
    enum err e = check_start(p);
    if (e == ERR_OK)
        e = start_engine(p);
    if (e == ERR_OK)
        e = start_api(p);
    if (e == ERR_OK)
        e = start_http(p);
    if (e == ERR_OK) {
        api_set_server(p->api, p->http);
        e = start_queue(p);
    }
    if (e == ERR_OK)
        e = http_server_start(p->http);
    if (e != ERR_OK) {
        log_event(LOG_ERROR, "cannot start", "code", err_code(e), NULL);
        tear_down(p);
        return 1;
    }
    snprintf(port, sizeof port, "%u", (unsigned)http_server_port(p->http));
    log_event(LOG_INFO, "listening", "address", text(p, CONFIG_server_listen), "port", port, NULL);
    notify_systemd("READY=1");
    sigwait(&signals, &got);
    log_event(LOG_INFO, "draining", "signal", got == SIGTERM ? "SIGTERM" : "SIGINT", NULL);
    notify_systemd("STOPPING=1");
    tear_down(p);
    log_event(LOG_INFO, "stopped", NULL);
    return 0;
}

static int migrate(const struct program *p, const char *what)
{
    struct db_conn *c = NULL;
    enum err e = ERR_RANGE;
    if (strcmp(what, "up") != 0 && strcmp(what, "status") != 0 && strcmp(what, "verify") != 0)
        return -1;
    if (open_db(p, DB_TRIES, &c) != ERR_OK)
        return 1;
    if (strcmp(what, "up") == 0)
        e = migrate_up(c, SQL_DIR, stdout);
    else if (strcmp(what, "status") == 0)
        e = migrate_status(c, SQL_DIR, stdout);
    else
        e = migrate_verify(c, SQL_DIR, stdout);
    if (e != ERR_OK)
        log_event(LOG_ERROR, "migrate failed", "verb", what, "code", err_code(e), "error",
                  db_conn_error(c), NULL);
    db_conn_close(c);
    return e == ERR_OK ? 0 : 1;
}

static int config_verb(const struct program *p, const char *what)
{
    if (strcmp(what, "show") == 0) {
        config_show(p->config, stdout);
        return 0;
    }
    if (strcmp(what, "check") != 0)
        return -1;
    if (check_settings(p) != ERR_OK)
        return 1;
    puts("ok");
    return 0;
}

static int operator_verb(const struct program *p, const char *what, const char *name)
{
    struct db_conn *c = NULL;
    struct operator_made made;
    if (strcmp(what, "create") != 0 || name == NULL)
        return -1;
    if (check_settings(p) != ERR_OK || open_db(p, 1, &c) != ERR_OK)
        return 1;
    enum err e = operator_create(c, text(p, CONFIG_server_key_secret), name, &made);
    if (e == ERR_OK)
        printf("{\"account_id\":\"%s\",\"key\":\"%s\"}\n", made.account_id, made.key);
    else
        log_event(LOG_ERROR, "cannot create the operator", "code", err_code(e), "error",
                  db_conn_error(c), NULL);
    sodium_memzero(&made, sizeof made);
    db_conn_close(c);
    return e == ERR_OK ? 0 : 1;
}

static int usage(FILE *out)
{
    fputs("usage: computefi-server [--config FILE] [--set section.key=value]... [VERB]\n"
          "  serve                      the API (default); SIGTERM drains and stops it\n"
          "  migrate up|status|verify   the database's schema, from ./sql\n"
          "  config check|show          the settings, and where each comes from\n"
          "  operator create NAME       a first operator; prints its account and key as JSON\n",
          out);
    return out == stdout ? 0 : 2;
}

static int run_verb(struct program *p, int count, char **words)
{
    int code = -1;
    if (count == 0 || (count == 1 && strcmp(words[0], "serve") == 0))
        return serve(p);
    if (count == 2 && strcmp(words[0], "migrate") == 0)
        code = migrate(p, words[1]);
    else if (count == 2 && strcmp(words[0], "config") == 0)
        code = config_verb(p, words[1]);
    else if (count == 3 && strcmp(words[0], "operator") == 0)
        code = operator_verb(p, words[1], words[2]);
    return code >= 0 ? code : usage(stderr);
}

struct arguments {
    const char *config_file;
    const char *sets[CONFIG_COUNT];
    int set_count;
    char *words[WORDS_MAX];
    int word_count;
    bool help;
};

static bool parse_arguments(int argc, char **argv, struct arguments *a)
{
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--help") == 0)
            a->help = true;
        else if (strcmp(argv[i], "--config") == 0 && has_value)
            a->config_file = argv[++i];
        else if (strcmp(argv[i], "--set") == 0 && has_value && a->set_count < CONFIG_COUNT)
            a->sets[a->set_count++] = argv[++i];
        else if (argv[i][0] != '-' && a->word_count < WORDS_MAX)
            a->words[a->word_count++] = argv[i];
        else
            return false;
    }
    return true;
}

static enum err load_settings(struct program *p, const struct arguments *a)
{
    char error[ERROR_MAX] = "";
    enum err e = config_load(a->config_file, &p->config, error, sizeof error);
    for (int i = 0; i < a->set_count && e == ERR_OK; i++)
        e = config_set(p->config, a->sets[i], error, sizeof error);
    if (e != ERR_OK)
        log_event(LOG_ERROR, "bad settings", "error", error, NULL);
    return e;
}

static enum log_level level_of(const char *name)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++) {
        if (strcmp(name, names[i]) == 0)
            return (enum log_level)i;
    }
    return LOG_INFO;
}

int main(int argc, char **argv)
{
    static struct program program;
    struct arguments a = {0};
    signal(SIGPIPE, SIG_IGN);
    log_setup("computefi-server", LOG_INFO, 0);
    if (!parse_arguments(argc, argv, &a))
        return usage(stderr);
    if (a.help)
        return usage(stdout);
    if (sodium_init() < 0 || load_settings(&program, &a) != ERR_OK) {
        config_free(program.config);
        return 1;
    }
    log_setup("computefi-server", level_of(text(&program, CONFIG_log_level)),
              strcmp(text(&program, CONFIG_log_format), "text") == 0);
    json_setup();
    int code = run_verb(&program, a.word_count, a.words);
    config_free(program.config);
    return code;
}
