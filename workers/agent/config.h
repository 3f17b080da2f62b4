/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of one agent, from an INI file. */
#ifndef CF_AGENT_CONFIG_H
#define CF_AGENT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/err.h"

enum {
    AGENT_TEXT_MAX = 256,
    AGENT_PATH_MAX = 1024,
    AGENT_KINDS_MAX = 16,
    AGENT_KIND_TEXT_MAX = 64,
    AGENT_EXECUTORS_MAX = 16,
    AGENT_PENDING_BIDS_MAX = 256
};

enum agent_strategy { STRATEGY_FIXED, STRATEGY_COST_PLUS };

/* Misbehaviour for test markets: each is what a broken or dishonest node would really do. Refused
 * by the agent when the server says it is in production mode. */
enum agent_fault {
    FAULT_NONE,
    FAULT_WRONG_RESULT, /* provider: one digit of every result is changed */
    FAULT_NO_REVEAL,    /* commits, never reveals (results or votes) */
    FAULT_DROP_LEASE,   /* provider: claims jobs and does nothing */
    FAULT_ABSENT,       /* wins or is drawn, and never claims */
    FAULT_VOTE_NO,      /* verifier: votes no whatever the check says */
    FAULT_NO_OPEN       /* provider: never opens a bid */
};

/* One workload kind this node offers, with its price under each strategy. */
struct agent_kind {
    char name[AGENT_KIND_TEXT_MAX];
    int64_t price_gwei;                  /* STRATEGY_FIXED */
    int64_t cost_gwei_per_million_units; /* STRATEGY_COST_PLUS */
};

struct agent_config {
    char api[AGENT_TEXT_MAX];
    char key[AGENT_TEXT_MAX];
    char name[AGENT_TEXT_MAX];
    char node_class[AGENT_TEXT_MAX];
    char state_dir[AGENT_PATH_MAX];
    char data_dir[AGENT_PATH_MAX];
    struct agent_kind kinds[AGENT_KINDS_MAX];
    size_t kind_count;
    enum agent_strategy strategy;
    int64_t margin_ppm;
    int64_t max_concurrent;
    int64_t max_pending_bids;
    int64_t pledge_gwei; /* what the node's pledge is topped up to; 0: left alone */
    int64_t heartbeat_ms;
    int64_t poll_ms;
    enum agent_fault fault;
};

/* Reads path, then COMPUTEFI_API_KEY when the file names no key. Unknown names and bad values are
 * errors: error gets the line and the reason. ERR_NOT_FOUND, ERR_BAD_FIELD. */
enum err agent_config_load(const char *path, struct agent_config *out, char *error,
                           size_t error_cap) CF_MUST_CHECK;
/* NULL when the node does not offer the kind. */
const struct agent_kind *agent_config_kind(const struct agent_config *c, const char *kind);
/* What the node asks for work_units of the kind: at least 1 gwei. ERR_RANGE when it does not fit.
 */
enum err agent_price(const struct agent_config *c, const struct agent_kind *k, int64_t work_units,
                     int64_t *out_gwei) CF_MUST_CHECK;

#endif
