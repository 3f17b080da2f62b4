/* SPDX-License-Identifier: Apache-2.0 */
/* Chains, retarget, work, merged mining, and a mined template of our own with every way to break
 * it. */
#include "tests/support/cu.h"

#include <string.h>

#include "server/crypto/pow_chain.h"
#include "server/crypto/sha256.h"
#include "tests/unit/crypto/vectors.h"

static void test_bitcoin_chain(void)
{
    vectors_check("pow-bitcoin", "chain-0-40.json", 41);
}

static void test_dogecoin_chain(void)
{
    vectors_check("pow-scrypt", "doge-chain-1-40.json", 40);
}

static void test_retarget(void)
{
    vectors_check("pow-bitcoin", "retarget.json", 13);
}

static void test_auxpow_blocks(void)
{
    vectors_check("auxpow-dogecoin", "blocks.json", 12);
}

static void test_auxpow_own(void)
{
    vectors_check("auxpow-dogecoin", "own.json", 27);
}

static void test_work_matches_the_chainwork_of_block_2016(void)
{
    struct u256 target, work, sum;
    CU_ASSERT_EQUAL(pow_target_parse(0x1d00ffff, &target), POW_OK);
    work = pow_work(&target);
    CU_ASSERT_EQUAL(work.w[0], UINT64_C(0x100010001));
    u256_mul_u64(&sum, &work, 2017);
    CU_ASSERT_EQUAL(sum.w[0], UINT64_C(0x7e107e107e1));
    target = u256_from_u64(1);
    work = pow_work(&target);
    CU_ASSERT_EQUAL(work.w[3], UINT64_C(1) << 63);
    memset(&target, 0xff, sizeof target);
    work = pow_work(&target);
    CU_ASSERT_EQUAL(work.w[0], 1);
}

static bool load_headers(uint8_t headers[41][POW_HEADER_BYTES])
{
    json_t *doc = vectors_load("pow-bitcoin", "chain-0-40.json");
    bool good = true;
    for (size_t i = 0; i < 41; i++) {
        json_t *c = json_pack("{s:O}", "h", json_array_get(json_object_get(doc, "headers"), i));
        good = good && vectors_hex_exact(c, "h", headers[i], POW_HEADER_BYTES);
        json_decref(c);
    }
    json_decref(doc);
    return good;
}

static void test_chain_refuses_gaps_and_counts_work(void)
{
    uint8_t headers[41][POW_HEADER_BYTES];
    struct pow_rule rule = {.kind = POW_SHA256D};
    struct pow_chain chain;
    CU_ASSERT_FATAL(load_headers(headers));
    CU_ASSERT_EQUAL(pow_target_parse(0x1d00ffff, &rule.limit), POW_OK);
    pow_chain_start(&chain, &rule, true, 0);
    for (size_t i = 0; i < 41; i++) {
        if (i == 20)
            CU_ASSERT_EQUAL(pow_chain_append(&chain, headers[21]), POW_BAD_PREVIOUS);
        CU_ASSERT_EQUAL(pow_chain_append(&chain, headers[i]), POW_OK);
    }
    CU_ASSERT_EQUAL(chain.header_count, 41);
    CU_ASSERT_EQUAL(chain.work.w[0], 41 * UINT64_C(0x100010001));
    CU_ASSERT_EQUAL(pow_chain_append(&chain, headers[40]), POW_BAD_PREVIOUS);
}

#define EASY_BITS 0x207fffffU

/* Mines on top of the chain; the limit is so easy that a few hashes do. */
static void mine(const struct pow_chain *chain, uint32_t time, uint32_t bits,
                 uint8_t header[POW_HEADER_BYTES])
{
    struct pow_job job = {.kind = POW_SHA256D, .nonce_count = 1000};
    struct pow_search_result r;
    job.header[0] = 1;
    memcpy(job.header + 4, chain->tip, POW_HASH_BYTES);
    for (size_t i = 0; i < 4; i++) {
        job.header[68 + i] = (uint8_t)(time >> 8 * i);
        job.header[72 + i] = (uint8_t)(bits >> 8 * i);
    }
    CU_ASSERT_EQUAL(pow_target_parse(bits, &job.target), POW_OK);
    CU_ASSERT_EQUAL_FATAL(pow_search(&job, NULL, &r), POW_SEARCH_FOUND);
    memcpy(header, job.header, POW_HEADER_BYTES);
    for (size_t i = 0; i < 4; i++)
        header[76 + i] = (uint8_t)(r.nonce >> 8 * i);
}

