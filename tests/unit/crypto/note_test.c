/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes and checkpoints: notes signed by others, our own, and malformed ones. */
#include "tests/support/cu.h"

#include <stdlib.h>
#include <string.h>

#include "server/crypto/note.h"

/* The example of the Go package golang.org/x/mod/sumdb/note, and the key of sum.golang.org. */
static const char GO_KEY[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char GO_SUMDB_KEY[] =
    "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
static const char GO_NOTE[] =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\xe2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/"
    "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

static const uint8_t SEED[NOTE_SEED_BYTES] = {1, 2, 3};
static struct note_verifier own;

static void set_up(void)
{
    CU_ASSERT_EQUAL_FATAL(note_verifier_from_seed(&own, "market.example/log", SEED), ERR_OK);
}

static void test_note_of_another_implementation(void)
{
    struct note_verifier v;
    size_t len;
    CU_ASSERT_EQUAL_FATAL(note_verifier_parse(&v, GO_KEY), ERR_OK);
    CU_ASSERT_STRING_EQUAL(v.name, "PeterNeumann");
    CU_ASSERT_EQUAL(note_verify(&v, GO_NOTE, strlen(GO_NOTE), &len), ERR_OK);
    CU_ASSERT_EQUAL(len, strstr(GO_NOTE, "\n\n") - GO_NOTE + 1);
}

static void test_verifier_text_round_trip(void)
{
    static const char *const keys[] = {GO_KEY, GO_SUMDB_KEY};
    for (size_t i = 0; i < 2; i++) {
        struct note_verifier v;
        char text[NOTE_VERIFIER_TEXT_MAX];
        CU_ASSERT_EQUAL(note_verifier_parse(&v, keys[i]), ERR_OK);
        note_verifier_text(&v, text);
        CU_ASSERT_STRING_EQUAL(text, keys[i]);
    }
}

static void test_bad_verifier_texts(void)
{
    static const char *const bad[] = {
        "",
        "x",
        "x+",
        "x+c74f20a3",
        "x+c74f20a3+",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"};
    struct note_verifier v;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(note_verifier_parse(&v, bad[i]), ERR_PARSE);
    CU_ASSERT_EQUAL(note_verifier_set(&v, "a b", SEED), ERR_BAD_FIELD);
    CU_ASSERT_EQUAL(note_verifier_set(&v, "a+b", SEED), ERR_BAD_FIELD);
    CU_ASSERT_EQUAL(note_verifier_set(&v, "", SEED), ERR_BAD_FIELD);
}

static void test_sign_and_verify(void)
{
    static const char text[] = "line one\n\nline \xc3\xa4 three\n";
    struct buf b;
    size_t len;
    set_up();
    buf_init(&b, NOTE_BYTES_MAX);
    CU_ASSERT_EQUAL(note_sign(&own, SEED, text, strlen(text), &b), ERR_OK);
    CU_ASSERT_EQUAL(note_verify(&own, b.data, b.len, &len), ERR_OK);
    CU_ASSERT_EQUAL(len, strlen(text));
    for (size_t i = 0; i < b.len; i++) {
        b.data[i] ^= 1;
        CU_ASSERT_NOT_EQUAL(note_verify(&own, b.data, b.len, &len), ERR_OK);
        b.data[i] ^= 1;
    }
    buf_clear(&b);
}

static void test_signer_must_own_the_key(void)
{
    static const uint8_t other[NOTE_SEED_BYTES] = {9};
    struct buf b;
    set_up();
    buf_init(&b, NOTE_BYTES_MAX);
    CU_ASSERT_EQUAL(note_sign(&own, other, "x\n", 2, &b), ERR_BAD_FIELD);
    CU_ASSERT_EQUAL(note_sign(&own, SEED, "x", 1, &b), ERR_BAD_FIELD);
    CU_ASSERT_EQUAL(note_sign(&own, SEED, "\x01\n", 2, &b), ERR_BAD_FIELD);
    CU_ASSERT_EQUAL(note_sign(&own, SEED, "\xc0\x80\n", 3, &b), ERR_BAD_FIELD);
    buf_clear(&b);
}

/* Appends a signature of the other implementation's key to our note: ours counts, theirs is
 * ignored. */
static void test_other_signatures_are_ignored(void)
{
    struct note_verifier peter;
    struct buf b;
    size_t len;
    set_up();
    CU_ASSERT_EQUAL(note_verifier_parse(&peter, GO_KEY), ERR_OK);
    buf_init(&b, NOTE_BYTES_MAX);
    CU_ASSERT_EQUAL(note_sign(&own, SEED, "text\n", 5, &b), ERR_OK);
    buf_adds(&b, strstr(GO_NOTE, "\xe2\x80\x94"));
    CU_ASSERT_EQUAL(note_verify(&own, b.data, b.len, &len), ERR_OK);
    CU_ASSERT_EQUAL(note_verify(&peter, b.data, b.len, &len), ERR_SIGNATURE_INVALID);
    buf_clear(&b);
    CU_ASSERT_EQUAL(note_verify(&own, GO_NOTE, strlen(GO_NOTE), &len), ERR_SIGNATURE_INVALID);
}

static void test_malformed_notes(void)
{
    static const char *const bad[] = {"",
                                      "\n",
                                      "\n\n",
                                      "text\n",
                                      "text\n\n",
                                      "text\n\nnot a signature\n",
                                      "text\n\n\xe2\x80\x94 name\n",
                                      "text\n\n\xe2\x80\x94 name AAAA\n",
                                      "text\n\n\xe2\x80\x94 name AAAAAAAA=\n",
                                      "text\n\n\xe2\x80\x94  AAAAAAAA\n",
                                      "text\n\n\xe2\x80\x94 name AAAAAAAA"};
    size_t len;
    set_up();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(note_verify(&own, bad[i], strlen(bad[i]), &len), ERR_PARSE);
}

static void test_too_many_signatures(void)
{
    struct buf b;
    size_t len;
    set_up();
    buf_init(&b, NOTE_BYTES_MAX);
    CU_ASSERT_EQUAL(note_sign(&own, SEED, "text\n", 5, &b), ERR_OK);
    for (size_t i = 1; i < NOTE_SIGNATURES_MAX; i++)
        buf_adds(&b, "\xe2\x80\x94 other AAAAAAAA\n");
    CU_ASSERT_EQUAL(note_verify(&own, b.data, b.len, &len), ERR_OK);
    buf_adds(&b, "\xe2\x80\x94 other AAAAAAAA\n");
    CU_ASSERT_EQUAL(note_verify(&own, b.data, b.len, &len), ERR_PARSE);
    buf_clear(&b);
}

static void test_checkpoint_round_trip(void)
{
    struct checkpoint c = {.origin = "market.example/log", .head = {.size = 12345678901234}};
    struct checkpoint back;
    struct buf b;
    memset(c.head.root.b, 0xab, sizeof c.head.root.b);
    buf_init(&b, NOTE_BYTES_MAX);
    checkpoint_write(&c, &b);
    CU_ASSERT_EQUAL(checkpoint_parse(&back, c.origin, b.data, b.len), ERR_OK);
    CU_ASSERT_EQUAL(back.head.size, c.head.size);
    CU_ASSERT(merkle_hash_equal(&back.head.root, &c.head.root));
    CU_ASSERT_EQUAL(checkpoint_parse(&back, "elsewhere", b.data, b.len), ERR_PARSE);
    buf_adds(&b, "extension 1\n");
    CU_ASSERT_EQUAL(checkpoint_parse(&back, c.origin, b.data, b.len), ERR_OK);
    buf_adds(&b, "\n");
    CU_ASSERT_EQUAL(checkpoint_parse(&back, c.origin, b.data, b.len), ERR_PARSE);
    buf_clear(&b);
}

static void test_malformed_checkpoints(void)
{
#define ROOT "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="
    static const char *const bad[] = {
        "",
        "o\n",
        "o\n1\n",
        "o\n1\n" ROOT,
        "o\n01\n" ROOT "\n",
        "o\n-1\n" ROOT "\n",
        "o\n\n" ROOT "\n",
        "o\n9223372036854775809\n" ROOT "\n",
        "o\n18446744073709551616\n" ROOT "\n",
        "o\n1\nq6s=\n",
        "o\n1\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6t=\n",
        "o\n1\nq6u\x8a\x8e\xc9\x8a\x8d\x8e\xc9\x8arq6urq6urq6urq6urq6urq6urq6urq6s=\n",
        "o\n1\n" ROOT "\nrest"};
    struct checkpoint c;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(checkpoint_parse(&c, "o", bad[i], strlen(bad[i])), ERR_PARSE);
    CU_ASSERT_EQUAL(checkpoint_parse(&c, "o", "o\n1\n" ROOT "\n", strlen("o\n1\n" ROOT "\n")),
                    ERR_OK);
#undef ROOT
}

CU_MAIN("crypto/note", {"note of another implementation", test_note_of_another_implementation},
        {"verifier text round trip", test_verifier_text_round_trip},
        {"bad verifier texts", test_bad_verifier_texts}, {"sign and verify", test_sign_and_verify},
        {"signer must own the key", test_signer_must_own_the_key},
        {"other signatures are ignored", test_other_signatures_are_ignored},
        {"malformed notes", test_malformed_notes},
        {"too many signatures", test_too_many_signatures},
        {"checkpoint round trip", test_checkpoint_round_trip},
        {"malformed checkpoints", test_malformed_checkpoints})
