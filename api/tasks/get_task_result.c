/* SPDX-License-Identifier: Apache-2.0 */
/* The accepted results, for the requester (or an operator) only, and only once accepted. */
#include "api/input.h"
#include "api/view.h"
#include "sql/reads_task.h"

static const struct view_field RESULT[] = {
    {"job_id", VIEW_ID, "job"},      {"slot", VIEW_INT, NULL},
    {"account_id", VIEW_ID, "acct"}, {"result_digest", VIEW_HEX, NULL},
    {"result", VIEW_TEXT, NULL},     {"result_blob_id", VIEW_ID, "blob"},
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "task", &id);
    if (e == ERR_OK)
        sql_find_task_result(&call->db, &id);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    struct uuid requester;
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    if (!db_rows_uuid(rows, 0, db_rows_column(rows, "requester_id"), &requester))
        return ERR_INTERNAL;
    if (!uuid_equal(&requester, &rq->who.account) && !rq->who.is_operator)
        return ERR_FORBIDDEN;
    if (db_rows_text(rows, 0, db_rows_column(rows, "job_id")) == NULL)
        return ERR_RESULT_NOT_READY;
    struct view v = view_open(rq, "task_result");
    view_text(&v, "task_id", rq->params[0]);
    view_array(&v, "results");
    for (int i = 0; i < db_rows_count(rows); i++) {
        view_element(&v, i == 0);
        struct view r = view_open(rq, NULL);
        view_row(&r, RESULT, COUNT_OF(RESULT), rows, i);
        view_close(&r);
    }
    view_array_end(&v);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_get_task_result = {read, show};
