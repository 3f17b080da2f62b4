/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/arena.h"

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/cu.h"

static void memory_is_zeroed_aligned_and_distinct(void)
{
    struct arena a;
    unsigned char *seen[200];
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < 200; i++) {
        unsigned char *p = arena_alloc(&a, i);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p);
        CU_ASSERT_EQUAL((uintptr_t)p % 16, 0);
        for (size_t b = 0; b < i; b++)
            CU_ASSERT_FATAL(p[b] == 0);
        memset(p, (int)(i | 1), i);
        seen[i] = p;
    }
    for (size_t i = 1; i < 200; i++)
        CU_ASSERT(seen[i][0] == (i | 1) && seen[i][i - 1] == (i | 1));
    arena_clear(&a);
}

static void maximum_holds_and_reset_gives_it_back(void)
{
    struct arena a;
    arena_init(&a, 10000);
    CU_ASSERT_PTR_NULL(arena_alloc(&a, 10001));
    CU_ASSERT_PTR_NULL(arena_alloc(&a, SIZE_MAX));
    CU_ASSERT_PTR_NULL(arena_alloc(&a, SIZE_MAX - 8));
    for (int round = 0; round < 3; round++) {
        CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 6000));
        CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 3000));
        CU_ASSERT_PTR_NULL(arena_alloc(&a, 3000));
        arena_reset(&a);
        CU_ASSERT_EQUAL(a.used_bytes, 0);
    }
    arena_clear(&a);
    CU_ASSERT_PTR_NULL(a.head);
}

static void texts(void)
{
    struct arena a;
    arena_init(&a, 20000);
    CU_ASSERT_STRING_EQUAL(arena_strndup(&a, "hello", 3), "hel");
    CU_ASSERT_STRING_EQUAL(arena_strndup(&a, NULL, 0), "");
    CU_ASSERT_PTR_NULL(arena_strndup(&a, "x", SIZE_MAX));
    CU_ASSERT_STRING_EQUAL(arena_printf(&a, "%s-%d", "x", 42), "x-42");
    char *wide = arena_printf(&a, "%05000d", 7);
    CU_ASSERT_PTR_NOT_NULL_FATAL(wide);
    CU_ASSERT_EQUAL(strlen(wide), 5000);
    CU_ASSERT_PTR_NULL(arena_printf(&a, "%030000d", 7));
    arena_clear(&a);
}

CU_MAIN("arena", {"memory is zeroed, aligned and distinct", memory_is_zeroed_aligned_and_distinct},
        {"maximum holds and reset gives it back", maximum_holds_and_reset_gives_it_back},
        {"texts", texts})
