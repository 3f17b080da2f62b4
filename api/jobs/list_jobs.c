/* SPDX-License-Identifier: Apache-2.0 */
#include "api/input.h"
#include "api/jobs/job_view.h"
#include "api/page.h"
#include "sql/reads_work.h"

struct query {
    const char *state;
};

static const struct input_field FIELDS[] = {
    FIELD(struct query, state, "state", INPUT_CHOICE, MAY, 0, 0,
          "assigned|committed|revealed|checked|accepted|paid|declined|lapsed|wrong|voided")};

static enum err read(struct http_request *rq, struct api_call *call)
{
    const struct sql_page *page = NULL;
    struct query q = {0};
    enum err e = page_read(rq, call, &page);
    if (e == ERR_OK)
        e = input_query(rq, FIELDS, COUNT_OF(FIELDS), &q);
    if (e == ERR_OK)
        sql_list_jobs(&call->db, &rq->who.account, q.state, page);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct page_view VIEW = {job_view, "id", NULL, 0};
    return page_show(rq, call, rows, &VIEW);
}

const struct endpoint endpoint_list_jobs = {read, show};
