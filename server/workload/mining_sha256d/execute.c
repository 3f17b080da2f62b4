/* SPDX-License-Identifier: Apache-2.0 */
#include "server/workload/mining/mining.h"

enum err mining_sha256d_execute(const struct workload_task *t, const struct workload_exec *x,
                                struct buf *result);

enum err mining_sha256d_execute(const struct workload_task *t, const struct workload_exec *x,
                                struct buf *result)
{
    return mining_execute(POW_SHA256D, t, x, result);
}
