/* SPDX-License-Identifier: Apache-2.0 */
/* A claim reads what the award or the draw has decided already, so it needs no key and a reply that
 * got lost costs nothing: the next claim says the same. */
#include "api/claim.h"

#include <stdio.h>

#include "api/input.h"

enum { EXCEPT_MAX = 64 };

struct request {
    struct uuid node_id;
    const char *except;
};

enum err claim_read(struct http_request *rq, struct api_call *call, const char *prefix,
                    struct claim_args *out)
{
    const struct input_field fields[] = {
        FIELD(struct request, node_id, "node_id", INPUT_ID, NEED, 0, 0, "node"),
        FIELD(struct request, except, "except", INPUT_IDS, MAY, 0, EXCEPT_MAX, prefix),
    };
    struct request q = {.except = ""};
    char text[UUID_TEXT_MAX];
    enum err e = input_body(rq, fields, COUNT_OF(fields), &q);
    if (e != ERR_OK)
        return e;
    uuid_print(&q.node_id, text);
    snprintf(call->topic, sizeof call->topic, "node:%s", text);
    *out = (struct claim_args){q.node_id, rq->who.account, q.except};
    return ERR_OK;
}

enum err claim_judge(const struct http_request *rq, const struct db_rows *rows)
{
    struct uuid owner;
    if (db_rows_count(rows) == 0 ||
        !db_rows_uuid(rows, 0, db_rows_column(rows, "node_owner"), &owner))
        return ERR_NOT_FOUND;
    if (!uuid_equal(&owner, &rq->who.account))
        return ERR_FORBIDDEN;
    return db_rows_text(rows, 0, db_rows_column(rows, "id")) == NULL ? ERR_EMPTY : ERR_OK;
}
