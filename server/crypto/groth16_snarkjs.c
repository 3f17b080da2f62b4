/* SPDX-License-Identifier: Apache-2.0 */
#include "server/crypto/groth16_snarkjs.h"

#include <string.h>

#include "server/core/json.h"

#define DECIMAL_DIGITS_MAX 78 /* 2^256 has 78 digits */

bool snarkjs_number(struct u256 *out, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    struct u256 v = u256_zero();
    if (text == NULL || len == 0 || len > DECIMAL_DIGITS_MAX || (text[0] == '0' && len > 1))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        struct u256 digit = u256_from_u64((uint64_t)(text[i] - '0'));
        if (u256_mul_u64(&v, &v, 10) != 0 || u256_add(&v, &v, &digit))
            return false;
    }
    *out = v;
    return true;
}

static bool is_array(const json_t *value, size_t count)
{
    return json_is_array(value) && json_array_size(value) == count;
}

static bool is_small(const json_t *value, uint64_t want)
{
    struct u256 v;
    return snarkjs_number(&v, value) && v.w[0] == want && (v.w[1] | v.w[2] | v.w[3]) == 0;
}

bool snarkjs_g1(struct groth16_raw_g1 *out, const json_t *value)
{
    return is_array(value, 3) && snarkjs_number(&out->x, json_array_get(value, 0)) &&
           snarkjs_number(&out->y, json_array_get(value, 1)) &&
           is_small(json_array_get(value, 2), 1);
}

bool snarkjs_g2(struct groth16_raw_g2 *out, const json_t *value)
{
    if (!is_array(value, 3))
        return false;
    for (size_t i = 0; i < 2; i++) {
        const json_t *pair = json_array_get(value, i);
        if (!is_array(pair, 2) || !snarkjs_number(&out->c[2 * i], json_array_get(pair, 0)) ||
            !snarkjs_number(&out->c[2 * i + 1], json_array_get(pair, 1)))
            return false;
    }
    const json_t *z = json_array_get(value, 2);
    return is_array(z, 2) && is_small(json_array_get(z, 0), 1) && is_small(json_array_get(z, 1), 0);
}

static bool says(const json_t *root, const char *name, const char *want)
{
    const char *text = json_string_value(json_object_get(root, name));
    return text != NULL && strcmp(text, want) == 0;
}

static enum groth16_verdict check_head(const json_t *root)
{
    if (!json_is_object(root))
        return GROTH16_MALFORMED;
    if (!says(root, "protocol", "groth16") || !says(root, "curve", "bn128"))
        return GROTH16_WRONG_PROTOCOL;
    return GROTH16_VALID;
}

enum groth16_verdict groth16_snarkjs_key_json(struct groth16_raw_key *out, const json_t *root)
{
    enum groth16_verdict v = check_head(root);
    if (v != GROTH16_VALID)
        return v;
    const json_t *ic = json_object_get(root, "IC");
    const json_t *count = json_object_get(root, "nPublic");
    size_t points = json_array_size(ic);
    if (!json_is_array(ic) || !json_is_integer(count))
        return GROTH16_MALFORMED;
    if (points < 2 || points > GROTH16_INPUTS_MAX + 1 ||
        json_integer_value(count) != (json_int_t)(points - 1))
        return GROTH16_KEY_INPUT_COUNT;
    if (!snarkjs_g1(&out->alpha, json_object_get(root, "vk_alpha_1")) ||
        !snarkjs_g2(&out->beta, json_object_get(root, "vk_beta_2")) ||
        !snarkjs_g2(&out->gamma, json_object_get(root, "vk_gamma_2")) ||
        !snarkjs_g2(&out->delta, json_object_get(root, "vk_delta_2")))
        return GROTH16_NUMBER_MALFORMED;
    for (size_t i = 0; i < points; i++) {
        if (!snarkjs_g1(&out->ic[i], json_array_get(ic, i)))
            return GROTH16_NUMBER_MALFORMED;
    }
    out->input_count = points - 1;
    return GROTH16_VALID;
}

enum groth16_verdict groth16_snarkjs_proof_json(struct groth16_raw_proof *out, const json_t *root)
{
    enum groth16_verdict v = check_head(root);
    if (v != GROTH16_VALID)
        return v;
    if (!snarkjs_g1(&out->a, json_object_get(root, "pi_a")) ||
        !snarkjs_g2(&out->b, json_object_get(root, "pi_b")) ||
        !snarkjs_g1(&out->c, json_object_get(root, "pi_c")))
        return GROTH16_NUMBER_MALFORMED;
    return GROTH16_VALID;
}

enum groth16_verdict groth16_snarkjs_inputs_json(struct groth16_inputs *out, const json_t *root)
{
    size_t count = json_array_size(root);
    if (!json_is_array(root))
        return GROTH16_MALFORMED;
    if (count > GROTH16_INPUTS_MAX)
        return GROTH16_INPUT_COUNT;
    for (size_t i = 0; i < count; i++) {
        if (!snarkjs_number(&out->value[i], json_array_get(root, i)))
            return GROTH16_NUMBER_MALFORMED;
    }
    out->count = count;
    return GROTH16_VALID;
}

enum groth16_verdict groth16_snarkjs_key(struct groth16_raw_key *out, const char *text, size_t len)
{
    json_t *root = NULL;
    if (json_parse(text, len, &root) != ERR_OK)
        return GROTH16_MALFORMED;
    enum groth16_verdict v = groth16_snarkjs_key_json(out, root);
    json_decref(root);
    return v;
}

enum groth16_verdict groth16_snarkjs_proof(struct groth16_raw_proof *out, const char *text,
                                           size_t len)
{
    json_t *root = NULL;
    if (json_parse(text, len, &root) != ERR_OK)
        return GROTH16_MALFORMED;
    enum groth16_verdict v = groth16_snarkjs_proof_json(out, root);
    json_decref(root);
    return v;
}

enum groth16_verdict groth16_snarkjs_inputs(struct groth16_inputs *out, const char *text,
                                            size_t len)
{
    json_t *root = NULL;
    if (json_parse(text, len, &root) != ERR_OK)
        return GROTH16_MALFORMED;
    enum groth16_verdict v = groth16_snarkjs_inputs_json(out, root);
    json_decref(root);
    return v;
}

enum groth16_verdict groth16_snarkjs_verify(const struct groth16_key *key, const json_t *proof,
                                            const json_t *inputs)
{
    struct groth16_raw_proof raw;
    struct groth16_inputs values;
    enum groth16_verdict v = groth16_snarkjs_proof_json(&raw, proof);
    if (v == GROTH16_VALID)
        v = groth16_snarkjs_inputs_json(&values, inputs);
    return v == GROTH16_VALID ? groth16_verify(key, &raw, &values) : v;
}
