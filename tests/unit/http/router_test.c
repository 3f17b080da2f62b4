/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/router.h"

#include <string.h>

#include "tests/support/cu.h"

#define ROUTE(m, p)                                                                                \
    {                                                                                              \
        .method = m, .path = p                                                                     \
    }

static const struct http_route routes[] = {
    ROUTE("GET", "/v1/tasks"),
    ROUTE("POST", "/v1/tasks"),
    ROUTE("GET", "/v1/tasks/{id}"),
    ROUTE("DELETE", "/v1/tasks/{id}"),
    ROUTE("GET", "/v1/tasks/estimate"),
    ROUTE("GET", "/v1/tasks/{id}/bids"),
    ROUTE("PUT", "/v1/blobs/{id}/parts/{index}"),
    ROUTE("GET", "/v1/tasks/estimate/deep/way"),
    ROUTE("GET", "/v1/tasks/{id}/deep/{end}"),
    ROUTE("PATCH", "/a/{b}/{c}/{d}/{e}"),
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

static struct router *router;

static int set_up(void)
{
    return router_new(routes, ROUTES, &router) == ERR_OK ? 0 : 1;
}

static int tear_down(void)
{
    router_free(router);
    return 0;
}

static enum err find(enum gate_method method, const char *path, struct router_match *m)
{
    return router_find(router, method, path, strlen(path), m);
}

static void expect(enum gate_method method, const char *path, size_t index)
{
    struct router_match m;
    CU_ASSERT_EQUAL(find(method, path, &m), ERR_OK);
    CU_ASSERT_EQUAL(m.index, index);
    CU_ASSERT_PTR_EQUAL(m.route, &routes[index]);
}

static bool param_is(const struct router_match *m, int i, const char *text)
{
    return m->params[i].len == strlen(text) && memcmp(m->params[i].data, text, strlen(text)) == 0;
}

static void finds_routes(void)
{
    expect(METHOD_GET, "/v1/tasks", 0);
    expect(METHOD_HEAD, "/v1/tasks", 0);
    expect(METHOD_POST, "/v1/tasks", 1);
    expect(METHOD_GET, "/v1/tasks/task_1", 2);
    expect(METHOD_DELETE, "/v1/tasks/task_1", 3);
    expect(METHOD_GET, "/v1/tasks/task_1/bids", 5);
}

static void a_literal_wins_but_steps_back(void)
{
    struct router_match m;
    expect(METHOD_GET, "/v1/tasks/estimate", 4);
    expect(METHOD_GET, "/v1/tasks/estimate/deep/way", 7);
    expect(METHOD_GET, "/v1/tasks/estimate/bids", 5);
    CU_ASSERT_EQUAL(find(METHOD_GET, "/v1/tasks/estimate/deep/other", &m), ERR_OK);
    CU_ASSERT_EQUAL(m.index, 8);
    CU_ASSERT_EQUAL_FATAL(m.param_count, 2);
    CU_ASSERT_TRUE(param_is(&m, 0, "estimate") && param_is(&m, 1, "other"));
}

static void cuts_parameters_out(void)
{
    struct router_match m;
    CU_ASSERT_EQUAL(find(METHOD_PUT, "/v1/blobs/blob_9/parts/12", &m), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(m.param_count, 2);
    CU_ASSERT_TRUE(param_is(&m, 0, "blob_9") && param_is(&m, 1, "12"));
    CU_ASSERT_EQUAL(find(METHOD_PATCH, "/a/1/2/3/4", &m), ERR_OK);
    CU_ASSERT_EQUAL(m.param_count, 4);
}

static void knows_no_other_paths(void)
{
    static const char *const none[] = {
        "",           "/",           "/v1",      "/v1/",       "/v1/tasks/",   "//v1/tasks",
        "/v1//tasks", "/V1/tasks",   "/v1/task", "/v1/taskss", "/v1/tasks/a/", "/v1/tasks//bids",
        "/a/1/2/3",   "/a/1/2/3/4/5"};
    struct router_match m;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        CU_ASSERT_EQUAL(find(METHOD_GET, none[i], &m), ERR_NOT_FOUND);
        CU_ASSERT_PTR_NULL(m.allow);
        CU_ASSERT_EQUAL(m.param_count, 0);
    }
}

static void names_the_methods_of_a_path(void)
{
    struct router_match m;
    CU_ASSERT_EQUAL(find(METHOD_DELETE, "/v1/tasks", &m), ERR_METHOD_NOT_ALLOWED);
    CU_ASSERT_STRING_EQUAL(m.allow, "GET, HEAD, POST, OPTIONS");
    CU_ASSERT_EQUAL(find(METHOD_OTHER, "/v1/tasks/x", &m), ERR_METHOD_NOT_ALLOWED);
    CU_ASSERT_STRING_EQUAL(m.allow, "GET, HEAD, DELETE, OPTIONS");
    CU_ASSERT_EQUAL(find(METHOD_GET, "/v1/blobs/1/parts/2", &m), ERR_METHOD_NOT_ALLOWED);
    CU_ASSERT_STRING_EQUAL(m.allow, "PUT, OPTIONS");
    CU_ASSERT_EQUAL(find(METHOD_OPTIONS, "/v1/tasks", &m), ERR_METHOD_NOT_ALLOWED);
}

static void refuses_lists_that_contradict_themselves(void)
{
    struct router *r = NULL;
    static const struct http_route twice[] = {ROUTE("GET", "/a/{x}"), ROUTE("GET", "/a/{y}")};
    static const struct http_route deep[] = {ROUTE("GET", "/{a}/{b}/{c}/{d}/{e}")};
    static const struct http_route odd[] = {ROUTE("BREW", "/a")};
    CU_ASSERT_EQUAL(router_new(twice, 2, &r), ERR_CONFLICT);
    CU_ASSERT_EQUAL(router_new(deep, 1, &r), ERR_RANGE);
    CU_ASSERT_EQUAL(router_new(odd, 1, &r), ERR_RANGE);
    CU_ASSERT_PTR_NULL(r);
}

CU_MAIN_WITH(set_up, tear_down, "http router", {"finds_routes", finds_routes},
             {"a_literal_wins_but_steps_back", a_literal_wins_but_steps_back},
             {"cuts_parameters_out", cuts_parameters_out},
             {"knows_no_other_paths", knows_no_other_paths},
             {"names_the_methods_of_a_path", names_the_methods_of_a_path},
             {"refuses_lists_that_contradict_themselves", refuses_lists_that_contradict_themselves})
