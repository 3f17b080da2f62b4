/* SPDX-License-Identifier: Apache-2.0 */
/* Volume-weighted clearing prices per kind from settled tasks, with hourly history. */
#include "api/input.h"
#include "api/view.h"
#include "sql/reads_market.h"

enum { HOURS_DEFAULT = 24, HOURS_MAX = 744 };

struct query {
    int64_t hours;
};

static const struct input_field FIELDS[] = {
    FIELD(struct query, hours, "hours", INPUT_INT, MAY, 1, HOURS_MAX, NULL)};

static const struct view_field PRICE[] = {
    {"task_count", VIEW_INT, NULL},
    {"slot_count", VIEW_INT, NULL},
    {"work_units", VIEW_TEXT, NULL},
    {"price_gwei", VIEW_GWEI, NULL},
    {"price_per_million_units_gwei", VIEW_GWEI, NULL},
    {"price_per_cu_gwei", VIEW_GWEI, NULL},
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct query *q = arena_alloc(&rq->arena, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    q->hours = HOURS_DEFAULT;
    call->state = q;
    enum err e = input_query(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e == ERR_OK)
        sql_market_index(&call->db, q->hours);
    return e;
}

/* The total of one kind, then its hours; answers the row behind them. */
static int show_kind(struct http_request *rq, const struct db_rows *rows, int row)
{
    static const struct view_field NAME[] = {{"kind", VIEW_TEXT, NULL}, {"unit", VIEW_TEXT, NULL}};
    static const struct view_field AT[] = {{"bucket_at", VIEW_TIME, NULL}};
    int bucket = db_rows_column(rows, "bucket_at");
    struct view v = view_open(rq, NULL);
    view_row(&v, NAME, COUNT_OF(NAME), rows, row);
    view_row(&v, PRICE, COUNT_OF(PRICE), rows, row);
    view_array(&v, "history");
    int first = ++row;
    for (; row < db_rows_count(rows) && db_rows_text(rows, row, bucket) != NULL; row++) {
        view_element(&v, row == first);
        struct view h = view_open(rq, NULL);
        view_row(&h, AT, COUNT_OF(AT), rows, row);
        view_row(&h, PRICE, COUNT_OF(PRICE), rows, row);
        view_close(&h);
    }
    view_array_end(&v);
    view_close(&v);
    return row;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct query *q = call->state;
    struct view v = view_open(rq, "market_index");
    view_int(&v, "hours", q->hours);
    view_array(&v, "kinds");
    for (int i = 0; i < db_rows_count(rows);) {
        view_element(&v, i == 0);
        i = show_kind(rq, rows, i);
    }
    view_array_end(&v);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_get_market_index = {read, show};
