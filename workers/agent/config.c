/* SPDX-License-Identifier: Apache-2.0 */
/* The file's names stand in one table; kinds have prices in sections of their own. */
#include "workers/agent/config.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/money.h"
#include "server/workload/workload.h"

enum { FIXED_PRICE_GWEI = 100000000 };

/* What a million units cost at 0.1 CYS for a CPU second, by the rates measured on the reference
 * machine (2.6 million sha256d hashes, 4,290 scrypt hashes, one 386-constraint proof in 0.8 s). */
static const struct agent_kind KNOWN_KINDS[] = {
    {"zk.groth16", FIXED_PRICE_GWEI, 207000000000},
    {"mining.sha256d", FIXED_PRICE_GWEI, 38000000},
    {"mining.scrypt", FIXED_PRICE_GWEI, 23300000000},
};
static const int64_t OTHER_KIND_COST = 100000000;

static const char *const FAULTS[] = {"none",   "wrong_result", "no_reveal", "drop_lease",
                                     "absent", "vote_no",      "no_open"};
static const char *const STRATEGIES[] = {"fixed", "cost_plus"};

/* While the file is read: sections may come in any order, so prices are kept until the kinds are
 * known. */
struct reading {
    struct agent_config *config;
    char kinds[AGENT_TEXT_MAX];
    char key_file[AGENT_PATH_MAX];
    int64_t price_gwei;
    int64_t cost;
    struct agent_kind overrides[AGENT_KINDS_MAX]; /* -1 where not given */
    size_t override_count;
    char reason[AGENT_TEXT_MAX];
};

static bool refuse(struct reading *r, const char *name, const char *why)
{
    snprintf(r->reason, sizeof r->reason, "%s: %s", name, why);
    return false;
}

static bool set_text(struct reading *r, const char *name, const char *value, char *out, size_t cap)
{
    if (strlen(value) >= cap)
        return refuse(r, name, "the value is too long");
    snprintf(out, cap, "%s", value);
    return true;
}

static bool set_int(struct reading *r, const char *name, const char *value, int64_t range[2],
                    int64_t *out)
{
    char *end = NULL;
    long long v = strtoll(value, &end, 10);
    if (end == value || *end != '\0' || v < range[0] || v > range[1])
        return refuse(r, name, "not a whole number in its range");
    *out = v;
    return true;
}

/* The index of value in a list; -1 when it is not there. */
static int choice(const char *value, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(value, list[i]) == 0)
            return (int)i;
    return -1;
}

static bool set_number(struct reading *r, const char *name, const char *value, bool *known)
{
    struct agent_config *c = r->config;
    struct {
        const char *name;
        int64_t *at;
        int64_t range[2];
    } numbers[] = {
        {"price_gwei", &r->price_gwei, {1, MONEY_MAX_GWEI}},
        {"cost_gwei_per_million_units", &r->cost, {0, MONEY_MAX_GWEI}},
        {"margin_ppm", &c->margin_ppm, {0, 100 * PPM}},
        {"max_concurrent", &c->max_concurrent, {1, AGENT_EXECUTORS_MAX}},
        {"max_pending_bids", &c->max_pending_bids, {1, AGENT_PENDING_BIDS_MAX}},
        {"pledge_gwei", &c->pledge_gwei, {0, MONEY_MAX_GWEI}},
        {"heartbeat_ms", &c->heartbeat_ms, {100, 600000}},
        {"poll_ms", &c->poll_ms, {100, 50000}},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(name, numbers[i].name) == 0) {
            *known = true;
            return set_int(r, name, value, numbers[i].range, numbers[i].at);
        }
    return true;
}

