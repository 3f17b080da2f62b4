/* SPDX-License-Identifier: Apache-2.0 */
/* Children under bounds: what ends them, what they cannot do, what is left afterwards. */
#include "server/proc/proc.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "server/proc/file.h"
#include "tests/support/cu.h"

static struct proc_result run(const char *const *argv, int64_t timeout_ms, size_t output_max)
{
    struct proc_spec spec = {
        .argv = argv, .cwd = "/tmp", .timeout_ms = timeout_ms, .output_max_bytes = output_max};
    struct proc_result r;
    CU_ASSERT_EQUAL_FATAL(proc_run(&spec, &r), ERR_OK);
    return r;
}

static struct proc_result shell(const char *script, int64_t timeout_ms)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    return run(argv, timeout_ms, 4096);
}

static void returns_the_status_and_the_output(void)
{
    struct proc_result r = shell("echo out; echo err >&2; exit 3", 10000);
    CU_ASSERT_EQUAL(r.end, PROC_EXITED);
    CU_ASSERT_EQUAL(r.status, 3);
    CU_ASSERT_STRING_EQUAL(r.output.data, "out\nerr\n");
    CU_ASSERT_FALSE(r.truncated);
    proc_result_clear(&r);
}

static void names_the_signal_that_ended_a_child(void)
{
    struct proc_result r = shell("kill -SEGV $$", 10000);
    CU_ASSERT_EQUAL(r.end, PROC_SIGNALED);
    CU_ASSERT_EQUAL(r.status, SIGSEGV);
    proc_result_clear(&r);
}

static void a_child_that_does_not_end_is_ended_with_its_children(void)
{
    int64_t before = clock_mono_ms();
    struct proc_result r = shell("sleep 300 & echo $!; wait", 300);
    CU_ASSERT_EQUAL(r.end, PROC_TIMED_OUT);
    CU_ASSERT_TRUE(clock_mono_ms() - before < 5000);
    pid_t grandchild = (pid_t)atoi(r.output.data);
    CU_ASSERT_TRUE_FATAL(grandchild > 1);
    /* killed with its group; init reaps it */
    int64_t deadline = clock_mono_ms() + 5000;
    bool gone = false;
    while (!gone && clock_mono_ms() < deadline) {
        char path[64];
        char state[256] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", (int)grandchild);
        FILE *f = fopen(path, "r");
        if (f != NULL) {
            size_t n = fread(state, 1, sizeof state - 1, f);
            state[n] = '\0';
            fclose(f);
        }
        gone = f == NULL || strstr(state, ") Z ") != NULL;
    }
    CU_ASSERT_TRUE(gone);
    proc_result_clear(&r);
}

static void a_background_grandchild_does_not_outlive_its_parent(void)
{
    struct proc_result r = shell("sleep 300 >/dev/null 2>&1 & echo $!", 10000);
    CU_ASSERT_EQUAL(r.end, PROC_EXITED);
    char path[64];
    char state[256] = ") Z ";
    snprintf(path, sizeof path, "/proc/%d/stat", atoi(r.output.data));
    int64_t deadline = clock_mono_ms() + 5000;
    bool gone = false;
    while (!gone && clock_mono_ms() < deadline) {
        FILE *f = fopen(path, "r");
        if (f == NULL)
            break;
        size_t n = fread(state, 1, sizeof state - 1, f);
        state[n] = '\0';
        fclose(f);
        gone = strstr(state, ") Z ") != NULL;
    }
    CU_ASSERT_TRUE(gone || access(path, F_OK) != 0);
    proc_result_clear(&r);
}

static void output_beyond_the_maximum_is_dropped(void)
{
    const char *const argv[] = {"sh", "-c", "yes | head -c 100000", NULL};
    struct proc_result r = run(argv, 10000, 1000);
    CU_ASSERT_EQUAL(r.end, PROC_EXITED);
    CU_ASSERT_EQUAL(r.status, 0);
    CU_ASSERT_EQUAL(r.output.len, 1000);
    CU_ASSERT_TRUE(r.truncated);
    proc_result_clear(&r);
}

static void a_child_inherits_neither_descriptors_nor_environment(void)
{
    int fd = open("/etc/passwd", O_RDONLY); /* without O_CLOEXEC on purpose */
    CU_ASSERT_TRUE(fd >= 0);
    setenv("COMPUTEFI_API_KEY", "leak", 1);
    struct proc_result r = shell("ls /proc/self/fd | tr '\\n' ' '; env | grep -c LEAK -i", 10000);
    unsetenv("COMPUTEFI_API_KEY");
    close(fd);
    /* 0, 1, 2 and the folder ls itself opened */
    CU_ASSERT_STRING_EQUAL(r.output.data, "0 1 2 3 0\n");
    proc_result_clear(&r);
}

