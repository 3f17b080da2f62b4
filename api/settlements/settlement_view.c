/* SPDX-License-Identifier: Apache-2.0 */
#include "api/settlements/settlement_view.h"

#include "api/input.h"

static const struct view_field FIELDS[] = {
    {"task_id", VIEW_ID, "task"},       {"outcome", VIEW_TEXT, NULL},
    {"reason", VIEW_TEXT, NULL},        {"escrow_gwei", VIEW_GWEI, NULL},
    {"provider_gwei", VIEW_GWEI, NULL}, {"fee_gwei", VIEW_GWEI, NULL},
    {"verifier_gwei", VIEW_GWEI, NULL}, {"refund_gwei", VIEW_GWEI, NULL},
    {"transfer_id", VIEW_ID, "tfr"},    {"at", VIEW_TIME, NULL},
};

struct view settlement_view(struct http_request *rq, const struct db_rows *rows, int row)
{
    struct view v = view_open(rq, "settlement");
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, row);
    return v;
}
