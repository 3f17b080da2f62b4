/* SPDX-License-Identifier: Apache-2.0 */
/* The proof kind: a stored proof and key (tests/vectors/zk-mimc5), its mutations, and the real
 * prover with the keys that `make zk` made. */
#include "server/workload/zk_groth16/zk_groth16.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "server/core/json.h"
#include "server/proc/file.h"
#include "tests/support/cu.h"

#define VECTOR_DIR "tests/vectors/zk-mimc5"
#define INPUT_TEXT "{\"x\":\"20240229\",\"k\":\"7\"}"
/* MiMC_7(20240229), computed with Python */
#define EXPECTED_Y "10094590146976116784260734681127094978316500942308261365419591655760558738196"

static struct workload_task task_of(const json_t *input)
{
    struct workload_task t = {
        .market_id = "test", .kind = "zk.groth16", .input = input, .deadline_ms = 1700000000000};
    memset(t.task.b, 7, sizeof t.task.b);
    memset(t.worker_key, 9, sizeof t.worker_key);
    CU_ASSERT_EQUAL(workload_input_hash(input, t.input_hash), ERR_OK);
    return t;
}

static struct workload_check check_in(const char *data_dir, const struct workload_task *t,
                                      const char *text)
{
    struct workload_check out;
    workload_find("zk.groth16")
        ->check(t, data_dir, (struct bytes){(const uint8_t *)text, strlen(text)}, &out);
    return out;
}

static void stored_result(struct buf *out)
{
    buf_init(out, WORKLOAD_RESULT_MAX_BYTES);
    CU_ASSERT_EQUAL_FATAL(file_read(VECTOR_DIR "/result.json", out), ERR_OK);
}

static void accepts_the_stored_proof(void)
{
    json_t *input = json_loads(INPUT_TEXT, 0, NULL);
    struct workload_task t = task_of(input);
    struct buf result;
    stored_result(&result);
    CU_ASSERT_EQUAL(check_in(VECTOR_DIR, &t, result.data).verdict, VERDICT_ACCEPT);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.data, "\"public\":[\"" EXPECTED_Y "\""));
    buf_clear(&result);
    json_decref(input);
}

static void a_proof_is_worth_nothing_to_another_worker_task_or_market(void)
{
    json_t *input = json_loads(INPUT_TEXT, 0, NULL);
    struct workload_task t = task_of(input);
    struct buf result;
    stored_result(&result);
    struct workload_task worker = t;
    struct workload_task task = t;
    struct workload_task market = t;
    worker.worker_key[31] ^= 1;
    task.task.b[15] ^= 1;
    market.market_id = "test2";
    CU_ASSERT_EQUAL(check_in(VECTOR_DIR, &worker, result.data).verdict, VERDICT_REJECT);
    CU_ASSERT_EQUAL(check_in(VECTOR_DIR, &task, result.data).verdict, VERDICT_REJECT);
    CU_ASSERT_EQUAL(check_in(VECTOR_DIR, &market, result.data).verdict, VERDICT_REJECT);
    buf_clear(&result);
    json_decref(input);
}

/* Replaces the first occurrence of from (of the same length) in the stored result. */
static enum workload_verdict verdict_with(const char *from, const char *to)
{
    json_t *input = json_loads(INPUT_TEXT, 0, NULL);
    struct workload_task t = task_of(input);
    struct buf result;
    stored_result(&result);
    char *at = strstr(result.data, from);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_EQUAL_FATAL(strlen(from), strlen(to));
    for (size_t i = 0; to[i] != '\0'; i++)
        at[i] = to[i];
    enum workload_verdict v = check_in(VECTOR_DIR, &t, result.data).verdict;
    buf_clear(&result);
    json_decref(input);
    return v;
}

static void refuses_every_mutation(void)
{
    CU_ASSERT_EQUAL(verdict_with(EXPECTED_Y, EXPECTED_Y), VERDICT_ACCEPT);
    /* another y */
    CU_ASSERT_EQUAL(verdict_with("738196\"", "738197\""), VERDICT_REJECT);
    /* another x than the task's */
    CU_ASSERT_EQUAL(verdict_with("20240229", "20240228"), VERDICT_REJECT);
    /* one digit of a proof point */
    CU_ASSERT_EQUAL(verdict_with("10148775", "10148776"), VERDICT_REJECT);
    CU_ASSERT_EQUAL(verdict_with("groth16", "groth17"), VERDICT_REJECT);
    CU_ASSERT_EQUAL(verdict_with("\"bn128\"", "\"bn129\""), VERDICT_REJECT);
}

