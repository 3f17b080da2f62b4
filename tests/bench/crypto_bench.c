/* SPDX-License-Identifier: Apache-2.0 */
/* The verifiers against what a naive server would call, in one run: Groth16 against a warm snarkjs,
 * alone and in batches; scrypt against libsodium; the nonce search against hashing whole headers.
 * Rounds of both sides alternate; printed are medians, operations per second. Runs from the root of
 * the repository. */
#include <openssl/evp.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/crypto/groth16_snarkjs.h"
#include "server/crypto/pow.h"

enum {
    ROUNDS = 5,
    PROOFS = 64,         /* ours, each round; also the batch */
    SNARKJS_PROOFS = 16, /* naive, each round */
    SCRYPT_HASHES = 200,
    SHA256D_HASHES = 1000000,
    FILE_MAX_BYTES = 65536
};

extern char **environ;

struct snarkjs {
    FILE *in;  /* its standard input; NULL when it is not installed */
    FILE *out; /* its standard output */
    pid_t pid;
};

struct groth16_bench {
    struct groth16_key *key;
    struct groth16_raw_proof proof;
    struct groth16_inputs inputs;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v)
{
    qsort(v, ROUNDS, sizeof *v, compare);
    return v[ROUNDS / 2];
}

static void report(const char *name, double *ours, double *naive)
{
    double a = median(ours);
    if (naive == NULL) {
        printf("bench %s ours=%.1f naive=- ratio=-\n", name, a);
        return;
    }
    double b = median(naive);
    printf("bench %s ours=%.1f naive=%.1f ratio=%.2f\n", name, a, b, a / b);
}

static void die(const char *what)
{
    fprintf(stderr, "crypto_bench: %s\n", what);
    exit(1);
}

