/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page.h"
#include "api/verifications/verification_view.h"
#include "sql/reads_work.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    const struct sql_page *page = NULL;
    enum err e = page_read(rq, call, &page);
    if (e == ERR_OK)
        sql_list_seats(&call->db, &rq->who.account, page);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct page_view VIEW = {verification_view, "id", NULL, 0};
    return page_show(rq, call, rows, &VIEW);
}

const struct endpoint endpoint_list_verifications = {read, show};
