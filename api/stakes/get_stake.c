/* SPDX-License-Identifier: Apache-2.0 */
#include "api/input.h"
#include "api/view.h"
#include "sql/reads_account.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    sql_find_stake(&call->db, &rq->who.account);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field HEAD[] = {
        {"account_id", VIEW_ID, "acct"},   {"reserve_gwei", VIEW_GWEI, NULL},
        {"bond_gwei", VIEW_GWEI, NULL},    {"unbonding_gwei", VIEW_GWEI, NULL},
        {"pledged_gwei", VIEW_GWEI, NULL}, {"releasing_gwei", VIEW_GWEI, NULL},
    };
    static const struct view_field UNBONDING[] = {
        {"id", VIEW_ID, "unb"},           {"node_id", VIEW_ID, "node"},
        {"amount_gwei", VIEW_GWEI, NULL}, {"requested_at", VIEW_TIME, NULL},
        {"due_at", VIEW_TIME, NULL},
    };
    (void)call;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    struct view v = view_open(rq, "stake");
    view_row(&v, HEAD, COUNT_OF(HEAD), rows, 0);
    view_array(&v, "unbondings");
    int id = db_rows_column(rows, "unb_id");
    for (int i = 0; i < db_rows_count(rows) && db_rows_text(rows, i, id) != NULL; i++) {
        view_element(&v, i == 0);
        struct view u = view_open(rq, NULL);
        view_row_prefixed(&u, "unb_", UNBONDING, rows, i, COUNT_OF(UNBONDING));
        view_close(&u);
    }
    view_array_end(&v);
    view_close(&v);
    return ERR_OK;
}

const struct endpoint endpoint_get_stake = {read, show};