static bool set_member(struct reading *r, const char *name, const char *value)
{
    struct agent_config *c = r->config;
    struct {
        const char *name;
        char *at;
        size_t cap;
    } texts[] = {
        {"api", c->api, sizeof c->api},
        {"key", c->key, sizeof c->key},
        {"key_file", r->key_file, sizeof r->key_file},
        {"name", c->name, sizeof c->name},
        {"class", c->node_class, sizeof c->node_class},
        {"state_dir", c->state_dir, sizeof c->state_dir},
        {"data_dir", c->data_dir, sizeof c->data_dir},
        {"kinds", r->kinds, sizeof r->kinds},
    };
    bool known = false;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(name, texts[i].name) == 0)
            return set_text(r, name, value, texts[i].at, texts[i].cap);
    if (!set_number(r, name, value, &known) || known)
        return known && r->reason[0] == '\0';
    if (strcmp(name, "strategy") == 0) {
        int s = choice(value, STRATEGIES, sizeof STRATEGIES / sizeof STRATEGIES[0]);
        c->strategy = s == 0 ? STRATEGY_FIXED : STRATEGY_COST_PLUS;
        return s >= 0 || refuse(r, name, "fixed or cost_plus");
    }
    if (strcmp(name, "fault") == 0) {
        int f = choice(value, FAULTS, sizeof FAULTS / sizeof FAULTS[0]);
        c->fault = f < 0 ? FAULT_NONE : (enum agent_fault)f;
        return f >= 0 || refuse(r, name, "there is no such fault");
    }
    return refuse(r, name, "there is no such setting");
}

/* [price] and [cost]: a kind and its number. */
static bool set_override(struct reading *r, bool price, const char *kind, const char *value)
{
    size_t i = 0;
    int64_t range[2] = {price ? 1 : 0, MONEY_MAX_GWEI};
    while (i < r->override_count && strcmp(r->overrides[i].name, kind) != 0)
        i++;
    struct agent_kind *k = &r->overrides[i];
    if (i == r->override_count) {
        if (i == AGENT_KINDS_MAX || workload_find(kind) == NULL)
            return refuse(r, kind, "there is no such workload kind");
        r->override_count++;
        *k = (struct agent_kind){.price_gwei = -1, .cost_gwei_per_million_units = -1};
        snprintf(k->name, sizeof k->name, "%s", kind);
    }
    return set_int(r, kind, value, range, price ? &k->price_gwei : &k->cost_gwei_per_million_units);
}

static int on_setting(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *r = arg;
    if (r->reason[0] != '\0')
        return 0; /* the first fault is the one that is told */
    if (strcmp(section, "agent") == 0)
        return set_member(r, name, value);
    if (strcmp(section, "price") == 0)
        return set_override(r, true, name, value);
    if (strcmp(section, "cost") == 0)
        return set_override(r, false, name, value);
    return refuse(r, section, "there is no such section");
}

static bool add_kind(struct reading *r, const char *name)
{
    struct agent_config *c = r->config;
    if (workload_find(name) == NULL)
        return refuse(r, name, "there is no such workload kind");
    if (c->kind_count == AGENT_KINDS_MAX)
        return refuse(r, "kinds", "too many");
    struct agent_kind *k = &c->kinds[c->kind_count++];
    *k = (struct agent_kind){.price_gwei = FIXED_PRICE_GWEI,
                             .cost_gwei_per_million_units = OTHER_KIND_COST};
    for (size_t i = 0; i < sizeof KNOWN_KINDS / sizeof KNOWN_KINDS[0]; i++)
        if (strcmp(KNOWN_KINDS[i].name, name) == 0)
            *k = KNOWN_KINDS[i];
    snprintf(k->name, sizeof k->name, "%s", name);
    if (r->price_gwei >= 0)
        k->price_gwei = r->price_gwei;
    if (r->cost >= 0)
        k->cost_gwei_per_million_units = r->cost;
    for (size_t i = 0; i < r->override_count; i++) {
        const struct agent_kind *o = &r->overrides[i];
        if (strcmp(o->name, name) != 0)
            continue;
        if (o->price_gwei >= 0)
            k->price_gwei = o->price_gwei;
        if (o->cost_gwei_per_million_units >= 0)
            k->cost_gwei_per_million_units = o->cost_gwei_per_million_units;
    }
    return true;
}

