/* SPDX-License-Identifier: Apache-2.0 */
/* One blocking connection to Redis. hiredis 0.14 keeps state across redisReconnect, so a broken
 * link is freed and made anew. */
#ifndef CF_QUEUE_LINK_H
#define CF_QUEUE_LINK_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/err.h"

enum { LINK_ADDRESS_MAX = 256, LINK_PREFIX_MAX = 32, LINK_ARGS_MAX = 560, LINK_TIMEOUT_MS = 5000 };

/* A command under construction. Texts are borrowed until it was sent. */
struct command {
    int argc;
    const char *argv[LINK_ARGS_MAX];
    size_t argvlen[LINK_ARGS_MAX];
};

void command_add(struct command *c, const char *text);
void command_addn(struct command *c, const char *text, size_t len);

/* "unix:/path", "host:port" or "[v6]:port"; NULL when it cannot be reached or is malformed. The
 * timeout holds for every reply. */
redisContext *link_open(const char *address, int64_t timeout_ms);
bool link_address_valid(const char *address);
bool link_timeout(redisContext *ctx, int64_t timeout_ms);
bool link_send(redisContext *ctx, const struct command *c);
/* NULL: the link is broken and must be freed. */
redisReply *link_receive(redisContext *ctx);
bool reply_is_error(const redisReply *r, const char *kind); /* "NOGROUP" */

#endif
