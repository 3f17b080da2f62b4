/* SPDX-License-Identifier: Apache-2.0 */
/* computefi-worker [--config FILE] [--set section.key=value] [--once] JOB: one background job. */
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/core/config.h"
#include "server/core/json.h"
#include "server/core/log.h"
#include "workers/worker.h"

enum { ERROR_MAX = 256, EXIT_USAGE = 2 };

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

static const struct {
    const char *name;
    int (*run)(struct worker *w);
    const char *help;
} jobs[] = {
#define J(name, help) {#name, name##_run, help},
#include "workers/workers.def"
#undef J
};
enum { JOBS = sizeof jobs / sizeof *jobs };

static void usage(FILE *out)
{
    fputs("usage: computefi-worker [--config FILE] [--set section.key=value]... [--once] JOB\n"
          "  --once  stop when nothing is due\njobs:\n",
          out);
    for (int i = 0; i < JOBS; i++)
        fprintf(out, "  %-10s %s\n", jobs[i].name, jobs[i].help);
}

static bool read_settings(int argc, char **argv, struct config **cfg, bool *once)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"set", required_argument, NULL, 's'},
                                            {"once", no_argument, NULL, '1'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    char error[ERROR_MAX] = "";
    const char *path = NULL;
    const char *sets[32];
    int set_count = 0;
    int o;
    while ((o = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (o == 'h') {
            usage(stdout);
            exit(0);
        }
        if (o == 'c')
            path = optarg;
        else if (o == '1')
            *once = true;
        else if (o == 's' && set_count < 32)
            sets[set_count++] = optarg;
        else
            return false;
    }
    bool ok = config_load(path, cfg, error, sizeof error) == ERR_OK;
    for (int i = 0; ok && i < set_count; i++)
        ok = config_set(*cfg, sets[i], error, sizeof error) == ERR_OK;
    if (!ok)
        fprintf(stderr, "computefi-worker: %s\n", error);
    return ok;
}

static enum log_level level_of(const char *text)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], text) == 0)
            return (enum log_level)i;
    return LOG_INFO;
}

static void read_fault(struct worker *w)
{
    /* "point:n", set by the chaos tests only */
    static char point[WORKER_NAME_MAX];
    const char *text = getenv("COMPUTEFI_FAULT");
    const char *colon = text ? strchr(text, ':') : NULL;
    if (!colon || (size_t)(colon - text) >= sizeof point)
        return;
    memcpy(point, text, (size_t)(colon - text));
    w->fault_point = point;
    w->fault_left = (int)strtol(colon + 1, NULL, 10);
}

static enum err connect_all(struct worker *w, const struct config *cfg, const char *job)
{
    snprintf(w->consumer, sizeof w->consumer, "%s-%ld", job, (long)getpid());
    w->market_id = config_text(cfg, CONFIG_market_id);
    w->data_dir = config_text(cfg, CONFIG_worker_data_dir);
    w->block_ms = config_int(cfg, CONFIG_worker_block_ms);
    w->reclaim_ms = config_int(cfg, CONFIG_worker_reclaim_ms);
    w->max_deliveries = (int)config_int(cfg, CONFIG_worker_max_deliveries);
    w->batch_max = (int)config_int(cfg, CONFIG_worker_batch_max);
    w->redis_address = config_text(cfg, CONFIG_redis_address);
    w->redis_prefix = config_text(cfg, CONFIG_redis_prefix);
    read_fault(w);
    enum err e = db_conn_open(config_text(cfg, CONFIG_db_uri), w->consumer, &w->db);
    if (e == ERR_OK && w->redis_address[0] != '\0')
        e = queue_new(w->redis_address, w->redis_prefix, &w->queue);
    return e;
}

static int run(const struct config *cfg, int job, bool once)
{
    struct worker w = {.once = once, .stop = &stop};
    int code = 1;
    log_setup(jobs[job].name, level_of(config_text(cfg, CONFIG_log_level)),
              strcmp(config_text(cfg, CONFIG_log_format), "text") == 0);
    if (connect_all(&w, cfg, jobs[job].name) == ERR_OK) {
        log_event(LOG_INFO, "worker started", "job", jobs[job].name, "market", w.market_id,
                  (const char *)NULL);
        code = jobs[job].run(&w);
        log_event(LOG_INFO, "worker stopped", "job", jobs[job].name, (const char *)NULL);
    }
    if (w.queue)
        queue_free(w.queue);
    db_conn_close(w.db);
    return code;
}

int main(int argc, char **argv)
{
    struct config *cfg = NULL;
    bool once = false;
    if (!read_settings(argc, argv, &cfg, &once) || optind != argc - 1) {
        usage(stderr);
        config_free(cfg);
        return EXIT_USAGE;
    }
    int job = 0;
    while (job < JOBS && strcmp(jobs[job].name, argv[optind]) != 0)
        job++;
    if (job == JOBS || sodium_init() < 0) {
        usage(stderr);
        config_free(cfg);
        return EXIT_USAGE;
    }
    const struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
    json_setup();
    int code = run(cfg, job, once);
    config_free(cfg);
    return code;
}