static void test_chain_enforces_bits_and_median_time(void)
{
    uint8_t header[POW_HEADER_BYTES];
    struct pow_rule rule = {.kind = POW_SHA256D};
    struct pow_chain chain;
    CU_ASSERT_EQUAL(pow_target_parse(EASY_BITS, &rule.limit), POW_OK);
    pow_chain_start(&chain, &rule, true, 1);
    for (uint32_t i = 0; i < 12; i++) {
        mine(&chain, 1000 + i * 10, EASY_BITS, header);
        CU_ASSERT_EQUAL(pow_chain_append(&chain, header), POW_OK);
    }
    mine(&chain, 1060, EASY_BITS, header); /* the median of the last eleven */
    CU_ASSERT_EQUAL(pow_chain_append(&chain, header), POW_BAD_TIME);
    mine(&chain, 1200, 0x207ffffeU, header);
    CU_ASSERT_EQUAL(pow_chain_append(&chain, header), POW_BITS_UNEXPECTED);
    mine(&chain, 1061, EASY_BITS, header);
    CU_ASSERT_EQUAL(pow_chain_append(&chain, header), POW_OK);
}

static void test_chain_retargets_after_a_full_period(void)
{
    uint8_t header[POW_HEADER_BYTES];
    struct pow_rule rule = {.kind = POW_SHA256D};
    struct pow_chain chain;
    uint32_t next;
    CU_ASSERT_EQUAL(pow_target_parse(EASY_BITS, &rule.limit), POW_OK);
    pow_chain_start(&chain, &rule, true, 0);
    for (uint32_t i = 0; i < POW_RETARGET_BLOCKS; i++) {
        mine(&chain, 5000 + i, EASY_BITS, header);
        CU_ASSERT_EQUAL_FATAL(pow_chain_append(&chain, header), POW_OK);
    }
    const struct pow_period period = {5000, 5000 + POW_RETARGET_BLOCKS - 1, EASY_BITS};
    CU_ASSERT_EQUAL(pow_retarget(&period, &rule.limit, &next), POW_OK);
    CU_ASSERT_EQUAL(next, 0x201fffffU);
    mine(&chain, 9000, EASY_BITS, header);
    CU_ASSERT_EQUAL(pow_chain_append(&chain, header), POW_BITS_UNEXPECTED);
    mine(&chain, 9000, next, header);
    CU_ASSERT_EQUAL(pow_chain_append(&chain, header), POW_OK);
}

static const uint8_t TAG[] = "job-4711";
static const uint8_t SCRIPT[] = {0x76, 0xa9, 0x14, 1, 2, 3, 4};

/* version, one input with the tag in its script, one output, lock time */
static size_t build_coinbase(uint8_t *out)
{
    size_t n = 0;
    memset(out, 0, 200);
    out[n] = 1;
    n += 4;
    out[n++] = 1;
    n += 32;
    memset(out + n, 0xff, 4);
    n += 4;
    out[n++] = 3 + (sizeof TAG - 1);
    n += 3;
    memcpy(out + n, TAG, sizeof TAG - 1);
    n += sizeof TAG - 1;
    memset(out + n, 0xff, 4);
    n += 4;
    out[n++] = 1;
    out[n] = 50;
    n += 8;
    out[n++] = sizeof SCRIPT;
    memcpy(out + n, SCRIPT, sizeof SCRIPT);
    n += sizeof SCRIPT;
    return n + 4;
}

struct mined {
    uint8_t header[POW_HEADER_BYTES];
    uint8_t coinbase[200];
    uint8_t branch[2 * SHA256_BYTES];
    struct pow_template t;
    struct pow_submission s;
};

/* Mines the header over the coinbase and branch as they are now. */
static void remine(struct mined *m)
{
    struct pow_chain chain = {.height = 0};
    struct pow_job job = {.kind = POW_SHA256D, .nonce_count = 1000};
    struct pow_search_result r;
    uint8_t root[SHA256_BYTES];
    const struct merkle_branch branch = {m->branch, m->s.branch_count, 0};
    memset(chain.tip, 7, sizeof chain.tip);
    mine(&chain, 1500, EASY_BITS, m->header);
    sha256d_of(m->coinbase, m->s.coinbase_bytes, root);
    merkle_branch_fold(root, &branch, root);
    memcpy(m->header + 36, root, sizeof root);
    memcpy(job.header, m->header, sizeof job.header);
    CU_ASSERT_EQUAL(pow_target_parse(EASY_BITS, &job.target), POW_OK);
    CU_ASSERT_EQUAL_FATAL(pow_search(&job, NULL, &r), POW_SEARCH_FOUND);
    for (size_t i = 0; i < 4; i++)
        m->header[76 + i] = (uint8_t)(r.nonce >> 8 * i);
}

