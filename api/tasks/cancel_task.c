/* SPDX-License-Identifier: Apache-2.0 */
/* Records the wish; the settle worker carries it out, so the answer is 202. */
#include "api/write.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "task", &id);
    if (e == ERR_OK)
        e = input_none(rq);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_task_cancel(&call->db, &who, &id);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field DETAIL[] = {{"state", VIEW_TEXT, NULL}};
    const struct view_field at = {"requested_at", VIEW_TIME, NULL};
    struct uuid id;
    (void)call;
    if (!view_outcome_id(rows, &id))
        return ERR_INTERNAL;
    struct view v = view_open(rq, "task_cancellation");
    view_id(&v, "task_id", "task", &id);
    view_detail(&v, DETAIL, COUNT_OF(DETAIL));
    view_member(&v, at.member);
    view_value(&v, &at, db_rows_text(rows, 0, OUTCOME_AT));
    view_close(&v);
    view_created(rq, 202, "/v1/tasks", "task", &id);
    return ERR_OK;
}

const struct endpoint endpoint_cancel_task = {read, show};
