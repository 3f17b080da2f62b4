/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the route of a method and a path. Immutable after router_new, so all threads share it. */
#ifndef CF_HTTP_ROUTER_H
#define CF_HTTP_ROUTER_H

#include "server/http/gate.h"
#include "server/http/http.h"

struct router;

struct router_match {
    const struct http_route *route;
    size_t index;                         /* of the route in the list */
    struct bytes params[HTTP_PARAMS_MAX]; /* still escaped, borrowed from the path */
    int param_count;
    const char *allow; /* methods of the path, for Allow; NULL when the path is unknown */
};

/* ERR_CONFLICT for two routes that meet, ERR_RANGE for a path with too many parameters. */
enum err router_new(const struct http_route *routes, size_t count,
                    struct router **out) CF_MUST_CHECK;
void router_free(struct router *r);
/* ERR_OK, ERR_NOT_FOUND, or ERR_METHOD_NOT_ALLOWED; allow is set but for ERR_NOT_FOUND. A literal
 * segment wins over a parameter. */
enum err router_find(const struct router *r, enum gate_method method, const char *path, size_t len,
                     struct router_match *out) CF_MUST_CHECK;

#endif
