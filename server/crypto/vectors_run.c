/* SPDX-License-Identifier: Apache-2.0 */
/* The table of families and formats, and what all case runners share. */
#include "server/crypto/vectors_run.h"

#include <string.h>

struct vectors_format {
    const char *family;
    const char *format;
    vectors_runner *run;
};

static const struct vectors_format FORMATS[] = {
    {"bn254", "bn254-eip196-197/1", vectors_bn254},
    {"ecvrf", "ecvrf-edwards25519-sha512-tai/1", vectors_ecvrf},
    {"groth16-snarkjs", "groth16-bn254/1", vectors_groth16},
    {"groth16-snarkjs", "groth16-json-text/1", vectors_groth16_text},
    {"groth16-risc0", "groth16-bn254/1", vectors_groth16},
    {"groth16-risc0", "groth16-bn254-vkey/1", vectors_risc0_key},
    {"groth16-risc0", "risc0-groth16/1", vectors_risc0},
    {"groth16-sp1", "sp1-vkeys/1", vectors_sp1_keys},
    {"groth16-sp1", "sp1-groth16/1", vectors_sp1},
    {"keccak", "keccak256/1", vectors_keccak},
    {"merkle-rfc6962", "merkle-ambiguity/1", vectors_merkle_ambiguity},
    {"merkle-rfc6962", "merkle-consistency/1", vectors_merkle_consistency},
    {"merkle-rfc6962", "merkle-inclusion/1", vectors_merkle_inclusion},
    {"merkle-rfc6962", "merkle-tree/1", vectors_merkle_tree},
    {"plonk-snarkjs", "snarkjs-plonk-raw/1", vectors_plonk},
    {"pow-bitcoin", "pow-header/1", vectors_pow_headers},
    {"pow-bitcoin", "header-chain/1", vectors_pow_chain},
    {"pow-bitcoin", "btc-retarget/1", vectors_pow_retarget},
    {"pow-scrypt", "pow-header/1", vectors_pow_headers},
    {"pow-scrypt", "header-chain/1", vectors_pow_chain},
    {"auxpow-dogecoin", "auxpow/1", vectors_auxpow},
};

#define FORMAT_COUNT (sizeof FORMATS / sizeof FORMATS[0])

static const char *const FAMILIES[] = {"auxpow-dogecoin", "bn254",           "ecvrf",
                                       "groth16-risc0",   "groth16-snarkjs", "groth16-sp1",
                                       "keccak",          "merkle-rfc6962",  "plonk-snarkjs",
                                       "pow-bitcoin",     "pow-scrypt",      NULL};

const char *const *vectors_family_names(void)
{
    return FAMILIES;
}

bool vectors_family_known(const char *family)
{
    for (size_t i = 0; FAMILIES[i] != NULL; i++) {
        if (strcmp(FAMILIES[i], family) == 0)
            return true;
    }
    return false;
}

bool vectors_run_document(struct vectors_run *run, const char *family, const json_t *doc)
{
    const char *format = vectors_text(doc, "format");
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(FORMATS[i].family, family) == 0 && strcmp(FORMATS[i].format, format) == 0) {
            FORMATS[i].run(run, doc);
            return true;
        }
    }
    return false;
}

void vectors_count(struct vectors_run *run, const char *id, bool agrees, const char *detail)
{
    if (agrees) {
        run->passed++;
        return;
    }
    run->failed++;
    run->disagree(run->ctx, id, detail);
}

void vectors_expect(struct vectors_run *run, const json_t *c, bool accepted, const char *detail)
{
    const char *expect = vectors_text(c, "expect");
    bool agrees = strcmp(expect, accepted ? "accept" : "reject") == 0;
    vectors_count(run, vectors_text(c, "id"), agrees, detail);
}

const char *vectors_text(const json_t *c, const char *name)
{
    const char *text = json_string_value(json_object_get(c, name));
    return text != NULL ? text : "";
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool vectors_hex(const json_t *c, const char *name, uint8_t *out, size_t cap, size_t *len)
{
    const char *text = json_string_value(json_object_get(c, name));
    size_t digits = text != NULL ? strlen(text) : 1;
    if (digits % 2 != 0 || digits / 2 > cap)
        return false;
    for (size_t i = 0; i < digits / 2; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    *len = digits / 2;
    return true;
}

bool vectors_hex_equal(const json_t *c, const char *name, const uint8_t *data, size_t len)
{
    uint8_t want[VECTORS_BYTES_MAX];
    size_t want_len;
    return vectors_hex(c, name, want, sizeof want, &want_len) && want_len == len &&
           memcmp(want, data, len) == 0;
}

bool vectors_hex_exact(const json_t *c, const char *name, uint8_t *out, size_t len)
{
    size_t got;
    return vectors_hex(c, name, out, len, &got) && got == len;
}
