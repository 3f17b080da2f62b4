/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/err.h"

#include "tests/support/cu.h"

static void every_code_finds_its_error(void)
{
    for (int i = 0; i < ERR_COUNT; i++) {
        CU_ASSERT_EQUAL(err_from_code(err_code((enum err)i)), (enum err)i);
        CU_ASSERT(strlen(err_title((enum err)i)) > 3);
        CU_ASSERT(err_status((enum err)i) >= 200 && err_status((enum err)i) < 600);
    }
}

static void the_table_is_what_the_wire_sees(void)
{
    CU_ASSERT_EQUAL(ERR_OK, 0);
    CU_ASSERT_STRING_EQUAL(err_code(ERR_INSUFFICIENT_FUNDS), "insufficient_funds");
    CU_ASSERT_EQUAL(err_status(ERR_INSUFFICIENT_FUNDS), 402);
    CU_ASSERT(!err_retryable(ERR_INSUFFICIENT_FUNDS));
    CU_ASSERT(err_retryable(ERR_BUSY));
}

static void unknown_is_internal(void)
{
    CU_ASSERT_EQUAL(err_from_code("no such code"), ERR_INTERNAL);
    CU_ASSERT_EQUAL(err_from_code(NULL), ERR_INTERNAL);
    CU_ASSERT_STRING_EQUAL(err_code((enum err)9999), "internal");
}

CU_MAIN("err", {"every code finds its error", every_code_finds_its_error},
        {"the table is what the wire sees", the_table_is_what_the_wire_sees},
        {"unknown is internal", unknown_is_internal})
