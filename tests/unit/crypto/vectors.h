/* SPDX-License-Identifier: Apache-2.0 */
/* Loads vector files for the crypto tests and asserts that all of their cases agree. */
#ifndef CF_TESTS_CRYPTO_VECTORS_H
#define CF_TESTS_CRYPTO_VECTORS_H

#include <CUnit/CUnit.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/crypto/vectors_run.h"

#define VECTORS_DIR      "tests/vectors/"
#define VECTORS_FILE_MAX (256 * 1024)
#define VECTORS_SIBLINGS 4
#define VECTORS_PATH_MAX 256

/* Files opened for one document; freed when the run ends. */
struct vectors_files {
    const char *family;
    char *siblings[VECTORS_SIBLINGS];
    size_t count;
};

/* The whole file as text; NULL when it cannot be read. The caller frees. */
static inline char *vectors_read(const char *family, const char *name)
{
    char path[VECTORS_PATH_MAX];
    snprintf(path, sizeof path, VECTORS_DIR "%s/%s", family, name);
    FILE *f = fopen(path, "rb");
    char *text = f != NULL ? malloc(VECTORS_FILE_MAX + 1) : NULL;
    if (text != NULL)
        text[fread(text, 1, VECTORS_FILE_MAX, f)] = '\0';
    if (f != NULL)
        fclose(f);
    return text;
}

static inline json_t *vectors_load(const char *family, const char *name)
{
    char *text = vectors_read(family, name);
    json_t *doc = text != NULL ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return doc;
}

static inline const char *vectors_sibling(void *ctx, const char *name)
{
    struct vectors_files *files = ctx;
    if (files->count == VECTORS_SIBLINGS)
        return NULL;
    char *text = vectors_read(files->family, name);
    files->siblings[files->count++] = text;
    return text;
}

static inline void vectors_print(void *ctx, const char *id, const char *detail)
{
    (void)ctx;
    printf("  disagrees: %s: %s\n", id, detail);
}

/* Runs the document; returns the number of disagreements, or SIZE_MAX when it cannot be run. */
static inline size_t vectors_check_document(const char *family, const json_t *doc, size_t *passed)
{
    struct vectors_files files = {.family = family};
    struct vectors_run run = {vectors_sibling, vectors_print, &files, 0, 0};
    bool ran = vectors_run_document(&run, family, doc);
    for (size_t i = 0; i < files.count; i++)
        free(files.siblings[i]);
    *passed = run.passed;
    return ran ? run.failed : SIZE_MAX;
}

/* Asserts that exactly `cases` cases of the file agree and none disagrees. */
static inline void vectors_check(const char *family, const char *name, size_t cases)
{
    size_t passed = 0;
    json_t *doc = vectors_load(family, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(doc);
    CU_ASSERT_EQUAL(vectors_check_document(family, doc, &passed), 0);
    CU_ASSERT_EQUAL(passed, cases);
    if (passed != cases)
        printf("  %s/%s: %zu passed, expected %zu\n", family, name, passed, cases);
    json_decref(doc);
}

#endif
