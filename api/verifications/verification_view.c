/* SPDX-License-Identifier: Apache-2.0 */
#include "api/verifications/verification_view.h"

#include "api/input.h"
#include "api/tasks/task_view.h"

static const struct view_field FIELDS[] = {
    {"id", VIEW_ID, "seat"},           {"task_id", VIEW_ID, "task"},
    {"job_id", VIEW_ID, "job"},        {"rung_id", VIEW_ID, "rung"},
    {"slot", VIEW_INT, NULL},          {"fence", VIEW_INT, NULL},
    {"rung", VIEW_INT, NULL},          {"account_id", VIEW_ID, "acct"},
    {"node_id", VIEW_ID, "node"},      {"node_key", VIEW_HEX, NULL},
    {"weight", VIEW_INT, NULL},        {"state", VIEW_TEXT, NULL},
    {"seated_at", VIEW_TIME, NULL},    {"commit_until", VIEW_TIME, NULL},
    {"reveal_until", VIEW_TIME, NULL}, {"reveal_open", VIEW_BOOL, NULL},
    {"commitment", VIEW_HEX, NULL},    {"committed_at", VIEW_TIME, NULL},
    {"vote", VIEW_BOOL, NULL},         {"vote_reason", VIEW_TEXT, NULL},
    {"revealed_at", VIEW_TIME, NULL},  {"fee_gwei", VIEW_GWEI, NULL},
};

static const struct view_field RESULT[] = {
    {"node_key", VIEW_HEX, NULL},      {"account_id", VIEW_ID, "acct"},
    {"result_digest", VIEW_HEX, NULL}, {"result", VIEW_TEXT, NULL},
    {"blob_id", VIEW_ID, "blob"},
};

void verification_view(struct http_request *rq, const struct db_rows *rows, int row)
{
    struct view v = view_open(rq, "verification");
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, row);
    view_close(&v);
}

void verification_view_whole(struct http_request *rq, const struct db_rows *rows)
{
    struct view v = view_open(rq, "verification");
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, 0);
    view_member(&v, "task");
    task_view_whole(rq, "task_", rows, 0);
    view_member(&v, "result");
    struct view r = view_open(rq, NULL);
    view_row_prefixed(&r, "result_", RESULT, rows, 0, COUNT_OF(RESULT));
    view_close(&r);
    view_close(&v);
}
