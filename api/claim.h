/* SPDX-License-Identifier: Apache-2.0 */
/* What the two claims share: {"node_id","except"} and the node's long poll. */
#ifndef CF_API_CLAIM_H
#define CF_API_CLAIM_H

#include "api/endpoint.h"
#include "sql/reads_work.h"

/* prefix: of the ids in except. Fills args and the topic of the node. */
enum err claim_read(struct http_request *rq, struct api_call *call, const char *prefix,
                    struct claim_args *out) CF_MUST_CHECK;
/* ERR_NOT_FOUND: no such node; ERR_FORBIDDEN: another's; ERR_EMPTY: nothing to do. */
enum err claim_judge(const struct http_request *rq, const struct db_rows *rows) CF_MUST_CHECK;

#endif
