/* SPDX-License-Identifier: Apache-2.0 */
#include "api/write.h"

struct request {
    struct job_ref job;
};

static const struct input_field FIELDS[] = {
    FIELD(struct request, job.fence, "fence", INPUT_INT, NEED, 1, INT32_MAX, NULL)};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct request q = {0};
    enum err e = input_param(rq, 0, "job", &q.job.job_id);
    if (e == ERR_OK)
        e = input_body(rq, FIELDS, COUNT_OF(FIELDS), &q);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_job_heartbeat(&call->db, &who, &q.job);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field DETAIL[] = {{"state", VIEW_TEXT, NULL},
                                               {"lease_until", VIEW_TIME, NULL}};
    (void)call;
    struct view v = view_open(rq, "job_heartbeat");
    view_outcome(&v, rows, "job", "at");
    view_detail(&v, DETAIL, COUNT_OF(DETAIL));
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_heartbeat_job = {read, show};
