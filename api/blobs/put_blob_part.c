/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "api/write.h"

enum { INDEX_DIGITS_MAX = 3, PARTS_MAX = 256 };

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct blob_part_args a = {.data = rq->body};
    const char *index = rq->params[1];
    enum err e = input_param(rq, 0, "blob", &a.blob_id);
    if (e != ERR_OK)
        return e;
    if (strlen(index) > INDEX_DIGITS_MAX || strspn(index, "0123456789") != strlen(index))
        return ERR_NOT_FOUND;
    a.part_index = strtoll(index, NULL, 10);
    if (a.part_index >= PARTS_MAX)
        return ERR_NOT_FOUND;
    if (rq->body.len == 0)
        return http_bad(rq, "", "a part has at least one byte");
    struct sql_caller who = write_caller(rq);
    sql_blob_part(&call->db, &who, &a);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    struct view v = view_open(rq, "blob_part");
    const struct view_field at = {"at", VIEW_TIME, NULL};
    view_text(&v, "blob_id", rq->params[0]);
    view_int(&v, "part_index", strtoll(rq->params[1], NULL, 10));
    view_int(&v, "size_bytes", (int64_t)rq->body.len);
    view_member(&v, at.member);
    view_value(&v, &at, db_rows_text(rows, 0, OUTCOME_AT));
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_put_blob_part = {read, show};
