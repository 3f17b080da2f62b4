/* SPDX-License-Identifier: Apache-2.0 */
/* State of a blob and which parts arrived, so that an upload can be resumed. */
#include "api/input.h"
#include "api/view.h"
#include "sql/reads_node.h"

enum { PART_BYTES = 1048576 };

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    enum err e = input_param(rq, 0, "blob", &id);
    if (e == ERR_OK)
        sql_find_blob(&call->db, &id, &rq->who.account);
    return e;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field FIELDS[] = {
        {"id", VIEW_ID, "blob"},           {"account_id", VIEW_ID, "acct"},
        {"digest", VIEW_HEX, NULL},        {"size_bytes", VIEW_INT, NULL},
        {"state", VIEW_TEXT, NULL},        {"created_at", VIEW_TIME, NULL},
        {"completed_at", VIEW_TIME, NULL},
    };
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    int64_t size = db_rows_int(rows, 0, db_rows_column(rows, "size_bytes"));
    const char *parts = db_rows_text(rows, 0, db_rows_column(rows, "parts"));
    struct view v = view_open(rq, "blob");
    view_row(&v, FIELDS, COUNT_OF(FIELDS), rows, 0);
    view_int(&v, "part_bytes", PART_BYTES);
    view_int(&v, "part_count", (size + PART_BYTES - 1) / PART_BYTES);
    view_member(&v, "parts_received");
    buf_addf(v.out, "[%s]", parts == NULL ? "" : parts);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_get_blob = {read, show};