static size_t read_file(const char *name, char *text)
{
    char path[128];
    snprintf(path, sizeof path, "tests/vectors/groth16-snarkjs/raw-task/%s.json", name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        die(path);
    size_t len = fread(text, 1, FILE_MAX_BYTES, f);
    fclose(f);
    return len;
}

static void load(struct groth16_bench *b)
{
    static char text[FILE_MAX_BYTES];
    static struct groth16_raw_key raw;
    b->key = malloc(sizeof *b->key);
    size_t len = read_file("verification_key", text);
    if (b->key == NULL || groth16_snarkjs_key(&raw, text, len) != GROTH16_VALID ||
        groth16_key_register(b->key, &raw) != GROTH16_VALID)
        die("the key is refused");
    len = read_file("proof", text);
    if (groth16_snarkjs_proof(&b->proof, text, len) != GROTH16_VALID)
        die("the proof is malformed");
    len = read_file("public", text);
    if (groth16_snarkjs_inputs(&b->inputs, text, len) != GROTH16_VALID)
        die("the inputs are malformed");
}

/* Starts node; leaves s->in NULL when node or snarkjs is missing. */
static void start_snarkjs(struct snarkjs *s)
{
    int to[2];
    int from[2];
    char node[] = "node";
    char script[] = "tests/bench/snarkjs_verify.mjs";
    char *argv[] = {node, script, NULL};
    posix_spawn_file_actions_t actions;
    *s = (struct snarkjs){NULL, NULL, -1};
    if (pipe(to) != 0 || pipe(from) != 0)
        die("pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, to[1]);
    posix_spawn_file_actions_addclose(&actions, from[0]);
    int failed = posix_spawnp(&s->pid, node, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    if (failed != 0) {
        close(to[1]);
        close(from[0]);
        return;
    }
    s->in = fdopen(to[1], "w");
    s->out = fdopen(from[0], "r");
}

/* Proofs per second of snarkjs; 0 when it does not answer. */
static double run_snarkjs(const struct snarkjs *s, int count)
{
    char line[32];
    if (s->in == NULL || fprintf(s->in, "%d\n", count) < 0 || fflush(s->in) != 0 ||
        fgets(line, sizeof line, s->out) == NULL)
        return 0;
    double us = strtod(line, NULL);
    return us > 0 ? count / us * 1e6 : 0;
}

static void stop_snarkjs(const struct snarkjs *s)
{
    if (s->in == NULL)
        return;
    fclose(s->in);
    fclose(s->out);
    waitpid(s->pid, NULL, 0);
}

static double run_single(const struct groth16_bench *b)
{
    double began = now_s();
    for (int i = 0; i < PROOFS; i++) {
        if (groth16_verify(b->key, &b->proof, &b->inputs) != GROTH16_VALID)
            die("a valid proof is refused");
    }
    return PROOFS / (now_s() - began);
}

static double run_batch(const struct groth16_bench *b)
{
    struct groth16_item items[PROOFS];
    uint8_t seed[GROTH16_SEED_BYTES];
    randombytes_buf(seed, sizeof seed);
    for (int i = 0; i < PROOFS; i++)
        items[i] = (struct groth16_item){&b->proof, &b->inputs, GROTH16_MALFORMED};
    double began = now_s();
    if (groth16_verify_batch(b->key, items, PROOFS, seed) != PROOFS)
        die("a valid batch is refused");
    return PROOFS / (now_s() - began);
}

static void bench_groth16(void)
{
    struct groth16_bench b;
    struct snarkjs s;
    double single[ROUNDS];
    double batch[ROUNDS];
    double naive[ROUNDS];
    double copy[ROUNDS];
    load(&b);
    start_snarkjs(&s);
    bool have = run_snarkjs(&s, SNARKJS_PROOFS) > 0; /* warms it up */
    if (!have)
        fprintf(stderr, "crypto_bench: snarkjs is not installed, nothing to compare with\n");
    for (int i = 0; i < ROUNDS; i++) {
        single[i] = run_single(&b);
        naive[i] = have ? run_snarkjs(&s, SNARKJS_PROOFS) : 0;
        batch[i] = run_batch(&b);
    }
    memcpy(copy, naive, sizeof copy);
    report("groth16_verify", single, have ? naive : NULL);
    report("groth16_verify_batch64", batch, have ? copy : NULL);
    stop_snarkjs(&s);
    free(b.key);
}

static void bench_scrypt(void)
{
    uint8_t header[POW_HEADER_BYTES] = {1};
    uint8_t hash[POW_HASH_BYTES];
    double ours[ROUNDS];
    double naive[ROUNDS];
    struct pow_job job = {.kind = POW_SCRYPT, .nonce_count = SCRYPT_HASHES};
    struct pow_search_result result;
    for (int i = 0; i < ROUNDS; i++) {
        double began = now_s();
        if (pow_search(&job, NULL, &result) != POW_SEARCH_EXHAUSTED)
            die("a target of zero is met");
        ours[i] = SCRYPT_HASHES / (now_s() - began);
        began = now_s();
        for (uint32_t n = 0; n < SCRYPT_HASHES; n++) {
            memcpy(header + 76, &n, sizeof n);
            if (crypto_pwhash_scryptsalsa208sha256_ll(header, sizeof header, header, sizeof header,
                                                      1024, 1, 1, hash, sizeof hash) != 0)
                die("libsodium has no memory");
        }
        naive[i] = SCRYPT_HASHES / (now_s() - began);
    }
    report("scrypt_search", ours, naive);
}

static void bench_sha256d(void)
{
    uint8_t header[POW_HEADER_BYTES] = {1};
    uint8_t hash[POW_HASH_BYTES];
    double ours[ROUNDS];
    double naive[ROUNDS];
    struct pow_job job = {.kind = POW_SHA256D, .nonce_count = SHA256D_HASHES};
    struct pow_search_result result;
    for (int i = 0; i < ROUNDS; i++) {
        double began = now_s();
        if (pow_search(&job, NULL, &result) != POW_SEARCH_EXHAUSTED)
            die("a target of zero is met");
        ours[i] = SHA256D_HASHES / (now_s() - began);
        began = now_s();
        for (uint32_t n = 0; n < SHA256D_HASHES / 10; n++) {
            memcpy(header + 76, &n, sizeof n);
            if (EVP_Digest(header, sizeof header, hash, NULL, EVP_sha256(), NULL) != 1 ||
                EVP_Digest(hash, sizeof hash, hash, NULL, EVP_sha256(), NULL) != 1)
                die("OpenSSL has no memory");
        }
        naive[i] = SHA256D_HASHES / 10 / (now_s() - began);
    }
    report("sha256d_search", ours, naive);
}

int main(void)
{
    if (sodium_init() < 0)
        die("libsodium");
    bench_groth16();
    bench_scrypt();
    bench_sha256d();
    return 0;
}
