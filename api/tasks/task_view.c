/* SPDX-License-Identifier: Apache-2.0 */
#include "api/tasks/task_view.h"

#include "api/input.h"
#include "server/domain/task_state.h"

#define S(name, text, code, final) text "|"
const char task_view_states[] = TASK_STATES(S);
#undef S

static const struct view_field FIELDS[] = {
    {"id", VIEW_ID, "task"},
    {"requester_id", VIEW_ID, "acct"},
    {"kind", VIEW_TEXT, NULL},
    {"kind_version", VIEW_INT, NULL},
    {"label", VIEW_TEXT, NULL},
    {"policy_id", VIEW_ID, "pol"},
    {"policy", VIEW_TEXT, NULL},
    {"state", VIEW_TEXT, NULL},
    {"code", VIEW_INT, NULL},
    {"version", VIEW_INT, NULL},
    {"round", VIEW_INT, NULL},
    {"rounds_max", VIEW_INT, NULL},
    {"class", VIEW_TEXT, NULL},
    {"work_units", VIEW_INT, NULL},
    {"unit", VIEW_TEXT, NULL},
    {"max_price_gwei", VIEW_GWEI, NULL},
    {"replicas", VIEW_INT, NULL},
    {"seat_fee_gwei", VIEW_GWEI, NULL},
    {"rank_weight_ppm", VIEW_INT, NULL},
    {"sealing", VIEW_TEXT, NULL},
    {"escrow_gwei", VIEW_GWEI, NULL},
    {"bidding_ms", VIEW_INT, NULL},
    {"opening_ms", VIEW_INT, NULL},
    {"lease_ms", VIEW_INT, NULL},
    {"created_at", VIEW_TIME, NULL},
    {"closes_at", VIEW_TIME, NULL},
    {"opens_until", VIEW_TIME, NULL},
    {"deadline_at", VIEW_TIME, NULL},
    {"settle_by", VIEW_TIME, NULL},
    {"accepted_at", VIEW_TIME, NULL},
    {"finished_at", VIEW_TIME, NULL},
    {"cancel_requested_at", VIEW_TIME, NULL},
    {"unwitnessed", VIEW_BOOL, NULL},
    {"input_hash", VIEW_HEX, NULL},
    {"input_blob_id", VIEW_ID, "blob"},
    {"allow", VIEW_IDS, "acct"},
    {"deny", VIEW_IDS, "acct"},
};

struct view task_view(struct http_request *rq, const char *prefix, const struct db_rows *rows,
                      int row)
{
    struct view v = view_open(rq, "task");
    view_row_prefixed(&v, prefix, FIELDS, rows, row, COUNT_OF(FIELDS));
    return v;
}

void task_view_whole(struct http_request *rq, const char *prefix, const struct db_rows *rows,
                     int row)
{
    static const struct view_field INPUT[] = {{"input", VIEW_JSON, NULL}};
    struct view v = task_view(rq, prefix, rows, row);
    view_row_prefixed(&v, prefix, INPUT, rows, row, COUNT_OF(INPUT));
    view_close(&v);
}

void task_view_element(struct http_request *rq, const struct db_rows *rows, int row)
{
    struct view v = task_view(rq, "", rows, row);
    view_close(&v);
}
