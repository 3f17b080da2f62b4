/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: bearer keys, looked up once and remembered for at most five seconds. */
#ifndef CF_API_AUTH_H
#define CF_API_AUTH_H

#include "server/http/http.h"

enum { AUTH_MAX_AGE_MS = 5000 };

struct auth_cache;

enum err auth_cache_new(struct auth_cache **out) CF_MUST_CHECK;
void auth_cache_free(struct auth_cache *c);

/* http_app.authenticate and http_app.allows; arg is the struct api. */
enum http_step auth_authenticate(void *arg, struct http_request *rq, const char *token,
                                 enum err *problem, int64_t *deadline_mono_ms);
bool auth_allows(void *arg, const struct http_principal *who, const char *scope);

#endif
