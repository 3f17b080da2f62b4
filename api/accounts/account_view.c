/* SPDX-License-Identifier: Apache-2.0 */
#include "api/accounts/account_view.h"

#include "api/input.h"

static const struct view_field FIELDS[] = {
    {"id", VIEW_ID, "acct"},           {"name", VIEW_TEXT, NULL},
    {"is_operator", VIEW_BOOL, NULL},  {"created_at", VIEW_TIME, NULL},
    {"suspended_at", VIEW_TIME, NULL}, {"node_count", VIEW_INT, NULL},
    {"task_count", VIEW_INT, NULL},    {"job_count", VIEW_INT, NULL},
};

struct view account_view(struct http_request *rq, const struct db_rows *rows)
{
    struct view v = view_open(rq, "account");
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, 0);
    return v;
}
