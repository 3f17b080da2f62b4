/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/router.h"

#include <stdlib.h>
#include <string.h>

enum { SEGMENTS_MAX = 12, ALLOW_MAX = 64, METHODS = METHOD_OTHER };

/* One segment of a path. Children are a list: the widest level has a few dozen names. */
struct node {
    const char *text; /* borrowed from the route; NULL for a parameter */
    size_t len;
    struct node *children, *sibling;
    struct node *param;
    size_t route_plus_one[METHODS];
    bool ends_here;
    char allow[ALLOW_MAX];
};

struct router {
    struct node root;
    const struct http_route *routes;
};

/* Cuts the next segment off; false at the end of the path. An empty segment is one, so that
 * "/v1//tasks" and "/v1/tasks/" are other paths than "/v1/tasks". */
static bool next_segment(const char **path, size_t *len, struct bytes *out)
{
    if (*len == 0 || **path != '/')
        return false;
    const char *start = *path + 1;
    size_t rest = *len - 1;
    const char *slash = memchr(start, '/', rest);
    size_t n = slash == NULL ? rest : (size_t)(slash - start);
    *out = (struct bytes){(const uint8_t *)start, n};
    *path = start + n;
    *len = rest - n;
    return true;
}

static struct node *literal_child(const struct node *n, const struct bytes *segment)
{
    for (struct node *c = n->children; c != NULL; c = c->sibling) {
        if (c->len == segment->len && memcmp(c->text, segment->data, c->len) == 0)
            return c;
    }
    return NULL;
}

static struct node *child_for(struct node *n, const struct bytes *segment)
{
    bool is_param = segment->len > 2 && segment->data[0] == '{';
    struct node *found = is_param ? n->param : literal_child(n, segment);
    if (found != NULL)
        return found;
    struct node *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    if (is_param) {
        n->param = c;
        return c;
    }
    c->text = (const char *)segment->data;
    c->len = segment->len;
    c->sibling = n->children;
    n->children = c;
    return c;
}

static void write_allow(struct node *n)
{
    static const char *const names[METHODS] = {"GET",   "HEAD",   "POST",   "PUT",
                                               "PATCH", "DELETE", "OPTIONS"};
    n->allow[0] = '\0';
    for (int m = 0; m < METHODS; m++) {
        bool has = n->route_plus_one[m] != 0 || m == METHOD_OPTIONS;
        if (m == METHOD_HEAD)
            has = n->route_plus_one[METHOD_GET] != 0;
        if (!has)
            continue;
        if (n->allow[0] != '\0')
            strcat(n->allow, ", "); /* all seven names and commas are 46 bytes */
        strcat(n->allow, names[m]);
    }
}

static enum err add_route(struct router *r, size_t index)
{
    const struct http_route *route = &r->routes[index];
    enum gate_method method = gate_method(route->method);
    if (method == METHOD_OTHER || method == METHOD_HEAD || method == METHOD_OPTIONS)
        return ERR_RANGE;
    struct node *n = &r->root;
    const char *path = route->path;
    size_t len = strlen(path);
    struct bytes segment;
    int params = 0;
    int depth = 0;
    while (next_segment(&path, &len, &segment)) {
        n = child_for(n, &segment);
        if (n == NULL)
            return ERR_NO_MEMORY;
        params += n->text == NULL;
        if (++depth > SEGMENTS_MAX || params > HTTP_PARAMS_MAX)
            return ERR_RANGE;
    }
    if (n->route_plus_one[method] != 0)
        return ERR_CONFLICT;
    n->route_plus_one[method] = index + 1;
    n->ends_here = true;
    write_allow(n);
    return ERR_OK;
}

enum err router_new(const struct http_route *routes, size_t count, struct router **out)
{
    struct router *r = calloc(1, sizeof *r);
    if (r == NULL)
        return ERR_NO_MEMORY;
    r->routes = routes;
    for (size_t i = 0; i < count; i++) {
        enum err e = add_route(r, i);
        if (e != ERR_OK) {
            router_free(r);
            return e;
        }
    }
    *out = r;
    return ERR_OK;
}

static void free_children(struct node *n) /* depth is at most SEGMENTS_MAX */
{
    for (struct node *c = n->children; c != NULL;) {
        struct node *next = c->sibling;
        free_children(c);
        free(c);
        c = next;
    }
    if (n->param != NULL) {
        free_children(n->param);
        free(n->param);
    }
}

void router_free(struct router *r)
{
    if (r == NULL)
        return;
    free_children(&r->root);
    free(r);
}

/* Depth first, the literal before the parameter; the depth is that of the routes. */
static const struct node *walk(const struct node *n, const char *path, size_t len,
                               struct router_match *m)
{
    struct bytes segment;
    if (!next_segment(&path, &len, &segment))
        return n->ends_here ? n : NULL;
    const struct node *c = literal_child(n, &segment);
    const struct node *found = c == NULL ? NULL : walk(c, path, len, m);
    if (found != NULL || n->param == NULL || segment.len == 0)
        return found;
    int mine = m->param_count;
    m->params[m->param_count++] = segment;
    found = walk(n->param, path, len, m);
    if (found == NULL)
        m->param_count = mine;
    return found;
}

enum err router_find(const struct router *r, enum gate_method method, const char *path, size_t len,
                     struct router_match *out)
{
    out->route = NULL;
    out->param_count = 0;
    out->allow = NULL;
    const struct node *n = walk(&r->root, path, len, out);
    if (n == NULL)
        return ERR_NOT_FOUND;
    out->allow = n->allow;
    if (method == METHOD_HEAD)
        method = METHOD_GET;
    if (method == METHOD_OTHER || n->route_plus_one[method] == 0)
        return ERR_METHOD_NOT_ALLOWED;
    out->index = n->route_plus_one[method] - 1;
    out->route = &r->routes[out->index];
    return ERR_OK;
}
