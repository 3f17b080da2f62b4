/* SPDX-License-Identifier: Apache-2.0 */
/* The market in figures; also where clients learn the market's id and the server's time. */
#include "api/context.h"
#include "api/input.h"
#include "api/view.h"
#include "sql/reads_market.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    sql_stats(&call->db, api_options(rq)->default_policy);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field FIELDS[] = {
        {"time", VIEW_TIME, NULL},        {"account_count", VIEW_INT, NULL},
        {"node_count", VIEW_INT, NULL},   {"online_count", VIEW_INT, NULL},
        {"task_count", VIEW_INT, NULL},   {"open_count", VIEW_INT, NULL},
        {"live_count", VIEW_INT, NULL},   {"paid_count", VIEW_INT, NULL},
        {"paid_gwei", VIEW_GWEI, NULL},   {"staked_gwei", VIEW_GWEI, NULL},
        {"escrow_gwei", VIEW_GWEI, NULL}, {"settled_day_count", VIEW_INT, NULL},
    };
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_INTERNAL;
    struct view v = view_open(rq, "stats");
    view_text(&v, "market_id", api_options(rq)->market_id);
    view_text(&v, "mode", api_options(rq)->development ? "development" : "production");
    view_text(&v, "policy", api_options(rq)->default_policy);
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, 0);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_get_stats = {read, show};
