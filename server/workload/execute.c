/* SPDX-License-Identifier: Apache-2.0 */
/* The executors, apart from the registry: a program that never executes does not link them. */
#include "server/workload/workload.h"

#include <string.h>

#define W(name)                                                                                    \
    enum err name##_execute(const struct workload_task *t, const struct workload_exec *x,          \
                            struct buf *result) CF_MUST_CHECK;                                     \
    extern const struct workload workload_##name;
#include "server/workload/workload.def"
#undef W

enum err workload_execute(const struct workload_task *t, const struct workload_exec *x,
                          struct buf *result)
{
#define W(name)                                                                                    \
    if (strcmp(workload_##name.kind, t->kind) == 0)                                                \
        return name##_execute(t, x, result);
#include "server/workload/workload.def"
#undef W
    return ERR_UNKNOWN_KIND;
}
