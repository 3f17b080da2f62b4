/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/metrics.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/core/log.h"
#include "server/http/internal.h"
#include "server/http/listen.h"

#ifndef CF_VERSION
#define CF_VERSION "1.0.0"
#endif

enum { METRICS_CONNECTIONS = 16, METRICS_TIMEOUT_S = 5, METRICS_MAX_BYTES = 4 * 1024 * 1024 };

/* The first slot catches what the list does not name. */
static const int codes[METRICS_CODES] = {0,   200, 201, 202, 204, 304, 400, 401, 402, 403, 404,
                                         405, 409, 411, 412, 413, 414, 415, 422, 428, 429, 499,
                                         500, 501, 502, 503, 504, 206, 301, 303, 416, 410};
static const int64_t bounds_us[METRICS_BUCKETS] = {100,    250,     500,     1000,    2500,
                                                   5000,   10000,   25000,   100000,  250000,
                                                   500000, 1000000, 5000000, 30000000};
static const char *const bounds_text[METRICS_BUCKETS] = {
    "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01",
    "0.025",  "0.1",     "0.25",   "0.5",   "1",      "5",     "30"};

enum err metrics_table_init(struct metrics_table *t, size_t routes)
{
    t->rows = routes + 1;
    t->row = calloc(t->rows, sizeof *t->row);
    return t->row == NULL ? ERR_NO_MEMORY : ERR_OK;
}

void metrics_table_clear(struct metrics_table *t)
{
    free(t->row);
    t->row = NULL;
}

