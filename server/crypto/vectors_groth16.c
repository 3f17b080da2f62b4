/* SPDX-License-Identifier: Apache-2.0 */
/* Case runners for Groth16 in plain coordinates and in the JSON of snarkjs. */
#include "server/crypto/vectors_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/groth16_snarkjs.h"
#include "server/crypto/vectors_groth16.h"

#define NAME_MAX_BYTES 64

/* [x, y] */
static bool read_g1(struct groth16_raw_g1 *p, const json_t *v)
{
    return json_array_size(v) == 2 && snarkjs_number(&p->x, json_array_get(v, 0)) &&
           snarkjs_number(&p->y, json_array_get(v, 1));
}

/* [[x.c0, x.c1], [y.c0, y.c1]] */
static bool read_g2(struct groth16_raw_g2 *p, const json_t *v)
{
    for (size_t i = 0; i < 4; i++) {
        const json_t *pair = json_array_get(v, i / 2);
        if (json_array_size(pair) != 2 || !snarkjs_number(&p->c[i], json_array_get(pair, i % 2)))
            return false;
    }
    return json_array_size(v) == 2;
}

bool vectors_groth16_read_key(struct groth16_raw_key *key, const json_t *v)
{
    const json_t *ic = json_object_get(v, "ic");
    size_t points = json_array_size(ic);
    if (points < 1 || points > GROTH16_INPUTS_MAX + 1)
        return false;
    key->input_count = points - 1;
    for (size_t i = 0; i < points; i++) {
        if (!read_g1(&key->ic[i], json_array_get(ic, i)))
            return false;
    }
    return read_g1(&key->alpha, json_object_get(v, "alpha")) &&
           read_g2(&key->beta, json_object_get(v, "beta")) &&
           read_g2(&key->gamma, json_object_get(v, "gamma")) &&
           read_g2(&key->delta, json_object_get(v, "delta"));
}

/* The verdict on one case in plain coordinates with the registered key of its name. */
static enum groth16_verdict judge(const struct groth16_key *key, const json_t *c)
{
    struct groth16_raw_proof raw;
    struct groth16_inputs inputs;
    const json_t *proof = json_object_get(c, "proof");
    if (!read_g1(&raw.a, json_object_get(proof, "a")) ||
        !read_g2(&raw.b, json_object_get(proof, "b")) ||
        !read_g1(&raw.c, json_object_get(proof, "c")))
        return GROTH16_NUMBER_MALFORMED;
    enum groth16_verdict v = groth16_snarkjs_inputs_json(&inputs, json_object_get(c, "public"));
    return v == GROTH16_VALID ? groth16_verify(key, &raw, &inputs) : v;
}

void vectors_groth16(struct vectors_run *run, const json_t *doc)
{
    struct groth16_key *key = malloc(sizeof *key);
    struct groth16_raw_key raw;
    const char *name;
    const json_t *k;
    json_t *keys = json_object_get(doc, "vkeys");
    if (key == NULL) {
        vectors_count(run, "vkeys", false, "out of memory");
        return;
    }
    json_object_foreach(keys, name, k)
    {
        enum groth16_verdict registered = vectors_groth16_read_key(&raw, k)
                                              ? groth16_key_register(key, &raw)
                                              : GROTH16_NUMBER_MALFORMED;
        size_t i;
        json_t *c;
        json_array_foreach(json_object_get(doc, "cases"), i, c)
        {
            if (strcmp(vectors_text(c, "vkey"), name) != 0)
                continue;
            enum groth16_verdict v = registered == GROTH16_VALID ? judge(key, c) : registered;
            vectors_expect(run, c, v == GROTH16_VALID, groth16_verdict_text(v));
        }
    }
    free(key);
}

static enum groth16_verdict judge_text(const struct groth16_key *key, const json_t *c)
{
    struct groth16_raw_proof proof;
    struct groth16_inputs inputs;
    const json_t *p = json_object_get(c, "proof_text");
    const json_t *s = json_object_get(c, "public_text");
    enum groth16_verdict v =
        groth16_snarkjs_proof(&proof, json_string_value(p), json_string_length(p));
    if (v == GROTH16_VALID)
        v = groth16_snarkjs_inputs(&inputs, json_string_value(s), json_string_length(s));
    return v == GROTH16_VALID ? groth16_verify(key, &proof, &inputs) : v;
}

void vectors_groth16_text(struct vectors_run *run, const json_t *doc)
{
    char name[NAME_MAX_BYTES];
    struct groth16_raw_key raw;
    struct groth16_key *key = malloc(sizeof *key);
    snprintf(name, sizeof name, "%.32s/verification_key.json", vectors_text(doc, "vkey"));
    const char *text = run->sibling(run->ctx, name);
    enum groth16_verdict v = GROTH16_MALFORMED;
    if (key != NULL && text != NULL)
        v = groth16_snarkjs_key(&raw, text, strlen(text));
    if (v == GROTH16_VALID)
        v = groth16_key_register(key, &raw);
    if (v != GROTH16_VALID) {
        vectors_count(run, name, false, groth16_verdict_text(v));
        free(key);
        return;
    }
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(doc, "cases"), i, c)
    {
        v = judge_text(key, c);
        vectors_expect(run, c, v == GROTH16_VALID, groth16_verdict_text(v));
    }
    free(key);
}
