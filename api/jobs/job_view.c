/* SPDX-License-Identifier: Apache-2.0 */
#include "api/jobs/job_view.h"

#include "api/input.h"
#include "api/tasks/task_view.h"

static const struct view_field FIELDS[] = {
    {"id", VIEW_ID, "job"},
    {"task_id", VIEW_ID, "task"},
    {"slot", VIEW_INT, NULL},
    {"fence", VIEW_INT, NULL},
    {"round", VIEW_INT, NULL},
    {"bid_id", VIEW_ID, "bid"},
    {"account_id", VIEW_ID, "acct"},
    {"node_id", VIEW_ID, "node"},
    {"node_key", VIEW_HEX, NULL},
    {"price_gwei", VIEW_GWEI, NULL},
    {"bond_gwei", VIEW_GWEI, NULL},
    {"state", VIEW_TEXT, NULL},
    {"awarded_at", VIEW_TIME, NULL},
    {"lease_until", VIEW_TIME, NULL},
    {"heartbeat_at", VIEW_TIME, NULL},
    {"commitment", VIEW_HEX, NULL},
    {"committed_at", VIEW_TIME, NULL},
    {"reveal_open", VIEW_BOOL, NULL},
    {"result_digest", VIEW_HEX, NULL},
    {"result_blob_id", VIEW_ID, "blob"},
    {"revealed_at", VIEW_TIME, NULL},
    {"check_verdict", VIEW_TEXT, NULL},
    {"check_reason", VIEW_TEXT, NULL},
    {"ended_at", VIEW_TIME, NULL},
};

void job_view(struct http_request *rq, const struct db_rows *rows, int row)
{
    struct view v = view_open(rq, "job");
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, row);
    view_close(&v);
}

void job_view_whole(struct http_request *rq, const struct db_rows *rows)
{
    struct view v = view_open(rq, "job");
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, 0);
    view_member(&v, "task");
    task_view_whole(rq, "task_", rows, 0);
    view_close(&v);
}
