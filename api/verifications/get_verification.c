/* SPDX-License-Identifier: Apache-2.0 */
#include "api/input.h"
#include "api/verifications/verification_view.h"
#include "sql/reads_work.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "seat", &id);
    if (e == ERR_OK)
        sql_find_seat(&call->db, &id, &rq->who.account);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    verification_view_whole(rq, rows);
    return ERR_OK;
}

const struct endpoint endpoint_get_verification = {read, show};
