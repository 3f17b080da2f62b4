/* SPDX-License-Identifier: Apache-2.0 */
/* The settings file: what it gives, what it refuses, and the prices that follow. */
#include "workers/agent/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/support/cu.h"

static enum err load(const char *text, struct agent_config *out, char error[512])
{
    char path[] = "/tmp/cf-agent-XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    error[0] = '\0';
    enum err e = agent_config_load(path, out, error, 512);
    unlink(path);
    return e;
}

#define BASE "[agent]\napi = http://127.0.0.1:1\nkey = k\nstate_dir = /tmp/x\n"

static void the_least_file_offers_every_kind(void)
{
    struct agent_config c;
    char error[512];
    CU_ASSERT_EQUAL_FATAL(load(BASE, &c, error), ERR_OK);
    CU_ASSERT_PTR_NOT_NULL(agent_config_kind(&c, "zk.groth16"));
    CU_ASSERT_PTR_NOT_NULL(agent_config_kind(&c, "mining.sha256d"));
    CU_ASSERT_PTR_NOT_NULL(agent_config_kind(&c, "mining.scrypt"));
    CU_ASSERT_PTR_NULL(agent_config_kind(&c, "mining.other"));
    CU_ASSERT_EQUAL(c.strategy, STRATEGY_COST_PLUS);
    CU_ASSERT_EQUAL(c.fault, FAULT_NONE);
    CU_ASSERT_EQUAL(c.max_concurrent, 1);
}

static void sections_set_prices_by_kind(void)
{
    struct agent_config c;
    char error[512];
    int64_t price = 0;
    CU_ASSERT_EQUAL_FATAL(load("[price]\nzk.groth16 = 77\n" BASE
                               "kinds = zk.groth16, mining.scrypt\nstrategy = fixed\n"
                               "price_gwei = 55\n",
                               &c, error),
                          ERR_OK);
    CU_ASSERT_EQUAL(c.kind_count, 2);
    CU_ASSERT_EQUAL(agent_price(&c, agent_config_kind(&c, "zk.groth16"), 386, &price), ERR_OK);
    CU_ASSERT_EQUAL(price, 77);
    CU_ASSERT_EQUAL(agent_price(&c, agent_config_kind(&c, "mining.scrypt"), 386, &price), ERR_OK);
    CU_ASSERT_EQUAL(price, 55);
}

static void cost_plus_adds_the_margin_and_never_overflows(void)
{
    struct agent_config c;
    char error[512];
    int64_t price = 0;
    CU_ASSERT_EQUAL_FATAL(load(BASE "margin_ppm = 500000\nkinds = mining.sha256d\n"
                                    "[cost]\nmining.sha256d = 3000000\n",
                               &c, error),
                          ERR_OK);
    const struct agent_kind *k = agent_config_kind(&c, "mining.sha256d");
    CU_ASSERT_EQUAL(agent_price(&c, k, 1000, &price), ERR_OK);
    CU_ASSERT_EQUAL(price, 4500);
    CU_ASSERT_EQUAL(agent_price(&c, k, 0, &price), ERR_OK);
    CU_ASSERT_EQUAL(price, 1);
    CU_ASSERT_EQUAL(agent_price(&c, k, INT64_MAX, &price), ERR_RANGE);
}

static void wrong_settings_are_named_with_their_line(void)
{
    static const struct {
        const char *text;
        const char *says;
    } CASES[] = {
        {"[agent]\nkey = k\nstate_dir = x\n", "api: is required"},
        {"[agent]\napi = a\nkey = k\n", "state_dir: is required"},
        {BASE "speed = 3\n", ":5: speed: there is no such setting"},
        {BASE "[other]\na = 1\n", ":6: other: there is no such section"},
        {BASE "max_concurrent = 0\n", ":5: max_concurrent: not a whole number in its range"},
        {BASE "max_concurrent = 2x\n", ":5: max_concurrent: not a whole number in its range"},
        {BASE "strategy = greedy\n", ":5: strategy: fixed or cost_plus"},
        {BASE "fault = lazy\n", ":5: fault: there is no such fault"},
        {BASE "kinds = zk.groth16,zk.other\n", "zk.other: there is no such workload kind"},
        {BASE "[cost]\nzk.other = 1\n", ":6: zk.other: there is no such workload kind"},
        {BASE "key_file = /nonexistent\n", NULL},
        {"[agent]\napi = a\nkey_file = /nonexistent\nstate_dir = x\n", "key_file: cannot be read"},
    };
    unsetenv("COMPUTEFI_API_KEY");
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct agent_config c;
        char error[512];
        enum err e = load(CASES[i].text, &c, error);
        CU_ASSERT_EQUAL(e, CASES[i].says == NULL ? ERR_OK : ERR_BAD_FIELD);
        if (CASES[i].says != NULL)
            CU_ASSERT_PTR_NOT_NULL(strstr(error, CASES[i].says));
    }
}

static void the_key_may_come_from_the_environment(void)
{
    struct agent_config c;
    char error[512];
    const char *file = "[agent]\napi = a\nstate_dir = x\n";
    unsetenv("COMPUTEFI_API_KEY");
    CU_ASSERT_EQUAL(load(file, &c, error), ERR_BAD_FIELD);
    setenv("COMPUTEFI_API_KEY", "from-environment", 1);
    CU_ASSERT_EQUAL(load(file, &c, error), ERR_OK);
    CU_ASSERT_STRING_EQUAL(c.key, "from-environment");
    unsetenv("COMPUTEFI_API_KEY");
    CU_ASSERT_EQUAL(agent_config_load("/nonexistent", &c, error, sizeof error), ERR_NOT_FOUND);
}

CU_MAIN("agent config", {"the least file offers every kind", the_least_file_offers_every_kind},
        {"sections set prices by kind", sections_set_prices_by_kind},
        {"cost plus adds the margin and never overflows",
         cost_plus_adds_the_margin_and_never_overflows},
        {"wrong settings are named with their line", wrong_settings_are_named_with_their_line},
        {"the key may come from the environment", the_key_may_come_from_the_environment})
