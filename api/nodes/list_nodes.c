/* SPDX-License-Identifier: Apache-2.0 */
#include "api/context.h"
#include "api/input.h"
#include "api/nodes/node_view.h"
#include "api/page.h"
#include "sql/reads_node.h"

struct query {
    const struct uuid *account_id;
    const char *kind;
    const char *online;
};

static const struct input_field FIELDS[] = {
    FIELD(struct query, account_id, "account_id", INPUT_ID, MAY_NULL, 0, 0, "acct"),
    FIELD(struct query, kind, "kind", INPUT_TEXT, MAY, 1, 40, TEXT_KIND),
    FIELD(struct query, online, "online", INPUT_CHOICE, MAY, 0, 0, "true|false"),
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    const struct sql_page *page = NULL;
    struct query q = {0};
    enum err e = page_read(rq, call, &page);
    if (e == ERR_OK)
        e = input_query(rq, FIELDS, COUNT_OF(FIELDS), &q);
    if (e != ERR_OK)
        return e;
    bool online = q.online != NULL && q.online[0] == 't';
    struct list_nodes_args a = {q.account_id, q.kind, q.online == NULL ? NULL : &online,
                                api_options(rq)->default_policy};
    sql_list_nodes(&call->db, &a, page);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct page_view VIEW = {node_view, "id", NULL, 0};
    return page_show(rq, call, rows, &VIEW);
}

const struct endpoint endpoint_list_nodes = {read, show};
