/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/worker.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/core/log.h"

void worker_fault(struct worker *w, const char *point)
{
    if (w->fault_left > 0 && strcmp(w->fault_point, point) == 0 && --w->fault_left == 0)
        kill(getpid(), SIGKILL);
}

void worker_wake(struct worker *w, const char *topics, size_t len)
{
    if (!w->queue || len == 0)
        return;
    while (len > 0) { /* whole words, at most QUEUE_WAKE_MAX bytes each time */
        size_t part = len;
        while (part > QUEUE_WAKE_MAX || (part < len && topics[part] != ' '))
            part--;
        if (part == 0 || queue_wake(w->queue, topics, part) != ERR_OK)
            return; /* the others poll at the end of their wait */
        part += part < len;
        topics += part;
        len -= part;
    }
}

void worker_sleep(int64_t ms)
{
    struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};
    if (ms > 0)
        nanosleep(&ts, NULL);
}
