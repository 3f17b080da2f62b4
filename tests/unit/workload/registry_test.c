/* SPDX-License-Identifier: Apache-2.0 */
/* The list of kinds and the hashes they share. Expected values were computed with Python's hashlib
 * from the definition in server/core/bytes.h. */
#include "server/workload/workload.h"

#include "tests/support/cu.h"

static void every_kind_is_complete_and_found_by_name(void)
{
    size_t count = 0;
    const struct workload *const *all = workload_list(&count);
    CU_ASSERT_TRUE(count >= 3);
    for (size_t i = 0; i < count; i++) {
        const struct workload *w = all[i];
        CU_ASSERT_PTR_EQUAL(workload_find(w->kind), w);
        CU_ASSERT_TRUE(w->version >= 1);
        CU_ASSERT_TRUE(w->validate != NULL && w->check != NULL && w->agree != NULL);
        json_t *schema = json_loads(w->input_schema, JSON_REJECT_DUPLICATES, NULL);
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(schema, "type")), "object");
        json_decref(schema);
    }
    CU_ASSERT_PTR_NULL(workload_find("zk.groth17"));
    CU_ASSERT_PTR_NULL(workload_find(""));
}

static void expect_hex(const uint8_t hash[HASH_BYTES], const char *want)
{
    char text[2 * HASH_BYTES + 1];
    hex_encode(hash, HASH_BYTES, text);
    CU_ASSERT_STRING_EQUAL(text, want);
}

static void binding_covers_every_member(void)
{
    struct workload_task t = {
        .market_id = "test", .kind = "zk.groth16", .deadline_ms = 1700000000000};
    uint8_t hash[HASH_BYTES];
    memset(t.task.b, 1, sizeof t.task.b);
    memset(t.input_hash, 2, sizeof t.input_hash);
    memset(t.worker_key, 3, sizeof t.worker_key);
    workload_binding(&t, hash);
    expect_hex(hash, "1c3d5d547de0be66b108e258947db1fa098233618ff46fe623373e61212f9fd3");
}

static void commitment_covers_every_member(void)
{
    struct workload_opening o = {.slot = 1, .fence = 258};
    uint8_t hash[HASH_BYTES];
    memset(o.task.b, 1, sizeof o.task.b);
    memset(o.node_key, 2, sizeof o.node_key);
    memset(o.salt, 3, sizeof o.salt);
    memset(o.result_digest, 4, sizeof o.result_digest);
    workload_commitment(&o, hash);
    expect_hex(hash, "46e051ba7b62cb2fd26049efecd5ffa81bdc5605b76df0b9ffeabdf1996c09d5");
}

static void input_hash_ignores_spacing_and_order(void)
{
    json_t *a = json_loads("{\"x\": \"1\", \"k\":\"2\"}", 0, NULL);
    json_t *b = json_loads("{\"k\":\"2\",\"x\":\"1\"}", 0, NULL);
    uint8_t ha[HASH_BYTES];
    uint8_t hb[HASH_BYTES];
    CU_ASSERT_EQUAL(workload_input_hash(a, ha), ERR_OK);
    CU_ASSERT_EQUAL(workload_input_hash(b, hb), ERR_OK);
    CU_ASSERT_EQUAL(memcmp(ha, hb, sizeof ha), 0);
    expect_hex(ha, "cc226a52480767cca903f50933a54e53646d287486e7524f347d7edbdd2472ef");
    json_decref(a);
    json_decref(b);
}

CU_MAIN("workload registry",
        {"every kind is complete and found by name", every_kind_is_complete_and_found_by_name},
        {"binding covers every member", binding_covers_every_member},
        {"commitment covers every member", commitment_covers_every_member},
        {"input hash ignores spacing and order", input_hash_ignores_spacing_and_order})
