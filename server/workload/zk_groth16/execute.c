/* SPDX-License-Identifier: Apache-2.0 */
/* The prover: runs prove.mjs (snarkjs, a program of its own) in the scratch folder. */
#include "server/workload/zk_groth16/zk_groth16.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/clock.h"
#include "server/core/json.h"
#include "server/core/log.h"
#include "server/proc/file.h"
#include "server/proc/proc.h"

enum {
    PATH_CAP = PATH_MAX + 16,
    PROVE_MAX_MS = 120000,
    PROVE_CPU_MAX_S = 120,
    PROVE_FILE_MAX_BYTES = 16 * 1024 * 1024,
    PROVE_OPEN_FILES_MAX = 256,
    PROVE_LOG_MAX_BYTES = 4096,
    PROOF_MAX_BYTES = 16 * 1024
};

enum err zk_groth16_execute(const struct workload_task *t, const struct workload_exec *x,
                            struct buf *result);

/* prove.mjs's input file. */
static enum err write_input(const struct workload_task *t, const char *path)
{
    struct zk_binding bind;
    zk_binding_text(t, &bind);
    json_t *in = json_pack("{s:O, s:O, s:s, s:s}", "x", json_object_get(t->input, "x"), "k",
                           json_object_get(t->input, "k"), "t_hi", bind.hi, "t_lo", bind.lo);
    char *text = in == NULL ? NULL : json_canonical(in);
    enum err e = text == NULL ? ERR_NO_MEMORY : file_replace(path, text, strlen(text), 0600);
    free(text);
    json_decref(in);
    return e;
}

static enum err run_prover(const struct workload_exec *x, const char *const *argv)
{
    int64_t left = x->deadline_mono_ms - clock_mono_ms();
    struct proc_spec spec = {
        .argv = argv,
        .cwd = x->scratch_dir,
        .timeout_ms = left < PROVE_MAX_MS ? left : PROVE_MAX_MS,
        .stop = x->stop,
        .output_max_bytes = PROVE_LOG_MAX_BYTES,
        .limits = {.cpu_s = PROVE_CPU_MAX_S,
                   .file_bytes = PROVE_FILE_MAX_BYTES,
                   .open_files = PROVE_OPEN_FILES_MAX},
    };
    struct proc_result r;
    if (left <= 0)
        return ERR_TIMEOUT;
    enum err e = proc_run(&spec, &r);
    if (e == ERR_OK && (r.end != PROC_EXITED || r.status != 0)) {
        e = r.end == PROC_TIMED_OUT ? ERR_TIMEOUT
            : r.end == PROC_STOPPED ? ERR_UNAVAILABLE
                                    : ERR_CHILD_FAILED;
        log_event(LOG_WARN, "prover failed", "end", proc_end_text(r.end), "output", r.output.data,
                  NULL);
    }
    proc_result_clear(&r);
    return e;
}

/* Canonical text, so that what is committed does not depend on the prover's spacing. */
static enum err add_proof(const char *path, struct buf *result)
{
    struct buf raw;
    json_t *proof = NULL;
    buf_init(&raw, PROOF_MAX_BYTES);
    enum err e = file_read(path, &raw);
    if (e == ERR_OK)
        e = json_parse(raw.data, raw.len, &proof);
    char *text = e == ERR_OK ? json_canonical(proof) : NULL;
    if (text != NULL)
        buf_adds(result, text);
    else if (e == ERR_OK)
        e = ERR_NO_MEMORY;
    free(text);
    json_decref(proof);
    buf_clear(&raw);
    return e == ERR_OK && !buf_ok(result) ? ERR_NO_MEMORY : e;
}

enum err zk_groth16_execute(const struct workload_task *t, const struct workload_exec *x,
                            struct buf *result)
{
    char folder[PATH_MAX];
    char prover[PATH_CAP];
    char input[PATH_CAP];
    char output[PATH_CAP];
    /* The child runs in the scratch folder: what it is told must not depend on our own. */
    if (realpath(x->data_dir, folder) == NULL)
        return ERR_IO;
    int a = snprintf(prover, sizeof prover, "%s/prove.mjs", folder);
    int b = snprintf(input, sizeof input, "%s/input.json", x->scratch_dir);
    int c = snprintf(output, sizeof output, "%s/proof.json", x->scratch_dir);
    if (a >= PATH_CAP || b >= PATH_CAP || c >= PATH_CAP)
        return ERR_RANGE;
    const char *const argv[] = {"node", prover, "input.json", "proof.json", NULL};
    enum err e = write_input(t, input);
    if (e == ERR_OK)
        e = run_prover(x, argv);
    if (e == ERR_OK)
        e = add_proof(output, result);
    return e;
}