static void set_up(struct mined *m)
{
    memset(m, 0, sizeof *m);
    memset(m->branch, 0x33, sizeof m->branch);
    m->t.rule =
        (struct pow_rule){.kind = POW_SHA256D, .bits_pinned = true, .expected_bits = EASY_BITS};
    CU_ASSERT_EQUAL(pow_target_parse(EASY_BITS, &m->t.rule.limit), POW_OK);
    memset(m->t.previous, 7, sizeof m->t.previous);
    m->t.time_min = 1000;
    m->t.time_max = 2000;
    m->t.tag = TAG;
    m->t.tag_bytes = sizeof TAG - 1;
    m->t.payout_script = SCRIPT;
    m->t.payout_script_bytes = sizeof SCRIPT;
    m->t.payout_min = 50;
    m->s = (struct pow_submission){
        m->header, sizeof m->header, m->coinbase, build_coinbase(m->coinbase), m->branch, 2};
    remine(m);
}

static enum pow_verdict check(const struct mined *m)
{
    uint8_t hash[POW_HASH_BYTES];
    return pow_template_check(&m->t, &m->s, hash);
}

static void test_template(void)
{
    struct mined m;
    set_up(&m);
    CU_ASSERT_EQUAL(check(&m), POW_OK);
    m.s.header_bytes = 79;
    CU_ASSERT_EQUAL(check(&m), POW_BAD_LENGTH);
    set_up(&m);
    m.t.previous[31] ^= 1;
    CU_ASSERT_EQUAL(check(&m), POW_BAD_PREVIOUS);
    set_up(&m);
    m.t.time_max = 1499;
    CU_ASSERT_EQUAL(check(&m), POW_BAD_TIME);
    m.t.time_min = 1501;
    m.t.time_max = 2000;
    CU_ASSERT_EQUAL(check(&m), POW_BAD_TIME);
    set_up(&m);
    m.branch[5] ^= 1;
    CU_ASSERT_EQUAL(check(&m), POW_BAD_MERKLE_ROOT);
    set_up(&m);
    m.s.branch_count = COINBASE_BRANCH_MAX + 1;
    CU_ASSERT_EQUAL(check(&m), POW_BAD_MERKLE_ROOT);
    set_up(&m);
    m.t.rule.expected_bits = 0x207ffffeU;
    CU_ASSERT_EQUAL(check(&m), POW_BITS_UNEXPECTED);
}

static void test_template_coinbase(void)
{
    struct mined m;
    set_up(&m);
    m.t.tag = (const uint8_t *)"job-4712";
    CU_ASSERT_EQUAL(check(&m), POW_BAD_COINBASE);
    set_up(&m);
    m.t.payout_min = 51;
    CU_ASSERT_EQUAL(check(&m), POW_BAD_COINBASE);
    set_up(&m);
    m.t.payout_script_bytes--;
    CU_ASSERT_EQUAL(check(&m), POW_BAD_COINBASE);
    set_up(&m);
    m.s.coinbase_bytes++; /* a byte after the transaction */
    remine(&m);
    CU_ASSERT_EQUAL(check(&m), POW_BAD_COINBASE);
    set_up(&m);
    m.coinbase[10] = 1; /* spends something */
    remine(&m);
    CU_ASSERT_EQUAL(check(&m), POW_BAD_COINBASE);
    for (size_t len = 0; len < 90; len++) {
        set_up(&m);
        if (len < m.s.coinbase_bytes) {
            m.s.coinbase_bytes = len;
            CU_ASSERT_EQUAL(check(&m), POW_BAD_COINBASE);
        }
    }
}

CU_MAIN("crypto/pow_chain", {"bitcoin chain", test_bitcoin_chain},
        {"dogecoin chain", test_dogecoin_chain}, {"retarget", test_retarget},
        {"auxpow blocks", test_auxpow_blocks}, {"auxpow own", test_auxpow_own},
        {"work matches the chainwork of block 2016", test_work_matches_the_chainwork_of_block_2016},
        {"chain refuses gaps and counts work", test_chain_refuses_gaps_and_counts_work},
        {"chain enforces bits and median time", test_chain_enforces_bits_and_median_time},
        {"chain retargets after a full period", test_chain_retargets_after_a_full_period},
        {"template", test_template}, {"template coinbase", test_template_coinbase})