static bool add_kinds(struct reading *r)
{
    size_t count = 0;
    const struct workload *const *all = workload_list(&count);
    if (r->kinds[0] == '\0') {
        for (size_t i = 0; i < count; i++)
            if (!add_kind(r, all[i]->kind))
                return false;
        return true;
    }
    char *rest = NULL;
    for (char *k = strtok_r(r->kinds, ", ", &rest); k != NULL; k = strtok_r(NULL, ", ", &rest))
        if (!add_kind(r, k))
            return false;
    return true;
}

static bool read_key(struct reading *r)
{
    struct agent_config *c = r->config;
    const char *from_environment = getenv("COMPUTEFI_API_KEY");
    if (c->key[0] != '\0')
        return true;
    if (r->key_file[0] != '\0') {
        FILE *f = fopen(r->key_file, "re");
        if (f == NULL)
            return refuse(r, "key_file", "cannot be read");
        if (fgets(c->key, sizeof c->key, f) != NULL)
            c->key[strcspn(c->key, "\r\n")] = '\0';
        fclose(f);
    } else if (from_environment != NULL) {
        return set_text(r, "COMPUTEFI_API_KEY", from_environment, c->key, sizeof c->key);
    }
    return c->key[0] != '\0' || refuse(r, "key", "give key, key_file or COMPUTEFI_API_KEY");
}

static bool complete(struct reading *r)
{
    struct agent_config *c = r->config;
    if (c->api[0] == '\0')
        return refuse(r, "api", "is required");
    if (c->state_dir[0] == '\0')
        return refuse(r, "state_dir", "is required");
    return add_kinds(r) && read_key(r);
}

enum err agent_config_load(const char *path, struct agent_config *out, char *error,
                           size_t error_cap)
{
    struct agent_config c = {.strategy = STRATEGY_COST_PLUS,
                             .margin_ppm = PPM / 5,
                             .max_concurrent = 1,
                             .max_pending_bids = 8,
                             .heartbeat_ms = 2000,
                             .poll_ms = 20000};
    struct reading r = {.config = &c, .price_gwei = -1, .cost = -1};
    snprintf(c.name, sizeof c.name, "node");
    snprintf(c.node_class, sizeof c.node_class, "cpu");
    snprintf(c.data_dir, sizeof c.data_dir, "build/zk");
    int line = ini_parse(path, on_setting, &r);
    if (line < 0) {
        snprintf(error, error_cap, "%s cannot be read", path);
        return ERR_NOT_FOUND;
    }
    if (line > 0) {
        snprintf(error, error_cap, "%s:%d: %s", path, line,
                 r.reason[0] != '\0' ? r.reason : "not NAME = VALUE");
        return ERR_BAD_FIELD;
    }
    if (!complete(&r)) {
        snprintf(error, error_cap, "%s: %s", path, r.reason);
        return ERR_BAD_FIELD;
    }
    *out = c;
    return ERR_OK;
}

const struct agent_kind *agent_config_kind(const struct agent_config *c, const char *kind)
{
    for (size_t i = 0; i < c->kind_count; i++)
        if (strcmp(c->kinds[i].name, kind) == 0)
            return &c->kinds[i];
    return NULL;
}

enum err agent_price(const struct agent_config *c, const struct agent_kind *k, int64_t work_units,
                     int64_t *out_gwei)
{
    int64_t price = k->price_gwei;
    if (c->strategy == STRATEGY_COST_PLUS) {
        __extension__ typedef __int128 wide;
        wide cost = (wide)work_units * k->cost_gwei_per_million_units / PPM;
        if (cost > MONEY_MAX_GWEI)
            return ERR_RANGE;
        wide asked = cost * (PPM + c->margin_ppm) / PPM;
        if (asked > MONEY_MAX_GWEI)
            return ERR_RANGE;
        price = (int64_t)asked;
    }
    *out_gwei = price > 0 ? price : 1;
    return ERR_OK;
}
