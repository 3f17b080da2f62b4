/* SPDX-License-Identifier: Apache-2.0 */
/* The committees of a task, rung by rung; votes are published together after the tally. */
#include <string.h>

#include "api/input.h"
#include "api/view.h"
#include "sql/reads_work.h"

static const struct view_field RUNG[] = {
    {"id", VIEW_ID, "rung"},          {"job_id", VIEW_ID, "job"},
    {"slot", VIEW_INT, NULL},         {"fence", VIEW_INT, NULL},
    {"rung", VIEW_INT, NULL},         {"seat_count", VIEW_INT, NULL},
    {"quorum", VIEW_INT, NULL},       {"final", VIEW_BOOL, NULL},
    {"seed", VIEW_HEX, NULL},         {"snapshot_root", VIEW_HEX, NULL},
    {"drawn_at", VIEW_TIME, NULL},    {"commit_until", VIEW_TIME, NULL},
    {"reveal_from", VIEW_TIME, NULL}, {"reveal_until", VIEW_TIME, NULL},
    {"outcome", VIEW_TEXT, NULL},     {"yes_weight", VIEW_INT, NULL},
    {"no_weight", VIEW_INT, NULL},    {"tallied_at", VIEW_TIME, NULL},
};

static const struct view_field SEAT[] = {
    {"id", VIEW_ID, "seat"},          {"account_id", VIEW_ID, "acct"},
    {"node_id", VIEW_ID, "node"},     {"weight", VIEW_INT, NULL},
    {"replaces_id", VIEW_ID, "seat"}, {"state", VIEW_TEXT, NULL},
    {"commitment", VIEW_HEX, NULL},   {"committed_at", VIEW_TIME, NULL},
    {"revealed_at", VIEW_TIME, NULL}, {"vote", VIEW_BOOL, NULL},
    {"vote_reason", VIEW_TEXT, NULL}, {"salt", VIEW_HEX, NULL},
    {"fee_gwei", VIEW_GWEI, NULL},
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "task", &id);
    if (e == ERR_OK)
        sql_list_task_seats(&call->db, &id);
    return e;
}

/* The logged reserve units of everybody who could be drawn. */
static void show_snapshot(struct view *v, const struct db_rows *rows, int row)
{
    const struct view_field account = {"account_id", VIEW_ID, "acct"};
    const char *text = db_rows_text(rows, row, db_rows_column(rows, "rung_snapshot"));
    json_t *snapshot = text == NULL ? NULL : json_loads(text, 0, NULL);
    view_array(v, "snapshot");
    for (size_t i = 0; i < json_array_size(snapshot); i++) {
        const json_t *entry = json_array_get(snapshot, i);
        view_element(v, i == 0);
        struct view e = view_open(v->rq, NULL);
        view_member(&e, account.member);
        view_value(&e, &account, json_string_value(json_object_get(entry, "entity")));
        view_gwei(&e, "units_gwei", json_integer_value(json_object_get(entry, "units")));
        view_close(&e);
    }
    view_array_end(v);
    json_decref(snapshot);
}

/* One rung with the seats that follow in the rows; answers the row behind them. */
static int show_rung(struct http_request *rq, const struct db_rows *rows, int row)
{
    int rung_id = db_rows_column(rows, "rung_id");
    int seat_id = db_rows_column(rows, "id");
    const char *rung = db_rows_text(rows, row, rung_id);
    int first = row;
    struct view v = view_open(rq, "rung");
    view_row_prefixed(&v, "rung_", RUNG, rows, row, COUNT_OF(RUNG));
    show_snapshot(&v, rows, row);
    view_array(&v, "seats");
    for (; row < db_rows_count(rows) && strcmp(db_rows_text(rows, row, rung_id), rung) == 0;
         row++) {
        if (db_rows_text(rows, row, seat_id) == NULL)
            continue;
        view_element(&v, row == first);
        struct view s = view_open(rq, NULL);
        view_row(&s, SEAT, COUNT_OF(SEAT), rows, row);
        view_close(&s);
    }
    view_array_end(&v);
    view_close(&v);
    return row;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    int rung_id = db_rows_column(rows, "rung_id");
    struct view list = view_open(rq, "list");
    view_array(&list, "data");
    for (int i = 0; i < db_rows_count(rows) && db_rows_text(rows, i, rung_id) != NULL;) {
        view_element(&list, i == 0);
        i = show_rung(rq, rows, i);
    }
    view_array_end(&list);
    view_bool(&list, "has_more", false);
    view_null(&list, "next_cursor");
    view_close(&list);
    return ERR_OK;
}

const struct endpoint endpoint_list_task_verifications = {read, show};
