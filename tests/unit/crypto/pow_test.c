/* SPDX-License-Identifier: Apache-2.0 */
/* Compact bits, header checks, both hashes against an oracle, and the nonce search. */
#include "tests/support/cu.h"

#include <sodium.h>
#include <string.h>

#include "server/crypto/pow.h"
#include "tests/unit/crypto/vectors.h"

/* Bitcoin's first block. */
static const char GENESIS[] = "01000000000000000000000000000000000000000000000000000000000000000000"
                              "00003ba3edfd7a7b12b27ac72c3e"
                              "67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";

static void genesis(uint8_t header[POW_HEADER_BYTES])
{
    json_t *c = json_pack("{s:s}", "h", GENESIS);
    CU_ASSERT_FATAL(vectors_hex_exact(c, "h", header, POW_HEADER_BYTES));
    json_decref(c);
}

static void test_bitcoin_vectors(void)
{
    vectors_check("pow-bitcoin", "headers.json", 45);
}

static void test_scrypt_vectors(void)
{
    vectors_check("pow-scrypt", "headers.json", 22);
}

static void test_a_flipped_expectation_is_reported(void)
{
    size_t passed;
    json_t *doc = vectors_load("pow-bitcoin", "headers.json");
    json_t *c = json_array_get(json_object_get(doc, "cases"), 0);
    json_object_set_new(c, "expect", json_string("reject"));
    CU_ASSERT_EQUAL(vectors_check_document("pow-bitcoin", doc, &passed), 1);
    CU_ASSERT_EQUAL(passed, 44);
    json_decref(doc);
}

static void test_bits_edges(void)
{
    struct u256 t;
    CU_ASSERT_EQUAL(pow_target_parse(0x01003456, &t), POW_BITS_ZERO);
    CU_ASSERT_EQUAL(pow_target_parse(0x01123456, &t), POW_OK);
    CU_ASSERT_EQUAL(t.w[0], 0x12);
    CU_ASSERT_EQUAL(pow_target_parse(0x05009234, &t), POW_OK);
    CU_ASSERT_EQUAL(t.w[0], 0x92340000);
    CU_ASSERT_EQUAL(pow_target_parse(0x04923456, &t), POW_BITS_NEGATIVE);
    CU_ASSERT_EQUAL(pow_target_parse(0x2200ffff, &t), POW_BITS_OVERFLOW);
    CU_ASSERT_EQUAL(pow_target_parse(0x220000ff, &t), POW_OK);
    CU_ASSERT_EQUAL(t.w[3] >> 56, 0xff);
    CU_ASSERT_EQUAL(pow_target_parse(0xff000001, &t), POW_BITS_OVERFLOW);
}

static void test_compact_round_trip(void)
{
    static const uint32_t bits[] = {0x01120000, 0x02123400, 0x03123456, 0x04123456,
                                    0x05009234, 0x1d00ffff, 0x1b0404cb, 0x207fffff};
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        struct u256 t;
        CU_ASSERT_EQUAL(pow_target_parse(bits[i], &t), POW_OK);
        CU_ASSERT_EQUAL(pow_target_compact(&t), bits[i]);
    }
    struct u256 zero = u256_zero();
    CU_ASSERT_EQUAL(pow_target_compact(&zero), 0);
}

static void test_pinned_bits_must_match(void)
{
    uint8_t header[POW_HEADER_BYTES];
    struct pow_rule rule = {.kind = POW_SHA256D, .bits_pinned = true, .expected_bits = 0x1d00ffff};
    genesis(header);
    CU_ASSERT_EQUAL(pow_target_parse(0x1d00ffff, &rule.limit), POW_OK);
    CU_ASSERT_EQUAL(pow_header_check(&rule, header, sizeof header), POW_OK);
    rule.expected_bits = 0x1c00ffff;
    CU_ASSERT_EQUAL(pow_header_check(&rule, header, sizeof header), POW_BITS_UNEXPECTED);
}

static void test_scrypt_equals_libsodium(void)
{
    uint8_t header[POW_HEADER_BYTES];
    uint8_t want[POW_HASH_BYTES];
    uint8_t got[POW_HASH_BYTES];
    for (uint8_t round = 0; round < 8; round++) {
        memset(header, round * 37, sizeof header);
        header[79] = round;
        CU_ASSERT_EQUAL(crypto_pwhash_scryptsalsa208sha256_ll(header, sizeof header, header,
                                                              sizeof header, 1024, 1, 1, want,
                                                              sizeof want),
                        0);
        pow_scrypt(header, got);
        CU_ASSERT_EQUAL(memcmp(want, got, sizeof got), 0);
    }
}

