/* SPDX-License-Identifier: Apache-2.0 */
/* One CUnit suite per program. `CU_MAIN("suite", {"name", fn}, ...)` is the whole main of a test
 * file: prints PASS or FAIL for each test, `N passed, N failed` last, and fails when anything did.
 */
#ifndef COMPUTEFI_TESTS_SUPPORT_CU_H
#define COMPUTEFI_TESTS_SUPPORT_CU_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>

struct cu_test {
    const char *name;
    void (*fn)(void);
};

static unsigned cu_passed_count;
static unsigned cu_failed_count;

static inline void cu_on_test(const CU_pTest test, const CU_pSuite suite,
                              const CU_pFailureRecord failures)
{
    (void)suite;
    for (CU_pFailureRecord f = failures; f != NULL; f = f->pNext)
        printf("  %s:%u: %s\n", f->strFileName != NULL ? f->strFileName : "?", f->uiLineNumber,
               f->strCondition != NULL ? f->strCondition : "?");
    printf("%s %s\n", failures == NULL ? "PASS" : "FAIL", test->pName);
    fflush(stdout);
    if (failures == NULL)
        cu_passed_count++;
    else
        cu_failed_count++;
}

static inline void cu_on_init_failure(const CU_pSuite suite)
{
    printf("FAIL %s (setup)\n", suite->pName);
    cu_failed_count++;
}

static inline void cu_on_clean_failure(const CU_pSuite suite)
{
    printf("FAIL %s (teardown)\n", suite->pName);
    cu_failed_count++;
}

/* Runs the tests whose name contains argv[1] (all without one); a suite that ran nothing fails. */
static inline int cu_run(const char *suite_name, int (*init)(void), int (*clean)(void),
                         const struct cu_test *tests, size_t test_count, const char *filter)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite(suite_name, init, clean);
    for (size_t i = 0; suite != NULL && i < test_count; i++) {
        if (filter != NULL && strstr(tests[i].name, filter) == NULL)
            continue;
        if (CU_add_test(suite, tests[i].name, tests[i].fn) == NULL) {
            printf("FAIL %s (not added: %s)\n", tests[i].name, CU_get_error_msg());
            cu_failed_count++;
        }
    }
    CU_set_test_complete_handler(cu_on_test);
    CU_set_suite_init_failure_handler(cu_on_init_failure);
    CU_set_suite_cleanup_failure_handler(cu_on_clean_failure);
    CU_run_all_tests();
    CU_cleanup_registry();
    printf("%u passed, %u failed\n", cu_passed_count, cu_failed_count);
    return cu_failed_count == 0 && cu_passed_count > 0 ? 0 : 1;
}

/* init and clean: `int f(void)`, 0 on success, NULL for none; they run once around the suite. */
#define CU_MAIN_WITH(init, clean, suite, ...)                                                      \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        static const struct cu_test cu_tests[] = {__VA_ARGS__};                                    \
        return cu_run(suite, init, clean, cu_tests, sizeof cu_tests / sizeof cu_tests[0],          \
                      argc > 1 ? argv[1] : NULL);                                                  \
    }

#define CU_MAIN(suite, ...) CU_MAIN_WITH(NULL, NULL, suite, __VA_ARGS__)

#endif
