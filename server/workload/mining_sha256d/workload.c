/* SPDX-License-Identifier: Apache-2.0 */
/* mining.sha256d: the nonce that brings a header's sha256d hash below a target. */
#include "server/workload/mining/mining.h"

extern const struct workload workload_mining_sha256d;

static void check(const struct workload_task *t, const char *data_dir, struct bytes result,
                  struct workload_check *out)
{
    (void)data_dir;
    mining_check(POW_SHA256D, t, result, out);
}

const struct workload workload_mining_sha256d = {
    .kind = "mining.sha256d",
    .version = 1,
    .title = "SHA-256d block header search (Bitcoin)",
    .family = "mining",
    .unit = "hashes",
    .mode = WORKLOAD_WORK,
    .checkable = true,
    .input_schema = MINING_INPUT_SCHEMA,
    .validate = mining_validate,
    .check = check,
    .agree = mining_agree,
};
