/* SPDX-License-Identifier: Apache-2.0 */
/* Child programs under bounds: time, output, resources, no inherited descriptors or environment, a
 * process group of their own that is gone when the call returns. Threads: each call is independent.
 */
#ifndef CF_PROC_PROC_H
#define CF_PROC_PROC_H

#include <stdatomic.h>
#include <stdint.h>

#include "server/core/buf.h"
#include "server/core/err.h"

enum { PROC_ARGS_MAX = 64 };

/* Limits of the kernel for the child; 0 leaves one as it is inherited. Core dumps are always off.
 */
struct proc_limits {
    uint64_t cpu_s;
    uint64_t file_bytes; /* largest file it may write */
    uint64_t open_files;
    uint64_t address_bytes; /* breaks runtimes that reserve address space, such as V8 */
};

struct proc_spec {
    const char *const *argv;    /* NULL-terminated; argv[0] is looked up in PATH */
    const char *const *wrapper; /* put before argv, such as a sandbox's command; NULL for none */
    const char *const *env;  /* NULL-terminated NAME=VALUE; NULL: PATH, HOME=cwd, LC_ALL=C.UTF-8 */
    const char *cwd;         /* not NULL */
    const char *stdin_path;  /* NULL: /dev/null */
    int64_t timeout_ms;      /* > 0 */
    const atomic_bool *stop; /* NULL allowed; set to end the child early */
    size_t output_max_bytes; /* of standard output and error together; the rest is dropped */
    struct proc_limits limits;
};

enum proc_end { PROC_EXITED, PROC_SIGNALED, PROC_TIMED_OUT, PROC_STOPPED };

struct proc_result {
    enum proc_end end;
    int status;        /* exit status, or the signal */
    bool truncated;    /* the child wrote more than output_max_bytes */
    struct buf output; /* standard output and error, NUL-terminated */
};

/* Runs the child to its end. ERR_OK whatever the child did; ERR_IO when it could not be started
 * (then *out is empty but may be cleared). The caller clears *out. */
enum err proc_run(const struct proc_spec *spec, struct proc_result *out) CF_MUST_CHECK;
void proc_result_clear(struct proc_result *r);
const char *proc_end_text(enum proc_end end);

#endif
