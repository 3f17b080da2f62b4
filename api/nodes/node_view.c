/* SPDX-License-Identifier: Apache-2.0 */
#include "api/nodes/node_view.h"

#include "api/input.h"

static const struct view_field FIELDS[] = {
    {"id", VIEW_ID, "node"},           {"account_id", VIEW_ID, "acct"},
    {"name", VIEW_TEXT, NULL},         {"node_key", VIEW_HEX, NULL},
    {"class", VIEW_TEXT, NULL},        {"kinds", VIEW_WORDS, NULL},
    {"provides", VIEW_BOOL, NULL},     {"verifies", VIEW_BOOL, NULL},
    {"hardware", VIEW_JSON, NULL},     {"created_at", VIEW_TIME, NULL},
    {"last_seen_at", VIEW_TIME, NULL}, {"retired_at", VIEW_TIME, NULL},
    {"draining", VIEW_BOOL, NULL},     {"online", VIEW_BOOL, NULL},
    {"pledged_gwei", VIEW_GWEI, NULL}, {"releasing_gwei", VIEW_GWEI, NULL},
};

void node_view(struct http_request *rq, const struct db_rows *rows, int row)
{
    struct view v = view_open(rq, "node");
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, row);
    view_close(&v);
}
