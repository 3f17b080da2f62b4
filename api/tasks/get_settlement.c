/* SPDX-License-Identifier: Apache-2.0 */
/* Where the escrow of a task went: every line and the rule that produced it. */
#include "api/input.h"
#include "api/settlements/settlement_view.h"
#include "sql/reads_task.h"

static const struct view_field LINE[] = {
    {"line", VIEW_INT, NULL},          {"account_id", VIEW_ID, "acct"},
    {"account_kind", VIEW_TEXT, NULL}, {"amount_gwei", VIEW_GWEI, NULL},
    {"job_id", VIEW_ID, "job"},        {"seat_id", VIEW_ID, "seat"},
    {"rule", VIEW_TEXT, NULL},
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "task", &id);
    if (e == ERR_OK)
        sql_find_settlement(&call->db, &id);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    if (db_rows_text(rows, 0, db_rows_column(rows, "task_id")) == NULL) {
        rq->problem_detail = "The task is not settled yet.";
        return ERR_NOT_FOUND;
    }
    struct view v = settlement_view(rq, rows, 0);
    view_array(&v, "lines");
    int line = db_rows_column(rows, "line_line");
    for (int i = 0; i < db_rows_count(rows) && db_rows_text(rows, i, line) != NULL; i++) {
        view_element(&v, i == 0);
        struct view l = view_open(rq, NULL);
        view_row_prefixed(&l, "line_", LINE, rows, i, COUNT_OF(LINE));
        view_close(&l);
    }
    view_array_end(&v);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_get_settlement = {read, show};
