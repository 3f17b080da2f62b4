/* SPDX-License-Identifier: Apache-2.0 */
/* The next thing a node has to do as a verifier: check and commit a vote, or reveal it. */
#include "api/claim.h"
#include "api/verifications/verification_view.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct claim_args a;
    enum err e = claim_read(rq, call, "seat", &a);
    if (e == ERR_OK)
        sql_claim_seat(&call->db, &a);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    enum err e = claim_judge(rq, rows);
    if (e == ERR_OK)
        verification_view_whole(rq, rows);
    return e;
}

const struct endpoint endpoint_claim_verification = {read, show};
