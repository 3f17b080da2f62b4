/* SPDX-License-Identifier: Apache-2.0 */
#include "api/input.h"
#include "api/page.h"
#include "api/policies/policy_view.h"
#include "sql/reads_market.h"

struct query {
    const char *name;
};

static const struct input_field FIELDS[] = {
    FIELD(struct query, name, "name", INPUT_TEXT, MAY, 1, 40, TEXT_SLUG)};

static enum err read(struct http_request *rq, struct api_call *call)
{
    const struct sql_page *page = NULL;
    struct query q = {0};
    enum err e = page_read(rq, call, &page);
    if (e == ERR_OK)
        e = input_query(rq, FIELDS, COUNT_OF(FIELDS), &q);
    if (e == ERR_OK)
        sql_list_policies(&call->db, q.name, page);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct page_view VIEW = {policy_view, "id", NULL, 0};
    return page_show(rq, call, rows, &VIEW);
}

const struct endpoint endpoint_list_policies = {read, show};
