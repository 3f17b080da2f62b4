/* SPDX-License-Identifier: Apache-2.0 */
#include "server/queue/link.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { PORT_MAX = 65535 };

void command_addn(struct command *c, const char *text, size_t len)
{
    assert(c->argc < LINK_ARGS_MAX);
    c->argv[c->argc] = text;
    c->argvlen[c->argc++] = len;
}

void command_add(struct command *c, const char *text)
{
    command_addn(c, text, strlen(text));
}

/* Splits "host:port"; the host of "[::1]:6379" loses its brackets. */
static bool split(const char *address, char host[LINK_ADDRESS_MAX], int *port)
{
    char *end = NULL;
    const char *colon = strrchr(address, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - address);
    if (len == 0 || len >= LINK_ADDRESS_MAX)
        return false;
    long number = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || number < 1 || number > PORT_MAX)
        return false;
    if (address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    memcpy(host, address, len);
    host[len] = '\0';
    *port = (int)number;
    return len > 0;
}

bool link_address_valid(const char *address)
{
    char host[LINK_ADDRESS_MAX];
    int port;
    if (strncmp(address, "unix:", 5) == 0)
        return address[5] == '/';
    return split(address, host, &port);
}

static struct timeval timeval_of(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

redisContext *link_open(const char *address, int64_t timeout_ms)
{
    char host[LINK_ADDRESS_MAX];
    int port = 0;
    redisContext *ctx = NULL;
    struct timeval connect_tv = timeval_of(LINK_TIMEOUT_MS);
    if (strncmp(address, "unix:", 5) == 0)
        ctx = redisConnectUnixWithTimeout(address + 5, connect_tv);
    else if (split(address, host, &port))
        ctx = redisConnectWithTimeout(host, port, connect_tv);
    if (ctx != NULL && ctx->err == 0 && link_timeout(ctx, timeout_ms))
        return ctx;
    if (ctx != NULL)
        redisFree(ctx);
    return NULL;
}

bool link_timeout(redisContext *ctx, int64_t timeout_ms)
{
    return redisSetTimeout(ctx, timeval_of(timeout_ms)) == REDIS_OK;
}

bool link_send(redisContext *ctx, const struct command *c)
{
    union {
        const char *const *in;
        const char **out; /* hiredis does not write through it */
    } argv = {c->argv};
    return redisAppendCommandArgv(ctx, c->argc, argv.out, c->argvlen) == REDIS_OK;
}

redisReply *link_receive(redisContext *ctx)
{
    void *reply = NULL;
    return redisGetReply(ctx, &reply) == REDIS_OK ? reply : NULL;
}

bool reply_is_error(const redisReply *r, const char *kind)
{
    return r->type == REDIS_REPLY_ERROR && strncmp(r->str, kind, strlen(kind)) == 0;
}
