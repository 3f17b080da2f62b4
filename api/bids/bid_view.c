/* SPDX-License-Identifier: Apache-2.0 */
#include "api/bids/bid_view.h"

#include "api/input.h"

static const struct view_field FIELDS[] = {
    {"id", VIEW_ID, "bid"},
    {"task_id", VIEW_ID, "task"},
    {"account_id", VIEW_ID, "acct"},
    {"node_id", VIEW_ID, "node"},
    {"round", VIEW_INT, NULL},
    {"revision", VIEW_INT, NULL},
    {"commitment", VIEW_HEX, NULL},
    {"at", VIEW_TIME, NULL},
    {"reserve_gwei", VIEW_GWEI, NULL},
    {"lock_gwei", VIEW_GWEI, NULL},
    {"lock_state", VIEW_TEXT, NULL},
    {"price_gwei", VIEW_GWEI, NULL},
    {"opened_at", VIEW_TIME, NULL},
    {"verdict", VIEW_TEXT, NULL},
    {"reason", VIEW_TEXT, NULL},
    {"rank", VIEW_INT, NULL},
    {"score_ppm", VIEW_INT, NULL},
};

void bid_view(struct http_request *rq, const struct db_rows *rows, int row)
{
    struct view v = view_open(rq, "bid");
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, row);
    view_close(&v);
}
