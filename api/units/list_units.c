/* SPDX-License-Identifier: Apache-2.0 */
/* How native units of work count as compute units, and where each factor comes from. */
#include "api/input.h"
#include "api/view.h"
#include "sql/reads_market.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    (void)rq;
    sql_list_units(&call->db);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field FIELDS[] = {
        {"kind", VIEW_TEXT, NULL},           {"version", VIEW_INT, NULL}, {"unit", VIEW_TEXT, NULL},
        {"cu_per_unit_ppb", VIEW_INT, NULL}, {"source", VIEW_TEXT, NULL},
    };
    (void)call;
    struct view list = view_open(rq, "list");
    view_array(&list, "data");
    for (int i = 0; i < db_rows_count(rows); i++) {
        view_element(&list, i == 0);
        struct view v = view_open(rq, "unit");
        view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, i);
        view_close(&v);
    }
    view_array_end(&list);
    view_bool(&list, "has_more", false);
    view_null(&list, "next_cursor");
    view_close(&list);
    return ERR_OK;
}

const struct endpoint endpoint_list_units = {read, show};
