/* SPDX-License-Identifier: Apache-2.0 */
#include "api/write.h"

#include <string.h>

#include "server/core/clock.h"
#include "server/core/money.h"

void *write_state(struct http_request *rq, struct api_call *call, size_t size)
{
    call->state = arena_alloc(&rq->arena, size);
    return call->state;
}

struct sql_caller write_caller(const struct http_request *rq)
{
    return (struct sql_caller){
        .entity = rq->who.account,
        .key = rq->who.key,
        .idem = rq->route->idempotent_key ? rq->idempotency_key : NULL,
        .hash = rq->body_hash,
    };
}

struct uuid write_new_id(void)
{
    return uuid_new(clock_wall_ms());
}

enum err write_amount(struct http_request *rq, struct api_call *call, struct amount_request **out)
{
    static const struct input_field FIELDS[] = {FIELD(struct amount_request, amount_gwei,
                                                      "amount_gwei", INPUT_GWEI, NEED, 1,
                                                      MONEY_MAX_GWEI, NULL)};
    struct amount_request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    q->id = write_new_id();
    *out = q;
    return input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
}

const uint8_t *write_keep(struct http_request *rq, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = arena_alloc(&rq->arena, len);
    if (copy != NULL)
        memcpy(copy, bytes, len);
    return copy;
}