static void refuses_what_is_not_a_result(void)
{
    json_t *input = json_loads(INPUT_TEXT, 0, NULL);
    struct workload_task t = task_of(input);
    static const char *const BAD[] = {"", "{}", "[]", "{\"proof\":{},\"public\":{}}",
                                      "{\"proof\":{},\"public\":[],\"more\":1}"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        CU_ASSERT_EQUAL(check_in(VECTOR_DIR, &t, BAD[i]).verdict, VERDICT_REJECT);
    json_decref(input);
}

static void without_its_key_a_proof_is_undecided(void)
{
    json_t *input =
        json_loads("{\"x\":\"20240229\",\"k\":\"7\",\"program\":"
                   "\"0000000000000000000000000000000000000000000000000000000000000000\"}",
                   0, NULL);
    json_t *plain = json_loads(INPUT_TEXT, 0, NULL);
    struct workload_task pinned = task_of(plain);
    struct buf result;
    stored_result(&result);
    /* the binding was made for the plain input: keep its hash, pin another key */
    pinned.input = input;
    CU_ASSERT_EQUAL(check_in(VECTOR_DIR, &pinned, result.data).verdict, VERDICT_UNDECIDED);
    pinned.input = plain;
    CU_ASSERT_EQUAL(check_in("/nonexistent", &pinned, result.data).verdict, VERDICT_UNDECIDED);
    buf_clear(&result);
    json_decref(input);
    json_decref(plain);
}

static void names_the_field_it_refuses(void)
{
    static const struct {
        const char *input;
        const char *at;
    } CASES[] = {
        {"[]", ""},
        {"{}", "/x"},
        {"{\"x\":1,\"k\":\"2\"}", "/x"},
        {"{\"x\":\"01\",\"k\":\"2\"}", "/x"},
        {"{\"x\":\"-1\",\"k\":\"2\"}", "/x"},
        {"{\"x\":\"1\",\"k\":\"\"}", "/k"},
        {"{\"x\":\"1\",\"k\":"
         "\"21888242871839275222246405745257275088548364400416034343698204186575808495617\"}",
         "/k"},
        {"{\"x\":\"1\",\"k\":\"2\",\"y\":\"3\"}", ""},
        {"{\"x\":\"1\",\"k\":\"2\",\"program\":\"00\"}", "/program"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char pointer[WORKLOAD_POINTER_MAX] = "?";
        char reason[WORKLOAD_REASON_MAX] = "";
        int64_t work = -1;
        json_t *input = json_loads(CASES[i].input, 0, NULL);
        CU_ASSERT_EQUAL(workload_find("zk.groth16")->validate(input, &work, pointer, reason),
                        ERR_BAD_FIELD);
        CU_ASSERT_STRING_EQUAL(pointer, CASES[i].at);
        CU_ASSERT_EQUAL(work, -1);
        json_decref(input);
    }
}

static void the_real_prover_proves_and_a_replica_agrees(void)
{
    char data_dir[PATH_MAX];
    char scratch[] = "/tmp/cf-zk-XXXXXX";
    const char *build = getenv("COMPUTEFI_BUILD");
    snprintf(data_dir, sizeof data_dir, "%s/zk", build != NULL ? build : "build");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(scratch));
    json_t *input = json_loads(INPUT_TEXT, 0, NULL);
    struct workload_task t = task_of(input);
    struct workload_exec x = {
        .data_dir = data_dir, .scratch_dir = scratch, .deadline_mono_ms = clock_mono_ms() + 60000};
    struct buf proved;
    struct buf stored;
    buf_init(&proved, WORKLOAD_RESULT_MAX_BYTES);
    stored_result(&stored);
    CU_ASSERT_EQUAL_FATAL(workload_execute(&t, &x, &proved), ERR_OK);
    CU_ASSERT_EQUAL(check_in(data_dir, &t, proved.data).verdict, VERDICT_ACCEPT);
    /* made under another ceremony's key */
    CU_ASSERT_EQUAL(check_in(VECTOR_DIR, &t, proved.data).verdict, VERDICT_REJECT);
    struct bytes a = {(const uint8_t *)proved.data, proved.len};
    struct bytes b = {(const uint8_t *)stored.data, stored.len};
    CU_ASSERT_TRUE(workload_find("zk.groth16")->agree(&t, a, b));
    x.deadline_mono_ms = clock_mono_ms() - 1;
    CU_ASSERT_EQUAL(workload_execute(&t, &x, &proved), ERR_TIMEOUT);
    CU_ASSERT_EQUAL(file_remove_tree(scratch), ERR_OK);
    CU_ASSERT_NOT_EQUAL(access(scratch, F_OK), 0);
    buf_clear(&proved);
    buf_clear(&stored);
    json_decref(input);
}

CU_MAIN("zk.groth16", {"accepts the stored proof", accepts_the_stored_proof},
        {"a proof is worth nothing to another worker, task or market",
         a_proof_is_worth_nothing_to_another_worker_task_or_market},
        {"refuses every mutation", refuses_every_mutation},
        {"refuses what is not a result", refuses_what_is_not_a_result},
        {"without its key a proof is undecided", without_its_key_a_proof_is_undecided},
        {"names the field it refuses", names_the_field_it_refuses},
        {"the real prover proves and a replica agrees",
         the_real_prover_proves_and_a_replica_agrees})
