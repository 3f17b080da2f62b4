/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/ids.h"

#include <pthread.h>
#include <stdlib.h>

#include "tests/support/cu.h"

enum { IDS_PER_THREAD = 2000, THREADS = 4 };

static void version_seven_layout(void)
{
    struct uuid id = uuid_new(INT64_C(0x0123456789ab));
    static const uint8_t time_bytes[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab};
    CU_ASSERT_EQUAL(memcmp(id.b, time_bytes, 6), 0);
    CU_ASSERT_EQUAL(id.b[6] >> 4, 7);
    CU_ASSERT_EQUAL(id.b[8] >> 6, 2);
    CU_ASSERT(!uuid_is_nil(&id));
}

static void grows_while_the_clock_stands_or_turns_back(void)
{
    int64_t now_ms = INT64_C(0x0200000000000);
    struct uuid before = uuid_new(now_ms);
    for (int i = 0; i < 5000; i++) {
        struct uuid id = uuid_new(i % 7 == 0 ? now_ms - 50 : now_ms);
        CU_ASSERT_FATAL(uuid_compare(&before, &id) < 0);
        CU_ASSERT_FATAL(id.b[6] >> 4 == 7 && id.b[8] >> 6 == 2);
        before = id;
    }
}

static void *make_ids(void *arg)
{
    struct uuid *out = arg;
    for (int i = 0; i < IDS_PER_THREAD; i++)
        out[i] = uuid_new(INT64_C(0x0300000000000));
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

static void threads_never_collide(void)
{
    static struct uuid ids[THREADS * IDS_PER_THREAD];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, make_ids, ids + i * IDS_PER_THREAD),
                              0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    qsort(ids, THREADS * IDS_PER_THREAD, sizeof ids[0], by_value);
    for (int i = 1; i < THREADS * IDS_PER_THREAD; i++)
        CU_ASSERT_FATAL(!uuid_equal(&ids[i - 1], &ids[i]));
}

static void uuid_text_round_trip(void)
{
    struct uuid id;
    char text[UUID_TEXT_MAX];
    CU_ASSERT_EQUAL(uuid_parse("0188BAC7-4afa-78aa-bc3b-bd1eef28d881", &id), ERR_OK);
    uuid_print(&id, text);
    CU_ASSERT_STRING_EQUAL(text, "0188bac7-4afa-78aa-bc3b-bd1eef28d881");
}

static void uuid_parse_refuses(void)
{
    static const char *const bad[] = {"",
                                      "0188bac7",
                                      "0188bac74afa78aabc3bbd1eef28d881",
                                      "0188bac7-4afa-78aa-bc3b-bd1eef28d88",
                                      "0188bac7-4afa-78aa-bc3b-bd1eef28d8811",
                                      "0188bac7-4afa-78aa-bc3bbd1e-ef28d881",
                                      "0188bac7-4afa-78aa-bc3b-bd1eef28d88g",
                                      "{188bac7-4afa-78aa-bc3b-bd1eef28d881"};
    struct uuid id = {{9}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(uuid_parse(bad[i], &id), ERR_PARSE);
    CU_ASSERT_EQUAL(id.b[0], 9);
}

/* valid.yml of the TypeID specification 0.3 (github.com/jetify-com/typeid). */
static void typeid_vectors(void)
{
    static const struct {
        const char *prefix;
        const char *text;
        const char *uuid;
    } rows[] = {
        {"prefix", "prefix_00000000000000000000000000", "00000000-0000-0000-0000-000000000000"},
        {"prefix", "prefix_00000000000000000000000001", "00000000-0000-0000-0000-000000000001"},
        {"prefix", "prefix_0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"},
        {"prefix", "prefix_0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"},
        {"prefix", "prefix_00000000000000000000000010", "00000000-0000-0000-0000-000000000020"},
        {"prefix", "prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"},
        {"prefix", "prefix_0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"},
        {"prefix", "prefix_01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"},
        {"pre_fix", "pre_fix_00000000000000000000000000", "00000000-0000-0000-0000-000000000000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct uuid id;
        struct uuid parsed;
        char text[TYPEID_TEXT_MAX];
        CU_ASSERT_EQUAL_FATAL(uuid_parse(rows[i].uuid, &id), ERR_OK);
        typeid_print(rows[i].prefix, &id, text);
        CU_ASSERT_STRING_EQUAL(text, rows[i].text);
        CU_ASSERT_EQUAL_FATAL(typeid_parse(rows[i].prefix, rows[i].text, &parsed), ERR_OK);
        CU_ASSERT(uuid_equal(&id, &parsed));
    }
}

/* invalid.yml of the same, and other prefixes. */
static void typeid_refuses(void)
{
    static const char *const bad[] = {"",
                                      "task",
                                      "task_",
                                      "_00000000000000000000000000",
                                      "00000000000000000000000000",
                                      "bid_00000000000000000000000000",
                                      "TASK_00000000000000000000000000",
                                      "task_0000000000000000000000000",
                                      "task_000000000000000000000000000",
                                      "task_1234567890123456789012345 ",
                                      "task_0123456789ABCDEFGHJKMNPQRS",
                                      "task_123456789-123456789-123456",
                                      "task_ooooooooooooooooooooooooooo",
                                      "task_i23456789ol23456789oi23456",
                                      "task_i23456789ol23456789oi2345u",
                                      "task_8zzzzzzzzzzzzzzzzzzzzzzzzz"};
    struct uuid id = {{9}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(typeid_parse("task", bad[i], &id), ERR_PARSE);
    CU_ASSERT_EQUAL(id.b[0], 9);
}

CU_MAIN("ids", {"version seven layout", version_seven_layout},
        {"grows while the clock stands or turns back", grows_while_the_clock_stands_or_turns_back},
        {"threads never collide", threads_never_collide},
        {"uuid text round trip", uuid_text_round_trip}, {"uuid parse refuses", uuid_parse_refuses},
        {"typeid vectors", typeid_vectors}, {"typeid refuses", typeid_refuses})
