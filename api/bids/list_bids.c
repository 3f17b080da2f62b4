/* SPDX-License-Identifier: Apache-2.0 */
#include "api/bids/bid_view.h"
#include "api/input.h"
#include "api/page.h"
#include "sql/reads_work.h"

struct query {
    const struct uuid *task_id;
};

static const struct input_field FIELDS[] = {
    FIELD(struct query, task_id, "task_id", INPUT_ID, MAY_NULL, 0, 0, "task")};

static enum err read(struct http_request *rq, struct api_call *call)
{
    const struct sql_page *page = NULL;
    struct query q = {0};
    enum err e = page_read(rq, call, &page);
    if (e == ERR_OK)
        e = input_query(rq, FIELDS, COUNT_OF(FIELDS), &q);
    if (e == ERR_OK)
        sql_list_bids(&call->db, &rq->who.account, q.task_id, page);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct page_view VIEW = {bid_view, "id", NULL, 0};
    return page_show(rq, call, rows, &VIEW);
}

const struct endpoint endpoint_list_bids = {read, show};
