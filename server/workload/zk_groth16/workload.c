/* SPDX-License-Identifier: Apache-2.0 */
/* Validation and checking. The checker never takes a public input from the prover but y. */
#include "server/workload/zk_groth16/zk_groth16.h"

#include <stdio.h>
#include <string.h>

#include "server/core/json.h"
#include "server/workload/field.h"
#include "server/workload/zk_groth16/verify.h"

extern const struct workload workload_zk_groth16;

__extension__ typedef unsigned __int128 uint128;

/* Decimal text of 16 big-endian bytes. */
static void print_half(const uint8_t half[16], char out[ZK_SCALAR_TEXT_MAX])
{
    char reversed[ZK_SCALAR_TEXT_MAX];
    uint128 v = 0;
    size_t n = 0;
    for (size_t i = 0; i < 16; i++)
        v = v << 8 | half[i];
    do {
        reversed[n++] = (char)('0' + (int)(v % 10));
        v /= 10;
    } while (v != 0);
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    out[n] = '\0';
}

void zk_binding_text(const struct workload_task *t, struct zk_binding *out)
{
    uint8_t binding[HASH_BYTES];
    workload_binding(t, binding);
    print_half(binding, out->hi);
    print_half(binding + HASH_BYTES / 2, out->lo);
}

static enum err validate(const json_t *input, int64_t *work_units, char *pointer, char *reason)
{
    static const char *const NAMES[] = {"x", "k", "program", NULL};
    struct field_fault f = {pointer, reason};
    uint8_t program[HASH_BYTES];
    const json_t *named = json_object_get(input, "program");
    enum err e = field_only(input, NAMES, &f);
    if (e != ERR_OK)
        return e;
    if (!field_is_scalar(json_object_get(input, "x")))
        return field_refuse(&f, "/x", "must be a decimal string below the BN254 group order");
    if (!field_is_scalar(json_object_get(input, "k")))
        return field_refuse(&f, "/k", "must be a decimal string below the BN254 group order");
    if (named != NULL && !field_hex(named, program, sizeof program))
        return field_refuse(&f, "/program", "must be 64 lower-case hexadecimal digits");
    *work_units = ZK_CONSTRAINTS;
    return ERR_OK;
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* y, then exactly what this task and this worker must have proved. */
static bool signals_match(const struct workload_task *t, const json_t *signals)
{
    struct zk_binding bind;
    const char *x = json_string_value(json_object_get(t->input, "x"));
    const char *k = json_string_value(json_object_get(t->input, "k"));
    zk_binding_text(t, &bind);
    return json_array_size(signals) == ZK_SIGNALS && field_is_scalar(json_array_get(signals, 0)) &&
           is_text(json_array_get(signals, 1), x) && is_text(json_array_get(signals, 2), k) &&
           is_text(json_array_get(signals, 3), bind.hi) &&
           is_text(json_array_get(signals, 4), bind.lo);
}

/* {"proof":{...},"public":[5 decimal strings]}; NULL when the text is anything else. */
static json_t *read_result(struct bytes result)
{
    json_t *root = NULL;
    if (json_parse((const char *)result.data, result.len, &root) != ERR_OK)
        return NULL;
    if (json_is_object(root) && json_object_size(root) == 2 &&
        json_is_object(json_object_get(root, "proof")) &&
        json_is_array(json_object_get(root, "public")))
        return root;
    json_decref(root);
    return NULL;
}

static void check(const struct workload_task *t, const char *data_dir, struct bytes result,
                  struct workload_check *out)
{
    int64_t work;
    char pointer[WORKLOAD_POINTER_MAX];
    char reason[WORKLOAD_REASON_MAX];
    if (validate(t->input, &work, pointer, reason) != ERR_OK) {
        check_set(out, VERDICT_UNDECIDED, "the task's input is not valid for this kind");
        return;
    }
    json_t *root = read_result(result);
    if (root == NULL)
        check_set(out, VERDICT_REJECT, "the result is not {proof, public}");
    else if (!signals_match(t, json_object_get(root, "public")))
        check_set(out, VERDICT_REJECT, "the public inputs are not those of this task and worker");
    else
        zk_proof_verify(data_dir, json_string_value(json_object_get(t->input, "program")), root,
                        out);
    json_decref(root);
}

/* Proofs are randomised and their binding differs by worker; the statement's y must be the same. */
static bool agree(const struct workload_task *t, struct bytes a, struct bytes b)
{
    (void)t;
    json_t *left = read_result(a);
    json_t *right = read_result(b);
    const json_t *y = json_array_get(json_object_get(left, "public"), 0);
    bool same = json_is_string(y) &&
                json_equal(y, json_array_get(json_object_get(right, "public"), 0)) == 1;
    json_decref(left);
    json_decref(right);
    return same;
}

const struct workload workload_zk_groth16 = {
    .kind = "zk.groth16",
    .version = 1,
    .title = "Groth16 proof of a keyed MiMC permutation",
    .family = "zk",
    .unit = "constraints",
    .mode = WORKLOAD_PROOF,
    .checkable = true,
    .input_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"x\",\"k\"],"
        "\"properties\":{"
        "\"x\":{\"type\":\"string\",\"pattern\":\"^(0|[1-9][0-9]{0,76})$\","
        "\"description\":\"message, below the BN254 group order\"},"
        "\"k\":{\"type\":\"string\",\"pattern\":\"^(0|[1-9][0-9]{0,76})$\","
        "\"description\":\"key, below the BN254 group order\"},"
        "\"program\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\","
        "\"description\":\"id of the verification key; default: the market's\"}}}",
    .validate = validate,
    .check = check,
    .agree = agree,
};
