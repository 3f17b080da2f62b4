/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/bytes.h"

#include "tests/support/cu.h"

static void hex_round_trip(void)
{
    uint8_t in[256];
    uint8_t back[256];
    char text[513];
    for (int i = 0; i < 256; i++)
        in[i] = (uint8_t)i;
    hex_encode(in, sizeof in, text);
    CU_ASSERT_EQUAL(strlen(text), 512);
    CU_ASSERT_EQUAL(strncmp(text, "000102", 6), 0);
    CU_ASSERT_EQUAL(hex_decode(text, back, sizeof back), ERR_OK);
    CU_ASSERT_EQUAL(memcmp(in, back, sizeof in), 0);
    CU_ASSERT_EQUAL(hex_decode("DEADbeef", back, 4), ERR_OK);
    CU_ASSERT_EQUAL(back[0], 0xde);
}

static void hex_refuses(void)
{
    static const char *const bad[] = {"", "0", "000", "00000", "0g00", "00 0", "0x00", "-000"};
    uint8_t out[2] = {7, 7};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(hex_decode(bad[i], out, 2), ERR_PARSE);
    CU_ASSERT_EQUAL(out[0], 7);
}

/* RFC 4648 section 10, in the URL alphabet without padding. */
static void base64url_vectors(void)
{
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const coded[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
    char text[16];
    uint8_t back[16];
    size_t len = 99;
    for (size_t i = 0; i < 7; i++) {
        base64url_encode((const uint8_t *)plain[i], strlen(plain[i]), text);
        CU_ASSERT_STRING_EQUAL(text, coded[i]);
        CU_ASSERT_EQUAL(base64url_decode(coded[i], back, sizeof back, &len), ERR_OK);
        CU_ASSERT_EQUAL(len, strlen(plain[i]));
        CU_ASSERT_EQUAL(memcmp(back, plain[i], len), 0);
    }
    base64url_encode((const uint8_t *)"\xfb\xff", 2, text);
    CU_ASSERT_STRING_EQUAL(text, "-_8");
}

static void base64url_is_strict(void)
{
    static const char *const bad[] = {"Z", "Zg==", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm 9v", "Zm9vY"};
    uint8_t out[16];
    size_t len = 99;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(base64url_decode(bad[i], out, sizeof out, &len), ERR_PARSE);
    CU_ASSERT_EQUAL(base64url_decode("Zm9vYmFy", out, 5, &len), ERR_RANGE);
    CU_ASSERT_EQUAL(len, 99);
}

/* FIPS 180-4: SHA-256("abc"). */
static void plain_hash_vector(void)
{
    uint8_t out[HASH_BYTES];
    char text[65];
    hash_plain("abc", 3, out);
    hex_encode(out, sizeof out, text);
    CU_ASSERT_STRING_EQUAL(text,
                           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void tagged_hash_is_the_stated_encoding(void)
{
    static const uint8_t message[] = {2,   't', 'g', 0, 0, 0, 0, 0, 0, 0, 3,
                                      'a', 'b', 'c', 0, 0, 0, 0, 0, 0, 0, 0};
    const struct bytes parts[] = {{(const uint8_t *)"abc", 3}, {NULL, 0}};
    uint8_t expected[HASH_BYTES];
    uint8_t out[HASH_BYTES];
    hash_plain(message, sizeof message, expected);
    hash_tagged("tg", parts, 2, out);
    CU_ASSERT_EQUAL(memcmp(out, expected, sizeof out), 0);
}

static void tagged_hash_separates_parts(void)
{
    const struct bytes one[] = {{(const uint8_t *)"ab", 2}, {(const uint8_t *)"c", 1}};
    const struct bytes two[] = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"bc", 2}};
    uint8_t a[HASH_BYTES];
    uint8_t b[HASH_BYTES];
    hash_tagged("t", one, 2, a);
    hash_tagged("t", two, 2, b);
    CU_ASSERT_NOT_EQUAL(memcmp(a, b, sizeof a), 0);
    hash_tagged("u", one, 2, b);
    CU_ASSERT_NOT_EQUAL(memcmp(a, b, sizeof a), 0);
}

CU_MAIN("bytes", {"hex round trip", hex_round_trip}, {"hex refuses", hex_refuses},
        {"base64url vectors", base64url_vectors}, {"base64url is strict", base64url_is_strict},
        {"plain hash vector", plain_hash_vector},
        {"tagged hash is the stated encoding", tagged_hash_is_the_stated_encoding},
        {"tagged hash separates parts", tagged_hash_separates_parts})
