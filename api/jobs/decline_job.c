/* SPDX-License-Identifier: Apache-2.0 */
/* Gives a slot back before committing; the next bid takes over. */
#include "api/write.h"

enum { REASON_MAX = 200 };

struct request {
    struct job_ref job;
    const char *reason;
};

static const struct input_field FIELDS[] = {
    FIELD(struct request, job.fence, "fence", INPUT_INT, NEED, 1, INT32_MAX, NULL),
    FIELD(struct request, reason, "reason", INPUT_TEXT, NEED, 1, REASON_MAX, NULL),
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    enum err e = input_param(rq, 0, "job", &q->job.job_id);
    if (e == ERR_OK)
        e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_job_decline(&call->db, &who, &q->job, q->reason);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct request *q = call->state;
    struct view v = view_open(rq, "job_decline");
    view_outcome(&v, rows, "job", "declined_at");
    view_text(&v, "reason", q->reason);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_decline_job = {read, show};
