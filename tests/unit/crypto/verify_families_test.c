/* SPDX-License-Identifier: Apache-2.0 */
/* The runner behind `computefi verify`: every committed file agrees, and a wrong expectation is
 * seen. */
#include "tests/support/cu.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workers/cli/verify_families.h"

static bool is_json(const char *name)
{
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".json") == 0;
}

static void test_every_file_of_every_family(void)
{
    size_t files = 0;
    for (const char *const *family = verify_family_names(); *family != NULL; family++) {
        char folder[PATH_MAX];
        snprintf(folder, sizeof folder, "tests/vectors/%s", *family);
        DIR *d = opendir(folder);
        CU_ASSERT_PTR_NOT_NULL_FATAL(d);
        for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
            char path[PATH_MAX];
            size_t passed = 0;
            size_t failed = 0;
            int len = snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            if (!is_json(e->d_name) || len >= (int)sizeof path)
                continue;
            CU_ASSERT_EQUAL(verify_family_run(*family, path, stdout, &passed, &failed), 0);
            CU_ASSERT_EQUAL(failed, 0);
            CU_ASSERT(passed > 0);
            files++;
        }
        closedir(d);
    }
    CU_ASSERT(files >= 25);
}

/* Runs a document written to a temporary file; returns verify_family_run's answer, its output in
 * *text. */
static int run_text(const char *family, const char *document, char **text, size_t *failed)
{
    char path[] = "/tmp/verify-families-XXXXXX";
    size_t size;
    size_t passed = 0;
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, document, strlen(document)), (ssize_t)strlen(document));
    close(fd);
    FILE *out = open_memstream(text, &size);
    *failed = 0;
    int answer = verify_family_run(family, path, out, &passed, failed);
    fclose(out);
    unlink(path);
    return answer;
}

static void test_a_disagreement_is_printed(void)
{
    char *text = NULL;
    size_t failed;
    CU_ASSERT_EQUAL(
        run_text("keccak",
                 "{\"format\":\"keccak256/1\",\"cases\":[{\"msg\":\"\",\"keccak256\":\"00\"}]}",
                 &text, &failed),
        0);
    CU_ASSERT_EQUAL(failed, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "case 0: disagrees"));
    free(text);
}

static void test_what_cannot_be_run_is_said(void)
{
    char *text = NULL;
    size_t failed;
    CU_ASSERT_EQUAL(run_text("nonsense", "{}", &text, &failed), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "no such family"));
    free(text);
    CU_ASSERT_EQUAL(run_text("keccak", "{", &text, &failed), -1);
    free(text);
    CU_ASSERT_EQUAL(run_text("keccak", "{\"format\":\"pow-header/1\"}", &text, &failed), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "not a document of family"));
    free(text);
    CU_ASSERT_EQUAL(failed, 0);
}

static void test_a_sibling_cannot_lead_out_of_the_folder(void)
{
    char *text = NULL;
    size_t failed;
    CU_ASSERT_EQUAL(
        run_text("groth16-snarkjs",
                 "{\"format\":\"groth16-json-text/1\",\"vkey\":\"../work\",\"cases\":[]}", &text,
                 &failed),
        0);
    CU_ASSERT_EQUAL(failed, 1);
    free(text);
}

CU_MAIN("crypto/verify_families", {"every file of every family", test_every_file_of_every_family},
        {"a disagreement is printed", test_a_disagreement_is_printed},
        {"what cannot be run is said", test_what_cannot_be_run_is_said},
        {"a sibling cannot lead out of the folder", test_a_sibling_cannot_lead_out_of_the_folder})
