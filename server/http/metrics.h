/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of requests per operation. Each loop writes its own table, /metrics adds them up. */
#ifndef CF_HTTP_METRICS_H
#define CF_HTTP_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/err.h"

struct http_server;

enum { METRICS_CODES = 32, METRICS_BUCKETS = 14 };

struct metrics_row {
    atomic_ulong codes[METRICS_CODES];
    atomic_ulong buckets[METRICS_BUCKETS + 1]; /* the last one: longer than all */
    atomic_ulong sum_us;
};

/* One row per route, then one for everything that is no route. */
struct metrics_table {
    size_t rows;
    struct metrics_row *row;
};

enum err metrics_table_init(struct metrics_table *t, size_t routes) CF_MUST_CHECK;
void metrics_table_clear(struct metrics_table *t);
/* One thread per table. */
void metrics_count(struct metrics_table *t, size_t operation, int status, int64_t duration_us);

/* The daemon that serves GET /metrics, if the options name a port. */
enum err metrics_start(struct http_server *s) CF_MUST_CHECK;
void metrics_stop(struct http_server *s);

#endif
