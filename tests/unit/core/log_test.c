/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/log.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/cu.h"

enum { THREADS = 4, LINES = 200, BIG = 20000 };

/* Runs body with standard error in a file and returns what was written; the caller frees. */
static char *captured(void (*body)(void))
{
    FILE *f = tmpfile();
    int saved = dup(STDERR_FILENO);
    dup2(fileno(f), STDERR_FILENO);
    body();
    dup2(saved, STDERR_FILENO);
    close(saved);
    long len = lseek(fileno(f), 0, SEEK_END);
    char *text = calloc(1, (size_t)len + 1);
    lseek(fileno(f), 0, SEEK_SET);
    CU_ASSERT_EQUAL(read(fileno(f), text, (size_t)len), len);
    fclose(f);
    return text;
}

static const char *field(json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));
    return text == NULL ? "(none)" : text;
}

static void write_one(void)
{
    log_event(LOG_WARN, "it \"rains\"", "what", "line\nbreak", "bad", "\xff\xed\xa0\x80", "none",
              NULL, NULL);
    log_event(LOG_DEBUG, "not wanted", NULL);
}

static void one_line_of_json(void)
{
    log_setup("tester", LOG_INFO, 0);
    char *text = captured(write_one);
    CU_ASSERT_PTR_EQUAL(strchr(text, '\n'), text + strlen(text) - 1);
    json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    CU_ASSERT_STRING_EQUAL(field(line, "level"), "warn");
    CU_ASSERT_STRING_EQUAL(field(line, "prog"), "tester");
    CU_ASSERT_STRING_EQUAL(field(line, "msg"), "it \"rains\"");
    CU_ASSERT_STRING_EQUAL(field(line, "what"), "line\nbreak");
    CU_ASSERT_STRING_EQUAL(field(line, "bad"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    CU_ASSERT_EQUAL(strlen(field(line, "ts")), 24);
    json_decref(line);
    free(text);
}

static char *big;

static void write_big(void)
{
    log_event(LOG_ERROR, "big", "value", big, "after", "lost", NULL);
}

static void a_long_line_is_cut_and_stays_json(void)
{
    big = malloc(BIG + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(big);
    for (int special = 0; special < 2; special++) {
        memset(big, special ? '\n' : 'x', BIG);
        big[BIG] = '\0';
        char *text = captured(write_big);
        CU_ASSERT(strlen(text) <= 4096 && strlen(text) > 4000);
        json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(line);
        CU_ASSERT_STRING_EQUAL(field(line, "cut"), "true");
        json_decref(line);
        free(text);
    }
    free(big);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < LINES; i++)
        log_event(LOG_INFO, "from a thread", "name", (const char *)arg, NULL);
    return NULL;
}

static void write_from_threads(void)
{
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, write_many, names[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void lines_of_threads_never_mix(void)
{
    int lines = 0;
    char *text = captured(write_from_threads);
    char *rest = text;
    for (char *l = strsep(&rest, "\n"); l != NULL && *l != '\0'; l = strsep(&rest, "\n")) {
        json_t *line = json_loads(l, 0, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(line);
        json_decref(line);
        lines++;
    }
    CU_ASSERT_EQUAL(lines, THREADS * LINES);
    free(text);
}

static void text_format_for_people(void)
{
    log_setup("tester", LOG_INFO, 1);
    char *text = captured(write_one);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, " level=warn prog=tester it \\\"rains\\\" what=line\\u000a"));
    log_setup("tester", LOG_INFO, 0);
    free(text);
}

CU_MAIN("log", {"one line of JSON", one_line_of_json},
        {"a long line is cut and stays JSON", a_long_line_is_cut_and_stays_json},
        {"lines of threads never mix", lines_of_threads_never_mix},
        {"text format for people", text_format_for_people})
