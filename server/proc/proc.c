/* SPDX-License-Identifier: Apache-2.0 */
/* Between fork and exec only async-signal-safe calls are made: other threads may hold any lock. */
#include "server/proc/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/core/clock.h"

enum { POLL_MS = 20, CHUNK_BYTES = 4096, EXEC_FAILED_STATUS = 127, ENV_COUNT = 4 };

/* Everything the child needs, prepared before the fork. */
struct launch {
    const char *argv[PROC_ARGS_MAX];
    char program[PATH_MAX];
    char path_env[PATH_MAX];
    char home_env[PATH_MAX];
    const char *default_env[ENV_COUNT];
    const char *const *env;
};

const char *proc_end_text(enum proc_end end)
{
    switch (end) {
    case PROC_EXITED:
        return "exited";
    case PROC_SIGNALED:
        return "signaled";
    case PROC_TIMED_OUT:
        return "timed out";
    case PROC_STOPPED:
        return "stopped";
    }
    return "unknown";
}

void proc_result_clear(struct proc_result *r)
{
    buf_clear(&r->output);
}

/* The first executable file of that name along PATH. */
static enum err find_program(const char *name, char out[PATH_MAX])
{
    const char *path = getenv("PATH");
    if (strchr(name, '/') != NULL)
        return snprintf(out, PATH_MAX, "%s", name) < PATH_MAX ? ERR_OK : ERR_IO;
    if (path == NULL || *path == '\0')
        path = "/usr/local/bin:/usr/bin:/bin";
    while (*path != '\0') {
        size_t len = strcspn(path, ":");
        int n = snprintf(out, PATH_MAX, "%.*s/%s", (int)len, path, name);
        if (len > 0 && n > 0 && n < PATH_MAX && access(out, X_OK) == 0)
            return ERR_OK;
        path += len + (path[len] == ':');
    }
    return ERR_IO;
}

static enum err prepare(const struct proc_spec *spec, struct launch *l)
{
    size_t n = 0;
    const char *const *parts[] = {spec->wrapper, spec->argv};
    for (size_t p = 0; p < 2; p++)
        for (const char *const *a = parts[p]; a != NULL && *a != NULL; a++) {
            if (n + 1 >= PROC_ARGS_MAX)
                return ERR_IO;
            l->argv[n++] = *a;
        }
    if (n == 0)
        return ERR_IO;
    l->argv[n] = NULL;
    const char *path = getenv("PATH");
    snprintf(l->path_env, sizeof l->path_env, "PATH=%s",
             path != NULL ? path : "/usr/local/bin:/usr/bin:/bin");
    int home = snprintf(l->home_env, sizeof l->home_env, "HOME=%s", spec->cwd);
    if (home < 0 || (size_t)home >= sizeof l->home_env)
        return ERR_IO;
    l->default_env[0] = l->path_env;
    l->default_env[1] = l->home_env;
    l->default_env[2] = "LC_ALL=C.UTF-8";
    l->default_env[3] = NULL;
    l->env = spec->env != NULL ? spec->env : l->default_env;
    return find_program(l->argv[0], l->program);
}

static void limit(__rlimit_resource_t what, uint64_t value)
{
    struct rlimit r = {value, value};
    if (value != 0 && setrlimit(what, &r) != 0)
        _exit(EXEC_FAILED_STATUS);
}

static void __attribute__((noreturn))
run_child(const struct proc_spec *spec, const struct launch *l, int output, pid_t parent)
{
    struct rlimit no_core = {0, 0};
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || setrlimit(RLIMIT_CORE, &no_core) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        _exit(EXEC_FAILED_STATUS);
    int input = open(spec->stdin_path != NULL ? spec->stdin_path : "/dev/null", O_RDONLY);
    if (input < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 ||
        chdir(spec->cwd) != 0)
        _exit(EXEC_FAILED_STATUS);
    if (close_range(3, ~0U, 0) != 0)
        for (int fd = 3; fd < 1024; fd++)
            close(fd);
    limit(RLIMIT_CPU, spec->limits.cpu_s);
    limit(RLIMIT_FSIZE, spec->limits.file_bytes);
    limit(RLIMIT_NOFILE, spec->limits.open_files);
    limit(RLIMIT_AS, spec->limits.address_bytes);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(l->program, (char *const *)(uintptr_t)l->argv, (char *const *)(uintptr_t)l->env);
    _exit(EXEC_FAILED_STATUS);
}

/* Keeps what fits, drops the rest; false at the end of the stream. */
static bool take_output(int fd, const struct proc_spec *spec, struct proc_result *r)
{
    char chunk[CHUNK_BYTES];
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    size_t room = spec->output_max_bytes - r->output.len;
    size_t keep = (size_t)n < room ? (size_t)n : room;
    buf_add(&r->output, chunk, keep);
    r->truncated |= keep < (size_t)n;
    return n > 0;
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* Reads until the child ends, its time is over or a stop is asked for. The child is not reaped. */
static enum proc_end watch(pid_t pid, int fd, const struct proc_spec *spec, struct proc_result *r)
{
    int64_t deadline = clock_mono_ms() + spec->timeout_ms;
    bool open = true;
    for (;;) {
        struct pollfd p = {.fd = open ? fd : -1, .events = POLLIN};
        (void)poll(&p, 1, POLL_MS);
        if (open && p.revents != 0)
            open = take_output(fd, spec, r);
        if (has_ended(pid))
            return PROC_EXITED;
        if (spec->stop != NULL && atomic_load(spec->stop))
            return PROC_STOPPED;
        if (clock_mono_ms() >= deadline)
            return PROC_TIMED_OUT;
    }
}

/* What is still in the pipe after everybody who could write is gone. */
static void drain(int fd, const struct proc_spec *spec, struct proc_result *r)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, 0) > 0 && take_output(fd, spec, r))
        continue;
}

static void reap(pid_t pid, struct proc_result *r)
{
    int status = 0;
    /* The leader is still a zombie, so its group id cannot belong to anybody else yet. */
    kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status)) {
        r->status = WEXITSTATUS(status);
    } else {
        r->status = WTERMSIG(status);
        if (r->end == PROC_EXITED)
            r->end = PROC_SIGNALED;
    }
}

enum err proc_run(const struct proc_spec *spec, struct proc_result *out)
{
    struct launch l;
    int pipe_fd[2];
    *out = (struct proc_result){.end = PROC_EXITED};
    buf_init(&out->output, spec->output_max_bytes + 1);
    buf_adds(&out->output, "");
    enum err e = prepare(spec, &l);
    if (e != ERR_OK)
        return e;
    if (pipe2(pipe_fd, O_CLOEXEC) != 0)
        return ERR_IO;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run_child(spec, &l, pipe_fd[1], parent);
    close(pipe_fd[1]);
    if (pid > 0) {
        setpgid(pid, pid); /* both sides: the group must exist before it may have to be killed */
        out->end = watch(pid, pipe_fd[0], spec, out);
        reap(pid, out);
        drain(pipe_fd[0], spec, out);
    }
    close(pipe_fd[0]);
    return pid > 0 ? ERR_OK : ERR_IO;
}