/* One writer: a load and a store are enough, and cheaper than a locked add. */
static void bump(atomic_ulong *v, unsigned long by)
{
    atomic_store_explicit(v, atomic_load_explicit(v, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

void metrics_count(struct metrics_table *t, size_t operation, int status, int64_t duration_us)
{
    struct metrics_row *row = &t->row[operation];
    int code = METRICS_CODES - 1;
    while (code > 0 && codes[code] != status)
        code--;
    int bucket = 0;
    while (bucket < METRICS_BUCKETS && duration_us > bounds_us[bucket])
        bucket++;
    bump(&row->codes[code], 1);
    bump(&row->buckets[bucket], 1);
    bump(&row->sum_us, duration_us > 0 ? (unsigned long)duration_us : 0);
}

static unsigned long sum_of(const struct http_server *s, size_t row, size_t offset)
{
    unsigned long sum = 0;
    for (int i = 0; i < s->loop_count; i++) {
        const char *base = (const char *)&s->loops[i]->metrics.row[row];
        const atomic_ulong *v = (const atomic_ulong *)(const void *)(base + offset);
        sum += atomic_load_explicit(v, memory_order_relaxed);
    }
    return sum;
}

static const char *row_name(const struct http_server *s, size_t row)
{
    return row < s->app.route_count ? s->app.routes[row].operation : "other";
}

static void write_codes(const struct http_server *s, struct buf *out)
{
    buf_adds(out, "# HELP computefi_http_requests_total Requests by operation and status; 499: the "
                  "client left.\n# TYPE computefi_http_requests_total counter\n");
    for (size_t row = 0; row <= s->app.route_count; row++) {
        for (size_t c = 0; c < METRICS_CODES; c++) {
            unsigned long n =
                sum_of(s, row, offsetof(struct metrics_row, codes) + c * sizeof(atomic_ulong));
            if (n > 0)
                buf_addf(out, "computefi_http_requests_total{operation=\"%s\",code=\"%d\"} %lu\n",
                         row_name(s, row), codes[c], n);
        }
    }
}

static void write_durations(const struct http_server *s, struct buf *out)
{
    static const char *const name = "computefi_http_request_duration_seconds";
    buf_addf(out, "# HELP %s From the request line to the end of the reply.\n# TYPE %s histogram\n",
             name, name);
    for (size_t row = 0; row <= s->app.route_count; row++) {
        unsigned long sums[METRICS_BUCKETS + 1];
        unsigned long total = 0;
        for (size_t b = 0; b <= METRICS_BUCKETS; b++) {
            total +=
                sum_of(s, row, offsetof(struct metrics_row, buckets) + b * sizeof(atomic_ulong));
            sums[b] = total;
        }
        if (total == 0)
            continue;
        const char *operation = row_name(s, row);
        for (size_t b = 0; b < METRICS_BUCKETS; b++)
            buf_addf(out, "%s_bucket{operation=\"%s\",le=\"%s\"} %lu\n", name, operation,
                     bounds_text[b], sums[b]);
        buf_addf(out, "%s_bucket{operation=\"%s\",le=\"+Inf\"} %lu\n", name, operation, total);
        buf_addf(out, "%s_sum{operation=\"%s\"} %.6f\n", name, operation,
                 (double)sum_of(s, row, offsetof(struct metrics_row, sum_us)) / 1e6);
        buf_addf(out, "%s_count{operation=\"%s\"} %lu\n", name, operation, total);
    }
}

static void write_gauge(struct buf *out, const char *name, const char *help, long value)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %ld\n", name, help, name, name, value);
}

static void write_all(struct http_server *s, struct buf *out)
{
    long conns = 0;
    long parked = 0;
    long busy = 0;
    for (int i = 0; i < s->loop_count; i++) {
        conns += atomic_load(&s->loops[i]->conn_count);
        parked += atomic_load(&s->loops[i]->parked_count);
        busy += atomic_load(&s->loops[i]->busy_count);
    }
    write_gauge(out, "computefi_http_connections", "Open connections.", conns);
    write_gauge(out, "computefi_http_connections_limit", "Most open connections.",
                s->options.connections);
    write_gauge(out, "computefi_http_parked", "Parked long polls.", parked);
    write_gauge(out, "computefi_http_in_flight", "Requests begun and not ended.", busy);
    write_gauge(out, "computefi_http_body_bytes", "Request bodies in memory.",
                (long)atomic_load(&s->body_bytes));
    buf_adds(out, "# HELP computefi_build_info The build.\n# TYPE computefi_build_info gauge\n"
                  "computefi_build_info{version=\"" CF_VERSION "\"} 1\n");
    write_codes(s, out);
    write_durations(s, out);
    if (s->app.metrics != NULL)
        s->app.metrics(s->app.arg, out);
}

static enum MHD_Result answer(struct MHD_Connection *mhd, unsigned status, struct buf *body)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
    if (r == NULL) {
        buf_clear(body);
        return MHD_NO;
    }
    MHD_add_response_header(r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    MHD_add_response_header(r, "Connection", "close");
    enum MHD_Result done = MHD_queue_response(mhd, status, r);
    MHD_destroy_response(r);
    return done;
}

/* Replies in the first call, so every connection closes after one request: nothing to smuggle. */
/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd's signature */
static enum MHD_Result access_metrics(void *cls, struct MHD_Connection *mhd, const char *url,
                                      const char *method, const char *version, const char *data,
                                      size_t *data_size, void **context)
{
    struct buf out;
    (void)version;
    (void)data;
    (void)data_size;
    (void)context;
    buf_init(&out, METRICS_MAX_BYTES);
    if (strcmp(url, "/metrics") != 0)
        return answer(mhd, MHD_HTTP_NOT_FOUND, &out);
    if (strcmp(method, "GET") != 0)
        return answer(mhd, MHD_HTTP_METHOD_NOT_ALLOWED, &out);
    write_all(cls, &out);
    return answer(mhd, buf_ok(&out) ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR, &out);
}

enum err metrics_start(struct http_server *s)
{
    int fd = -1;
    if (s->options.metrics_port == 0)
        return ERR_OK;
    enum err e = listen_open(s->options.metrics_listen, s->options.metrics_port, false, &fd);
    if (e != ERR_OK)
        return e;
    s->metrics_port = listen_port(fd);
    s->metrics_daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD, 0, NULL, NULL, access_metrics, s, MHD_OPTION_LISTEN_SOCKET,
        fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)METRICS_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)METRICS_TIMEOUT_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (s->metrics_daemon == NULL) {
        log_event(LOG_ERROR, "cannot start the metrics daemon", NULL);
        return ERR_IO;
    }
    return ERR_OK;
}

void metrics_stop(struct http_server *s)
{
    if (s->metrics_daemon != NULL)
        MHD_stop_daemon(s->metrics_daemon);
    s->metrics_daemon = NULL;
}
