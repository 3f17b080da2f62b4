/* SPDX-License-Identifier: Apache-2.0 */
#include "server/workload/zk_groth16/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/json.h"
#include "server/crypto/groth16_snarkjs.h"
#include "server/workload/field.h"

enum { PATH_CAP = 4096 };

static bool read_key(const char *data_dir, struct groth16_raw_key *out)
{
    char path[PATH_CAP];
    int n = snprintf(path, sizeof path, "%s/verification_key.json", data_dir);
    FILE *f = n > 0 && n < PATH_CAP ? fopen(path, "re") : NULL;
    char *text = f != NULL ? malloc(JSON_BODY_MAX_BYTES) : NULL;
    bool ok = false;
    if (text != NULL) {
        size_t len = fread(text, 1, JSON_BODY_MAX_BYTES, f);
        ok = groth16_snarkjs_key(out, text, len) == GROTH16_VALID;
    }
    free(text);
    if (f != NULL)
        fclose(f);
    return ok;
}

/* The key is validated at each check: a few milliseconds, and no state that could grow stale. */
static struct groth16_key *load_key(const char *data_dir)
{
    struct groth16_raw_key *raw = malloc(sizeof *raw);
    struct groth16_key *key = malloc(sizeof *key);
    bool ok = raw != NULL && key != NULL && read_key(data_dir, raw) &&
              groth16_key_register(key, raw) == GROTH16_VALID;
    free(raw);
    if (ok)
        return key;
    free(key);
    return NULL;
}

void zk_proof_verify(const char *data_dir, const char *program, const json_t *result,
                     struct workload_check *out)
{
    char id[2 * GROTH16_KEY_ID_BYTES + 1];
    struct groth16_key *key = load_key(data_dir);
    if (key == NULL) {
        check_set(out, VERDICT_UNDECIDED, "there is no usable verification key here");
        return;
    }
    hex_encode(key->id, sizeof key->id, id);
    if (program != NULL && strcmp(program, id) != 0) {
        check_set(out, VERDICT_UNDECIDED, "the verification key here is not the task's program");
    } else {
        enum groth16_verdict v = groth16_snarkjs_verify(key, json_object_get(result, "proof"),
                                                        json_object_get(result, "public"));
        bool good = v == GROTH16_VALID;
        check_set(out, good ? VERDICT_ACCEPT : VERDICT_REJECT,
                  good ? "the proof verifies" : groth16_verdict_text(v));
    }
    free(key);
}
