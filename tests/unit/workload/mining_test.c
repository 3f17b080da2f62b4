/* SPDX-License-Identifier: Apache-2.0 */
/* Header search against real blocks: what is accepted, what is refused, and how work is measured.
 */
#include "server/workload/mining/mining.h"

#include <stdlib.h>

#include "server/core/clock.h"
#include "server/core/json.h"
#include "tests/support/cu.h"

/* tests/vectors/pow-bitcoin/headers.json btc-0 and tests/vectors/pow-scrypt/headers.json ltc-0 */
#define BITCOIN_GENESIS                                                                            \
    "01000000000000000000000000000000000000000000000000000000000000000000000"                      \
    "03ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d"
#define LITECOIN_GENESIS                                                                           \
    "01000000000000000000000000000000000000000000000000000000000000000000000"                      \
    "0d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97b9aa8e4ef0ff0f1e"

static json_t *parse(const char *text)
{
    json_t *v = json_loads(text, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    return v;
}

static struct workload_task task_of(const char *kind, const json_t *input)
{
    struct workload_task t = {
        .market_id = "test", .kind = kind, .input = input, .deadline_ms = 1700000000000};
    memset(t.task.b, 7, sizeof t.task.b);
    memset(t.worker_key, 9, sizeof t.worker_key);
    CU_ASSERT_EQUAL(workload_input_hash(input, t.input_hash), ERR_OK);
    return t;
}

static struct workload_check check_text(const struct workload_task *t, const char *result)
{
    struct workload_check out;
    workload_find(t->kind)->check(t, "", (struct bytes){(const uint8_t *)result, strlen(result)},
                                  &out);
    return out;
}

static enum err run(const struct workload_task *t, struct buf *result)
{
    struct workload_exec x = {
        .data_dir = "", .scratch_dir = "", .deadline_mono_ms = clock_mono_ms() + 60000};
    return workload_execute(t, &x, result);
}

static int64_t work_of(const char *kind, const char *input_text, enum err want, const char *at)
{
    char pointer[WORKLOAD_POINTER_MAX] = "";
    char reason[WORKLOAD_REASON_MAX] = "";
    int64_t work = -1;
    json_t *input = parse(input_text);
    enum err e = workload_find(kind)->validate(input, &work, pointer, reason);
    CU_ASSERT_EQUAL(e, want);
    CU_ASSERT_STRING_EQUAL(pointer, at);
    CU_ASSERT_EQUAL(e == ERR_OK, reason[0] == '\0');
    json_decref(input);
    return work;
}

static void finds_the_nonce_of_the_bitcoin_genesis_block(void)
{
    json_t *input = parse("{\"header\":\"" BITCOIN_GENESIS "\",\"bind\":false,"
                          "\"nonce_start\":2083000000,\"nonce_count\":1000000}");
    struct workload_task t = task_of("mining.sha256d", input);
    struct buf result;
    buf_init(&result, WORKLOAD_RESULT_MAX_BYTES);
    CU_ASSERT_EQUAL_FATAL(run(&t, &result), ERR_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.data, "\"nonce\":2083236893"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(result.data, "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"));
    CU_ASSERT_EQUAL(check_text(&t, result.data).verdict, VERDICT_ACCEPT);
    buf_clear(&result);
    json_decref(input);
}

static void finds_the_nonce_of_the_litecoin_genesis_block(void)
{
    json_t *input = parse("{\"header\":\"" LITECOIN_GENESIS "\",\"bind\":false,"
                          "\"nonce_start\":2084524000,\"nonce_count\":2000}");
    struct workload_task t = task_of("mining.scrypt", input);
    struct buf result;
    buf_init(&result, WORKLOAD_RESULT_MAX_BYTES);
    CU_ASSERT_EQUAL_FATAL(run(&t, &result), ERR_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.data, "\"nonce\":2084524493"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(result.data, "0000050c34a64b415b6b15b37f2216634b5b1669cb9a2e38d76f7213b0671e00"));
    CU_ASSERT_EQUAL(check_text(&t, result.data).verdict, VERDICT_ACCEPT);
    buf_clear(&result);
    json_decref(input);
}

static void a_range_without_an_answer_is_not_found(void)
{
    json_t *input = parse("{\"header\":\"" BITCOIN_GENESIS "\",\"bind\":false,"
                          "\"nonce_start\":0,\"nonce_count\":1000}");
    struct workload_task t = task_of("mining.sha256d", input);
    struct buf result;
    buf_init(&result, WORKLOAD_RESULT_MAX_BYTES);
    CU_ASSERT_EQUAL(run(&t, &result), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(result.len, 0);
    buf_clear(&result);
    json_decref(input);
}

static void bound_work_is_worth_nothing_to_another_worker_or_task(void)
{
    json_t *input = parse("{\"header\":\"" BITCOIN_GENESIS "\",\"target\":"
                          "\"000fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"}");
    struct workload_task t = task_of("mining.sha256d", input);
    struct buf result;
    buf_init(&result, WORKLOAD_RESULT_MAX_BYTES);
    CU_ASSERT_EQUAL_FATAL(run(&t, &result), ERR_OK);
    CU_ASSERT_EQUAL(check_text(&t, result.data).verdict, VERDICT_ACCEPT);
    struct workload_task thief = t;
    thief.worker_key[0] ^= 1;
    CU_ASSERT_EQUAL(check_text(&thief, result.data).verdict, VERDICT_REJECT);
    struct workload_task other = t;
    other.task.b[0] ^= 1;
    CU_ASSERT_EQUAL(check_text(&other, result.data).verdict, VERDICT_REJECT);
    struct workload_task later = t;
    later.deadline_ms++;
    CU_ASSERT_EQUAL(check_text(&later, result.data).verdict, VERDICT_REJECT);
    buf_clear(&result);
    json_decref(input);
}

static void an_expired_or_stopped_search_ends(void)
{
    json_t *input = parse("{\"header\":\"" BITCOIN_GENESIS "\"}");
    struct workload_task t = task_of("mining.scrypt", input);
    atomic_bool stop = true;
    struct workload_exec late = {.deadline_mono_ms = clock_mono_ms() - 1};
    struct workload_exec stopped = {.deadline_mono_ms = clock_mono_ms() + 60000, .stop = &stop};
    struct buf result;
    buf_init(&result, WORKLOAD_RESULT_MAX_BYTES);
    CU_ASSERT_EQUAL(workload_execute(&t, &late, &result), ERR_TIMEOUT);
    CU_ASSERT_EQUAL(workload_execute(&t, &stopped, &result), ERR_UNAVAILABLE);
    buf_clear(&result);
    json_decref(input);
}

static void refuses_results_that_are_not_the_answer(void)
{
    json_t *input = parse("{\"header\":\"" BITCOIN_GENESIS "\",\"bind\":false}");
    struct workload_task t = task_of("mining.sha256d", input);
    static const char *const GOOD =
        "{\"extra_nonce\":0,\"hash\":"
        "\"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f\","
        "\"header\":\"" BITCOIN_GENESIS "1dac2b7c\",\"nonce\":2083236893}";
    static const char *const BAD[] = {
        "",
        "[]",
        "{\"nonce\":2083236893}",
        /* another nonce, its own header and hash not even shown */
        "{\"extra_nonce\":0,\"hash\":"
        "\"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f\","
        "\"header\":\"" BITCOIN_GENESIS "1dac2b7c\",\"nonce\":2083236894}",
        /* a hash that is not the header's */
        "{\"extra_nonce\":0,\"hash\":"
        "\"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce260\","
        "\"header\":\"" BITCOIN_GENESIS "1dac2b7c\",\"nonce\":2083236893}",
        "{\"extra_nonce\":1,\"hash\":"
        "\"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f\","
        "\"header\":\"" BITCOIN_GENESIS "1dac2b7c\",\"nonce\":2083236893}",
        "{\"extra_nonce\":0,\"hash\":"
        "\"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f\","
        "\"header\":\"" BITCOIN_GENESIS "1dac2b7c\",\"nonce\":2083236893,\"note\":1}",
    };
    CU_ASSERT_EQUAL(check_text(&t, GOOD).verdict, VERDICT_ACCEPT);
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        CU_ASSERT_EQUAL(check_text(&t, BAD[i]).verdict, VERDICT_REJECT);
    struct bytes a = {(const uint8_t *)GOOD, strlen(GOOD)};
    struct bytes b = {(const uint8_t *)BAD[2], strlen(BAD[2])};
    CU_ASSERT_TRUE(workload_find(t.kind)->agree(&t, a, a));
    CU_ASSERT_FALSE(workload_find(t.kind)->agree(&t, a, b));
    json_decref(input);
}

static void a_hash_above_the_target_is_refused(void)
{
    json_t *input = parse("{\"header\":\"" BITCOIN_GENESIS "\",\"bind\":false,\"target\":"
                          "\"00000000000000000000ffffffffffffffffffffffffffffffffffffffffffff\"}");
    struct workload_task t = task_of("mining.sha256d", input);
    struct workload_check c =
        check_text(&t, "{\"extra_nonce\":0,\"hash\":"
                       "\"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f\","
                       "\"header\":\"" BITCOIN_GENESIS "1dac2b7c\",\"nonce\":2083236893}");
    CU_ASSERT_EQUAL(c.verdict, VERDICT_REJECT);
    CU_ASSERT_STRING_EQUAL(c.reason, "the hash is above the target");
    json_decref(input);
}

static void measures_the_expected_number_of_hashes(void)
{
    const char *kind = "mining.sha256d";
    /* difficulty 1: floor(2^256 / (0xffff * 2^208 + 1)) = 4295032833, Bitcoin's chain work of one
     */
    CU_ASSERT_EQUAL(work_of(kind, "{\"header\":\"" BITCOIN_GENESIS "\"}", ERR_OK, ""), 4295032833);
    CU_ASSERT_EQUAL(
        work_of(kind, "{\"header\":\"" BITCOIN_GENESIS "\",\"bind\":false,\"nonce_count\":10}",
                ERR_OK, ""),
        10);
    CU_ASSERT_EQUAL(work_of(kind,
                            "{\"header\":\"" BITCOIN_GENESIS "\",\"target\":"
                            "\"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"}",
                            ERR_OK, ""),
                    1);
    CU_ASSERT_EQUAL(work_of(kind,
                            "{\"header\":\"" BITCOIN_GENESIS "\",\"target\":"
                            "\"000fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"}",
                            ERR_OK, ""),
                    4096);
    CU_ASSERT_EQUAL(
        work_of(kind, "{\"header\":\"" BITCOIN_GENESIS "\",\"bits\":\"1e0ffff0\"}", ERR_OK, ""),
        1048592);
}

