/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/cli/verify_families.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/vectors_run.h"

enum { FILE_MAX_BYTES = 1024 * 1024, SIBLINGS_MAX = 4 };

/* What the callbacks need: where the document lies, what was opened for it, where to print. */
struct session {
    const char *path;
    FILE *out;
    char *sibling[SIBLINGS_MAX];
    size_t sibling_count;
};

/* The file as NUL-terminated text; NULL when it cannot be read or is too large. The caller frees.
 */
static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    char *text = malloc(FILE_MAX_BYTES + 2);
    size_t len = text != NULL ? fread(text, 1, FILE_MAX_BYTES + 1, f) : 0;
    int broken = ferror(f);
    fclose(f);
    if (text == NULL || broken || len > FILE_MAX_BYTES) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    return text;
}

static const char *open_sibling(void *ctx, const char *name)
{
    struct session *s = ctx;
    char path[PATH_MAX];
    const char *slash = strrchr(s->path, '/');
    int folder = slash != NULL ? (int)(slash - s->path) + 1 : 0;
    /* The name comes from the document: it must not lead out of its folder. */
    if (s->sibling_count == SIBLINGS_MAX || name[0] == '/' || strstr(name, "..") != NULL)
        return NULL;
    int len = snprintf(path, sizeof path, "%.*s%s", folder, s->path, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return NULL;
    char *text = read_file(path);
    s->sibling[s->sibling_count++] = text;
    return text;
}

static void print_disagreement(void *ctx, const char *id, const char *detail)
{
    const struct session *s = ctx;
    fprintf(s->out, "%s: %s: disagrees: %s\n", s->path, id, detail);
}

int verify_family_run(const char *family, const char *path, FILE *out, size_t *passed,
                      size_t *failed)
{
    struct session s = {.path = path, .out = out};
    struct vectors_run run = {open_sibling, print_disagreement, &s, 0, 0};
    json_error_t e = {.text = "cannot be read"};
    if (!vectors_family_known(family)) {
        fprintf(out, "%s: no such family\n", family);
        return -1;
    }
    char *text = read_file(path);
    json_t *doc = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, &e) : NULL;
    free(text);
    if (doc == NULL) {
        fprintf(out, "%s: %s\n", path, e.text);
        return -1;
    }
    int result = vectors_run_document(&run, family, doc) ? 0 : -1;
    if (result != 0)
        fprintf(out, "%s: not a document of family %s\n", path, family);
    for (size_t i = 0; i < s.sibling_count; i++)
        free(s.sibling[i]);
    json_decref(doc);
    *passed += run.passed;
    *failed += run.failed;
    return result;
}

const char *const *verify_family_names(void)
{
    return vectors_family_names();
}
