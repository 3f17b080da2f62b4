/* SPDX-License-Identifier: Apache-2.0 */
/* computefi-agent provider|verifier --config FILE: a node of the market. */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <fcntl.h>
#include <unistd.h>

#include "server/core/json.h"
#include "server/core/log.h"
#include "workers/agent/agent.h"
#include "workers/agent/store.h"

enum { THREADS_MAX = AGENT_EXECUTORS_MAX + 4, RECORD_AGE_S = 7 * 24 * 3600, USAGE_STATUS = 2 };

static const char USAGE[] =
    "usage: computefi-agent provider|verifier --config FILE\n"
    "\n"
    "A node of a ComputeFi market. A provider bids for tasks, executes what it won and hands it "
    "in;\n"
    "a verifier checks the results it was drawn for and votes. FILE is an INI file:\n"
    "\n"
    "  [agent]\n"
    "  api = http://127.0.0.1:8080      address of the API\n"
    "  key = cfk_...                    API key; or key_file = FILE, or COMPUTEFI_API_KEY\n"
    "  name = node                      shown in the market\n"
    "  class = cpu                      hardware class\n"
    "  state_dir = DIR                  node key and unfinished bids, jobs and votes; keep it\n"
    "  data_dir = build/zk              proving and verification keys\n"
    "  kinds = zk.groth16,mining.scrypt what the node offers (default: all)\n"
    "  strategy = cost_plus             or fixed\n"
    "  price_gwei = 100000000           price of any task under strategy fixed\n"
    "  cost_gwei_per_million_units = N  cost of any kind under cost_plus\n"
    "  margin_ppm = 200000              added to the cost\n"
    "  max_concurrent = 1               jobs executed at a time\n"
    "  max_pending_bids = 8             undecided bids and jobs in hand at a time\n"
    "  pledge_gwei = 0                  reserve pledged to this node at the start\n"
    "  heartbeat_ms = 2000\n"
    "  poll_ms = 20000                  longest wait of one poll\n"
    "  fault = none                     for test markets: wrong_result no_reveal drop_lease\n"
    "                                   absent vote_no no_open; refused in production\n"
    "  [price]                          strategy fixed, by kind\n"
    "  zk.groth16 = 200000000\n"
    "  [cost]                           strategy cost_plus, gwei for a million units, by kind\n"
    "  mining.sha256d = 38000000\n";

struct threads {
    pthread_t id[THREADS_MAX];
    size_t count;
};

static bool start(struct threads *t, void *(*run)(void *), struct agent *a)
{
    if (pthread_create(&t->id[t->count], NULL, run, a) != 0)
        return false;
    t->count++;
    return true;
}

static bool start_role(struct threads *t, struct agent *a)
{
    bool ok = start(t, agent_heartbeats, a);
    if (a->role == AGENT_VERIFIER)
        return ok && (a->config.fault == FAULT_ABSENT || start(t, agent_verifier, a));
    agent_bids_load(a);
    ok = ok && start(t, agent_opener, a) && start(t, agent_bidder, a);
    if (a->config.fault == FAULT_ABSENT)
        return ok;
    for (int64_t i = 0; i < a->config.max_concurrent; i++)
        ok = ok && start(t, agent_executor, a);
    return ok && start(t, agent_claimer, a);
}

/* Executions are abandoned: nothing was committed, and a restart within the lease takes them up
 * again. */
static void stop_all(struct agent *a)
{
    pthread_mutex_lock(&a->lock);
    atomic_store(&a->stop, true);
    for (size_t i = 0; i < AGENT_JOBS_MAX; i++)
        atomic_store(&a->jobs[i].stop, true);
    atomic_store(&a->claim_again, true);
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

/* Sets the stop flag when a signal comes, so that also registration can be interrupted. */
static void *watch_signals(void *agent)
{
    struct agent *a = agent;
    sigset_t set;
    int signal_number = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigwait(&set, &signal_number);
    log_event(LOG_INFO, "stopping", NULL);
    stop_all(a);
    return NULL;
}

static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Two agents with one state folder would answer for each other's bids. The lock ends with the
 * process. */
static enum err lock_state(const struct agent *a)
{
    char path[AGENT_PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/lock", a->config.state_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_IO;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return ERR_OK;
    close(fd);
    return ERR_BUSY;
}

static enum err prepare(struct agent *a)
{
    enum err e = store_open(a->config.state_dir);
    if (e == ERR_OK)
        e = lock_state(a);
    if (e == ERR_OK)
        e = agent_key_load(a);
    if (e != ERR_OK) {
        log_event(LOG_ERROR, "state folder not usable", "path", a->config.state_dir, "error",
                  err_code(e), NULL);
        return e;
    }
    store_sweep(a->config.state_dir, "jobs", RECORD_AGE_S);
    store_sweep(a->config.state_dir, "seats", RECORD_AGE_S);
    return ERR_OK;
}

static int run(struct agent *a)
{
    struct threads t = {.count = 0};
    pthread_t watcher;
    int status = EXIT_SUCCESS;
    if (prepare(a) != ERR_OK)
        return EXIT_FAILURE;
    block_signals();
    if (pthread_create(&watcher, NULL, watch_signals, a) != 0)
        return EXIT_FAILURE;
    enum err e = agent_register(a);
    bool started = e == ERR_OK && start_role(&t, a);
    if (!started && !atomic_load(&a->stop)) {
        log_event(LOG_ERROR, "the agent cannot start", "reason",
                  e == ERR_FORBIDDEN ? "a fault is configured, and this is no development market"
                                     : err_title(e),
                  NULL);
        stop_all(a);
        status = EXIT_FAILURE;
    }
    for (size_t i = 0; i < t.count; i++)
        pthread_join(t.id[i], NULL);
    if (!atomic_load(&a->stop))
        stop_all(a);
    pthread_cancel(watcher);
    pthread_join(watcher, NULL);
    log_event(LOG_INFO, "stopped", NULL);
    return status;
}

int main(int argc, char **argv)
{
    char error[AGENT_PATH_MAX + AGENT_TEXT_MAX];
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(USAGE, stdout);
        return EXIT_SUCCESS;
    }
    bool provider = argc > 1 && strcmp(argv[1], "provider") == 0;
    if (argc != 4 || strcmp(argv[2], "--config") != 0 ||
        (!provider && strcmp(argv[1], "verifier") != 0)) {
        fputs(USAGE, stderr);
        return USAGE_STATUS;
    }
    struct agent *a = sodium_init() < 0 ? NULL : calloc(1, sizeof *a);
    if (a == NULL)
        return EXIT_FAILURE;
    json_setup();
    log_setup("computefi-agent", LOG_INFO, 0);
    a->role = provider ? AGENT_PROVIDER : AGENT_VERIFIER;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    if (agent_config_load(argv[3], &a->config, error, sizeof error) != ERR_OK) {
        fprintf(stderr, "computefi-agent: %s\n", error);
        free(a);
        return USAGE_STATUS;
    }
    int status = run(a);
    sodium_memzero(&a->key, sizeof a->key);
    sodium_memzero(a->config.key, sizeof a->config.key);
    free(a);
    return status;
}
