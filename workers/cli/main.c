/* SPDX-License-Identifier: Apache-2.0 */
/* computefi: the market from a terminal. */
#include <sodium.h>
#include <string.h>

#include "server/core/json.h"
#include "server/core/log.h"
#include "workers/cli/cli.h"

int main(int argc, char **argv)
{
    struct cli c = {0};
    bool done = false;
    if (sodium_init() < 0) {
        fputs("computefi: no source of randomness\n", stderr);
        return CLI_REFUSED;
    }
    json_setup();
    log_setup("computefi", LOG_WARN, 1);
    enum cli_exit code = cli_parse(argc, argv, &c, &done);
    if (code == CLI_OK && !done) {
        code = c.command->run ? c.command->run(&c) : cli_run_simple(&c);
    }
    json_decref(c.market);
    if (fflush(stdout) != 0 && code == CLI_OK) {
        code = CLI_REFUSED;
    }
    return (int)code;
}