static void test_search_finds_the_genesis_nonce(void)
{
    struct pow_job job = {.kind = POW_SHA256D, .nonce_count = 2000};
    struct pow_search_result r;
    genesis(job.header);
    CU_ASSERT_EQUAL(pow_target_parse(0x1d00ffff, &job.target), POW_OK);
    uint32_t nonce = pow_header_parse(job.header).nonce;
    memset(job.header + 76, 0, 4);
    job.nonce_from = nonce - 1000;
    CU_ASSERT_EQUAL(pow_search(&job, NULL, &r), POW_SEARCH_FOUND);
    CU_ASSERT_EQUAL(r.nonce, nonce);
    CU_ASSERT_EQUAL(r.tried_count, 1001);
    job.nonce_count = 1000;
    CU_ASSERT_EQUAL(pow_search(&job, NULL, &r), POW_SEARCH_EXHAUSTED);
    CU_ASSERT_EQUAL(r.tried_count, 1000);
}

/* Every nonce the search reports, and none it passed over, must meet the target by the plain check.
 */
static void check_search_is_complete(enum pow_kind kind, uint32_t bits, uint32_t end)
{
    struct pow_job job = {.kind = kind};
    struct pow_search_result r;
    uint8_t hash[POW_HASH_BYTES];
    uint32_t from = 0;
    size_t found_count = 0;
    memset(job.header, 0x5a, sizeof job.header);
    CU_ASSERT_EQUAL(pow_target_parse(bits, &job.target), POW_OK);
    while (from < end) {
        job.nonce_from = from;
        job.nonce_count = end - from;
        enum pow_search_end e = pow_search(&job, NULL, &r);
        uint32_t last = e == POW_SEARCH_FOUND ? r.nonce : end;
        for (uint32_t n = from; n < end && n <= last; n++) {
            for (size_t i = 0; i < 4; i++)
                job.header[76 + i] = (uint8_t)(n >> 8 * i);
            pow_hash(kind, job.header, hash);
            CU_ASSERT_EQUAL(pow_hash_meets(hash, &job.target), e == POW_SEARCH_FOUND && n == last);
        }
        found_count += e == POW_SEARCH_FOUND;
        from = last + 1;
    }
    CU_ASSERT(found_count > 2);
}

static void test_search_misses_nothing(void)
{
    check_search_is_complete(POW_SHA256D, 0x1f7fffff, 20000);
    check_search_is_complete(POW_SCRYPT, 0x201fffff, 100);
}

static void test_search_ends_with_the_nonce_space(void)
{
    struct pow_job job = {
        .kind = POW_SHA256D, .nonce_from = UINT32_MAX - 4, .nonce_count = UINT64_MAX};
    struct pow_search_result r;
    CU_ASSERT_EQUAL(pow_search(&job, NULL, &r), POW_SEARCH_EXHAUSTED);
    CU_ASSERT_EQUAL(r.tried_count, 5);
}

static void test_search_obeys_stop(void)
{
    struct pow_job job = {.kind = POW_SCRYPT, .nonce_count = UINT32_MAX};
    struct pow_search_result r;
    atomic_bool stop = true;
    CU_ASSERT_EQUAL(pow_search(&job, &stop, &r), POW_SEARCH_STOPPED);
    job.kind = POW_SHA256D;
    CU_ASSERT_EQUAL(pow_search(&job, &stop, &r), POW_SEARCH_STOPPED);
    CU_ASSERT_EQUAL(r.tried_count, 0);
}

CU_MAIN("crypto/pow", {"bitcoin vectors", test_bitcoin_vectors},
        {"scrypt vectors", test_scrypt_vectors},
        {"a flipped expectation is reported", test_a_flipped_expectation_is_reported},
        {"bits edges", test_bits_edges}, {"compact round trip", test_compact_round_trip},
        {"pinned bits must match", test_pinned_bits_must_match},
        {"scrypt equals libsodium", test_scrypt_equals_libsodium},
        {"search finds the genesis nonce", test_search_finds_the_genesis_nonce},
        {"search misses nothing", test_search_misses_nothing},
        {"search ends with the nonce space", test_search_ends_with_the_nonce_space},
        {"search obeys stop", test_search_obeys_stop})
