/* SPDX-License-Identifier: Apache-2.0 */
/* The next thing a node has to do as a provider: execute what it won, or reveal what it committed.
 */
#include "api/claim.h"
#include "api/jobs/job_view.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct claim_args a;
    enum err e = claim_read(rq, call, "job", &a);
    if (e == ERR_OK)
        sql_claim_job(&call->db, &a);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    enum err e = claim_judge(rq, rows);
    if (e == ERR_OK)
        job_view_whole(rq, rows);
    return e;
}

const struct endpoint endpoint_claim_job = {read, show};
