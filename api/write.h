/* SPDX-License-Identifier: Apache-2.0 */
/* What the read halves of writes share. */
#ifndef CF_API_WRITE_H
#define CF_API_WRITE_H

#include "api/context.h"
#include "api/input.h"
#include "api/view.h"
#include "sql/writes.h"

/* Zeroed arena memory, remembered in call->state for the show half; NULL without memory. */
void *write_state(struct http_request *rq, struct api_call *call, size_t size);
/* Who asks, under which key, with which hash. */
struct sql_caller write_caller(const struct http_request *rq);
/* A fresh UUIDv7. */
struct uuid write_new_id(void);

/* {"amount_gwei":"..."}: at least 1. State of the calls that take just an amount. */
struct amount_request {
    struct uuid id;
    int64_t amount_gwei;
};
enum err write_amount(struct http_request *rq, struct api_call *call,
                      struct amount_request **out) CF_MUST_CHECK;

/* A hash or key in arena memory, from the stack. NULL without memory. */
const uint8_t *write_keep(struct http_request *rq, const uint8_t *bytes, size_t len);

#endif
