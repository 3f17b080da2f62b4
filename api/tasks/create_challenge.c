/* SPDX-License-Identifier: Apache-2.0 */
/* One bonded challenge of an accepted result opens the next rung. */
#include "api/write.h"

enum { REASON_MAX = 500 };

struct request {
    const char *reason;
    const struct uuid *job_id;
};

static const struct input_field FIELDS[] = {
    FIELD(struct request, reason, "reason", INPUT_TEXT, NEED, 1, REASON_MAX, NULL),
    FIELD(struct request, job_id, "job_id", INPUT_ID, MAY_NULL, 0, 0, "job"),
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid task;
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    enum err e = input_param(rq, 0, "task", &task);
    if (e == ERR_OK)
        e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_challenge_create(
        &call->db, &who,
        &(struct challenge_create_args){write_new_id(), task, q->job_id, q->reason});
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field DETAIL[] = {{"job_id", VIEW_ID, "job"},
                                               {"bond_gwei", VIEW_GWEI, NULL}};
    const struct request *q = call->state;
    struct view v = view_open(rq, "challenge");
    view_outcome(&v, rows, "chal", "at");
    view_text(&v, "task_id", rq->params[0]);
    view_text(&v, "reason", q->reason);
    view_detail(&v, DETAIL, COUNT_OF(DETAIL));
    view_close(&v);
    rq->reply.status = 201;
    return ERR_OK;
}

const struct endpoint endpoint_create_challenge = {read, show};
