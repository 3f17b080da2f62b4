/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes, checkpoints and verifier keys. A checkpoint that parses is written back byte for
 * byte (but for its extension lines), and a text that can be signed verifies. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t SEED[NOTE_SEED_BYTES] = {1, 2, 3};
static const char GO_KEY[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

static void check_checkpoint(const char *text, size_t size)
{
    struct checkpoint c;
    struct buf b;
    buf_init(&b, NOTE_BYTES_MAX);
    if (checkpoint_parse(&c, "o", text, size) == ERR_OK) {
        checkpoint_write(&c, &b);
        if (b.len > size || memcmp(b.data, text, b.len) != 0)
            abort();
    }
    buf_clear(&b);
}

static void check_verifier(const char *data, size_t size)
{
    struct note_verifier v;
    char text[NOTE_VERIFIER_TEXT_MAX];
    char *copy = malloc(size + 1);
    if (copy == NULL)
        return;
    memcpy(copy, data, size);
    copy[size] = '\0';
    if (note_verifier_parse(&v, copy) == ERR_OK) {
        struct note_verifier again;
        note_verifier_text(&v, text);
        if (note_verifier_parse(&again, text) != ERR_OK ||
            memcmp(v.key, again.key, sizeof v.key) != 0)
            abort();
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct note_verifier peter;
    static struct note_verifier own;
    const char *text = (const char *)data;
    struct buf b;
    size_t len;
    if (peter.name[0] == '\0' && (note_verifier_parse(&peter, GO_KEY) != ERR_OK ||
                                  note_verifier_from_seed(&own, "own", SEED) != ERR_OK))
        abort();
    if (note_verify(&peter, text, size, &len) == ERR_OK && (len == 0 || len >= size))
        abort();
    check_checkpoint(text, size);
    check_verifier(text, size);
    buf_init(&b, NOTE_BYTES_MAX);
    if (note_sign(&own, SEED, text, size, &b) == ERR_OK && b.len <= NOTE_BYTES_MAX &&
        (note_verify(&own, b.data, b.len, &len) != ERR_OK || len != size))
        abort();
    buf_clear(&b);
    return 0;
}