static void limits_of_the_kernel_hold(void)
{
    char folder[] = "/tmp/cf-proc-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    const char *const fill[] = {"sh", "-c", "head -c 100000 /dev/zero > big", NULL};
    const char *const spin[] = {"sh", "-c", "while :; do :; done", NULL};
    struct proc_spec spec = {.argv = fill,
                             .cwd = folder,
                             .timeout_ms = 20000,
                             .output_max_bytes = 4096,
                             .limits = {.file_bytes = 1000, .cpu_s = 1}};
    struct proc_result r;
    CU_ASSERT_EQUAL(proc_run(&spec, &r), ERR_OK);
    CU_ASSERT_TRUE(r.end == PROC_SIGNALED || r.status != 0);
    proc_result_clear(&r);
    spec.argv = spin;
    CU_ASSERT_EQUAL(proc_run(&spec, &r), ERR_OK);
    CU_ASSERT_EQUAL(r.end, PROC_SIGNALED);
    CU_ASSERT_TRUE(r.status == SIGXCPU || r.status == SIGKILL);
    proc_result_clear(&r);
    CU_ASSERT_EQUAL(file_remove_tree(folder), ERR_OK);
}

static void no_new_privileges_is_set(void)
{
    struct proc_result r = shell("grep NoNewPrivs /proc/self/status", 10000);
    CU_ASSERT_STRING_EQUAL(r.output.data, "NoNewPrivs:\t1\n");
    proc_result_clear(&r);
}

static void *set_soon(void *arg)
{
    usleep(100000);
    atomic_store((atomic_bool *)arg, true);
    return NULL;
}

static void a_stop_ends_the_child_early(void)
{
    atomic_bool stop = false;
    pthread_t thread;
    const char *const argv[] = {"sleep", "300", NULL};
    struct proc_spec spec = {
        .argv = argv, .cwd = "/tmp", .timeout_ms = 60000, .stop = &stop, .output_max_bytes = 16};
    struct proc_result r;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, set_soon, &stop), 0);
    CU_ASSERT_EQUAL(proc_run(&spec, &r), ERR_OK);
    CU_ASSERT_EQUAL(r.end, PROC_STOPPED);
    pthread_join(thread, NULL);
    proc_result_clear(&r);
}

static void a_wrapper_goes_before_the_command(void)
{
    const char *const wrapper[] = {"env", "-i", "GREETING=hello", NULL};
    const char *const argv[] = {"sh", "-c", "echo $GREETING", NULL};
    struct proc_spec spec = {.argv = argv,
                             .wrapper = wrapper,
                             .cwd = "/tmp",
                             .timeout_ms = 10000,
                             .output_max_bytes = 100};
    struct proc_result r;
    CU_ASSERT_EQUAL(proc_run(&spec, &r), ERR_OK);
    CU_ASSERT_STRING_EQUAL(r.output.data, "hello\n");
    proc_result_clear(&r);
}

static void a_missing_program_is_an_error(void)
{
    const char *const argv[] = {"no-such-program-here", NULL};
    struct proc_spec spec = {.argv = argv, .cwd = "/tmp", .timeout_ms = 1000};
    struct proc_result r;
    CU_ASSERT_EQUAL(proc_run(&spec, &r), ERR_IO);
    proc_result_clear(&r);
}

static void a_replaced_file_has_the_new_content_and_mode(void)
{
    char folder[] = "/tmp/cf-file-XXXXXX";
    char path[64];
    struct buf content;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state", folder);
    buf_init(&content, 8);
    CU_ASSERT_EQUAL(file_read(path, &content), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(file_replace(path, "first", 5, 0600), ERR_OK);
    CU_ASSERT_EQUAL(file_replace(path, "second", 6, 0600), ERR_OK);
    CU_ASSERT_EQUAL(file_read(path, &content), ERR_OK);
    CU_ASSERT_STRING_EQUAL(content.data, "second");
    buf_reset(&content);
    CU_ASSERT_EQUAL(file_replace(path, "far too long", 12, 0600), ERR_OK);
    CU_ASSERT_EQUAL(file_read(path, &content), ERR_TOO_LARGE);
    CU_ASSERT_EQUAL(file_remove_tree(folder), ERR_OK);
    CU_ASSERT_EQUAL(file_remove_tree(folder), ERR_OK);
    CU_ASSERT_EQUAL(file_replace(path, "x", 1, 0600), ERR_IO);
    buf_clear(&content);
}

CU_MAIN("proc", {"returns the status and the output", returns_the_status_and_the_output},
        {"names the signal that ended a child", names_the_signal_that_ended_a_child},
        {"a child that does not end is ended with its children",
         a_child_that_does_not_end_is_ended_with_its_children},
        {"a background grandchild does not outlive its parent",
         a_background_grandchild_does_not_outlive_its_parent},
        {"output beyond the maximum is dropped", output_beyond_the_maximum_is_dropped},
        {"a child inherits neither descriptors nor environment",
         a_child_inherits_neither_descriptors_nor_environment},
        {"limits of the kernel hold", limits_of_the_kernel_hold},
        {"no new privileges is set", no_new_privileges_is_set},
        {"a stop ends the child early", a_stop_ends_the_child_early},
        {"a wrapper goes before the command", a_wrapper_goes_before_the_command},
        {"a missing program is an error", a_missing_program_is_an_error},
        {"a replaced file has the new content and mode",
         a_replaced_file_has_the_new_content_and_mode})
