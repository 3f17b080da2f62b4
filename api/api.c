/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the layer and hands it to http: the routes with their endpoints, and the callbacks. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/auth.h"
#include "api/context.h"
#include "api/key.h"
#include "api/poll.h"

#define R(method, path, operation, auth, scope, body, max, idem)                                   \
    extern const struct endpoint endpoint_##operation;
#include "api/routes.def"
#undef R

static const struct http_route ROUTES[] = {
#define R(method, path, operation, auth, scope, body, max, idem)                                   \
    {method, path, #operation, auth, scope, body, max, idem, &endpoint_##operation},
#include "api/routes.def"
#undef R
};

enum err api_new(const struct api_options *o, struct api **out)
{
    if (o->key_secret == NULL || strlen(o->key_secret) < KEY_SERVER_SECRET_MIN)
        return ERR_RANGE;
    struct api *a = calloc(1, sizeof *a);
    if (a == NULL || sodium_init() < 0) {
        free(a);
        return ERR_NO_MEMORY;
    }
    a->options = *o;
    enum err e = auth_cache_new(&a->keys);
    if (e == ERR_OK)
        e = poll_cache_new(&a->empties);
    if (e != ERR_OK) {
        api_free(a);
        return e;
    }
    *out = a;
    return ERR_OK;
}

void api_free(struct api *a)
{
    if (a == NULL)
        return;
    auth_cache_free(a->keys);
    poll_cache_free(a->empties);
    free(a);
}

static void ended(void *arg, struct http_request *rq)
{
    (void)arg;
    if (rq->user != NULL)
        exchange_reset(rq->user);
    rq->user = NULL;
}

void api_install(struct api *a, struct http_app *app)
{
    app->arg = a;
    app->routes = ROUTES;
    app->route_count = sizeof ROUTES / sizeof ROUTES[0];
    app->authenticate = auth_authenticate;
    app->allows = auth_allows;
    app->handle = api_handle;
    app->ended = ended;
}

void api_set_server(struct api *a, struct http_server *s)
{
    a->server = s;
}
