/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cu.h"

#include <string.h>

#include "server/crypto/ecvrf.h"
#include "tests/unit/crypto/vectors.h"

static void test_vectors(void)
{
    vectors_check("ecvrf", "vectors.json", 32);
}

static void test_round_trip_and_uniqueness(void)
{
    for (uint8_t i = 0; i < 20; i++) {
        uint8_t seed[ECVRF_SEED_BYTES] = {i, 1, 2};
        uint8_t alpha[40] = {i};
        uint8_t key[ECVRF_KEY_BYTES];
        uint8_t proof[ECVRF_PROOF_BYTES];
        uint8_t again[ECVRF_PROOF_BYTES];
        uint8_t hash[ECVRF_HASH_BYTES];
        ecvrf_key_from_seed(seed, key);
        CU_ASSERT(ecvrf_key_valid(key));
        CU_ASSERT(ecvrf_prove(seed, alpha, i, proof));
        CU_ASSERT(ecvrf_prove(seed, alpha, i, again));
        CU_ASSERT_EQUAL(memcmp(proof, again, sizeof proof), 0);
        CU_ASSERT(ecvrf_verify(key, alpha, i, proof, hash));
        CU_ASSERT_FALSE(ecvrf_verify(key, alpha, i + 1U, proof, hash));
        for (size_t bit = 0; bit < 8 * ECVRF_PROOF_BYTES; bit += 37) {
            memcpy(again, proof, sizeof proof);
            again[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CU_ASSERT_FALSE(ecvrf_verify(key, alpha, i, again, hash));
        }
    }
}

static void test_output_is_untouched_on_refusal(void)
{
    uint8_t key[ECVRF_KEY_BYTES];
    uint8_t seed[ECVRF_SEED_BYTES] = {5};
    uint8_t proof[ECVRF_PROOF_BYTES] = {0};
    uint8_t hash[ECVRF_HASH_BYTES];
    uint8_t before[ECVRF_HASH_BYTES];
    memset(hash, 0x77, sizeof hash);
    memcpy(before, hash, sizeof hash);
    ecvrf_key_from_seed(seed, key);
    CU_ASSERT_FALSE(ecvrf_verify(key, NULL, 0, proof, hash));
    CU_ASSERT_EQUAL(memcmp(hash, before, sizeof hash), 0);
}

CU_MAIN("crypto/ecvrf", {"vectors", test_vectors},
        {"round trip and uniqueness", test_round_trip_and_uniqueness},
        {"output is untouched on refusal", test_output_is_untouched_on_refusal})
