/* SPDX-License-Identifier: Apache-2.0 */
/* mining.scrypt: the nonce that brings a header's scrypt hash below a target. */
#include "server/workload/mining/mining.h"

extern const struct workload workload_mining_scrypt;

static void check(const struct workload_task *t, const char *data_dir, struct bytes result,
                  struct workload_check *out)
{
    (void)data_dir;
    mining_check(POW_SCRYPT, t, result, out);
}

const struct workload workload_mining_scrypt = {
    .kind = "mining.scrypt",
    .version = 1,
    .title = "scrypt 1024,1,1 block header search (Litecoin, Dogecoin)",
    .family = "mining",
    .unit = "hashes",
    .mode = WORKLOAD_WORK,
    .checkable = true,
    .input_schema = MINING_INPUT_SCHEMA,
    .validate = mining_validate,
    .check = check,
    .agree = mining_agree,
};
