/* SPDX-License-Identifier: Apache-2.0 */
/* All parts are there: a worker checks the digest; GET the blob for the outcome. */
#include "api/write.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "blob", &id);
    if (e == ERR_OK)
        e = input_none(rq);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_blob_complete(&call->db, &who, &id);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field DETAIL[] = {{"state", VIEW_TEXT, NULL}};
    struct uuid id;
    (void)call;
    if (!view_outcome_id(rows, &id))
        return ERR_INTERNAL;
    struct view v = view_open(rq, "blob_completion");
    view_outcome(&v, rows, "blob", "at");
    view_detail(&v, DETAIL, COUNT_OF(DETAIL));
    view_close(&v);
    view_created(rq, 202, "/v1/blobs", "blob", &id);
    return ERR_OK;
}

const struct endpoint endpoint_complete_blob = {read, show};