static void names_the_field_it_refuses(void)
{
    static const struct {
        const char *input;
        const char *at;
    } CASES[] = {
        {"[]", ""},
        {"{}", "/header"},
        {"{\"header\":\"00\"}", "/header"},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"speed\":1}", ""},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"target\":\"00\"}", "/target"},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"target\":"
         "\"0000000000000000000000000000000000000000000000000000000000000000\"}",
         "/target"},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"target\":"
         "\"0000000000000000000000000000000000000000000000000000000000000001\"}",
         "/target"},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"bits\":\"1d80ffff\"}", "/bits"},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"bits\":\"1d000000\"}", "/bits"},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"bits\":\"ff00ffff\"}", "/bits"},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"bits\":\"1D00FFFF\"}", "/bits"},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"bind\":1}", "/bind"},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"nonce_start\":1}", "/nonce_start"},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"bind\":false,\"nonce_start\":4294967296}",
         "/nonce_start"},
        {"{\"header\":\"" BITCOIN_GENESIS "\",\"bind\":false,\"nonce_count\":0}", "/nonce_count"},
        {"{\"header\":\"" BITCOIN_GENESIS
         "\",\"bind\":false,\"nonce_start\":4294967295,\"nonce_count\":2}",
         "/nonce_count"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        CU_ASSERT_EQUAL(work_of("mining.scrypt", CASES[i].input, ERR_BAD_FIELD, CASES[i].at), -1);
}

CU_MAIN("mining",
        {"finds the nonce of the Bitcoin genesis block",
         finds_the_nonce_of_the_bitcoin_genesis_block},
        {"finds the nonce of the Litecoin genesis block",
         finds_the_nonce_of_the_litecoin_genesis_block},
        {"a range without an answer is not found", a_range_without_an_answer_is_not_found},
        {"bound work is worth nothing to another worker or task",
         bound_work_is_worth_nothing_to_another_worker_or_task},
        {"an expired or stopped search ends", an_expired_or_stopped_search_ends},
        {"refuses results that are not the answer", refuses_results_that_are_not_the_answer},
        {"a hash above the target is refused", a_hash_above_the_target_is_refused},
        {"measures the expected number of hashes", measures_the_expected_number_of_hashes},
        {"names the field it refuses", names_the_field_it_refuses})
