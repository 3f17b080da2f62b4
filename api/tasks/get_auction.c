/* SPDX-License-Identifier: Apache-2.0 */
/* The auction explains itself: every bid with the parts of its score and why it won, lost or was
 * skipped; and when nobody bid, where the bidders were lost. */
#include "api/input.h"
#include "api/view.h"
#include "server/domain/score.h"
#include "sql/reads_task.h"

static const struct view_field HEAD[] = {
    {"task_id", VIEW_ID, "task"},        {"state", VIEW_TEXT, NULL},
    {"round", VIEW_INT, NULL},           {"closed", VIEW_BOOL, NULL},
    {"closes_at", VIEW_TIME, NULL},      {"opens_until", VIEW_TIME, NULL},
    {"sealing", VIEW_TEXT, NULL},        {"preset", VIEW_TEXT, NULL},
    {"max_price_gwei", VIEW_GWEI, NULL}, {"replicas", VIEW_INT, NULL},
    {"rank_weight_ppm", VIEW_INT, NULL}, {"reserve_cap_gwei", VIEW_GWEI, NULL},
};

static const struct view_field BID[] = {
    {"id", VIEW_ID, "bid"},
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
    {"score_reserve_ppm", VIEW_INT, NULL},
    {"score_price_ppm", VIEW_INT, NULL},
};

static const struct view_field FUNNEL[] = {
    {"eligible", VIEW_INT, NULL},
    {"online", VIEW_INT, NULL},
    {"capable", VIEW_INT, NULL},
    {"pledged", VIEW_INT, NULL},
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "task", &id);
    if (e == ERR_OK)
        sql_find_auction(&call->db, &id);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    int64_t weight = db_rows_int(rows, 0, db_rows_column(rows, "rank_weight_ppm"));
    struct view v = view_open(rq, "auction");
    view_row(&v, HEAD, COUNT_OF(HEAD), rows, 0);
    view_int(&v, "reserve_worth_ppm", score_reserve_worth_ppm(weight));
    int bid_id = db_rows_column(rows, "bid_id");
    view_array(&v, "bids");
    for (int i = 0; i < db_rows_count(rows) && db_rows_text(rows, i, bid_id) != NULL; i++) {
        view_element(&v, i == 0);
        struct view b = view_open(rq, NULL);
        view_row_prefixed(&b, "bid_", BID, rows, i, COUNT_OF(BID));
        view_close(&b);
    }
    view_array_end(&v);
    if (db_rows_text(rows, 0, db_rows_column(rows, "funnel_eligible")) == NULL) {
        view_null(&v, "funnel");
    } else {
        view_member(&v, "funnel");
        struct view f = view_open(rq, NULL);
        view_row_prefixed(&f, "funnel_", FUNNEL, rows, 0, COUNT_OF(FUNNEL));
        view_int(&f, "bid", 0);
        view_close(&f);
    }
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_get_auction = {read, show};
