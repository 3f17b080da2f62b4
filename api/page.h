/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: ?limit= and ?cursor=, and the reply around the rows. */
#ifndef CF_API_PAGE_H
#define CF_API_PAGE_H

#include "api/endpoint.h"
#include "sql/reads.h"

enum { PAGE_LIMIT_DEFAULT = 20, PAGE_LIMIT_MAX = 100 };

/* Reads limit and cursor; the page lives in the request's arena and is put into call->state.
 * ERR_BAD_CURSOR when the cursor was not made by this server for this operation. */
enum err page_read(struct http_request *rq, struct api_call *call,
                   const struct sql_page **out) CF_MUST_CHECK;

/* Renders rows as {"object":"list","data":[...],...}: element writes one row. id_column names the
 * keyset uuid, n_column the second key or NULL. */
struct page_view {
    void (*element)(struct http_request *rq, const struct db_rows *rows, int row);
    const char *id_column;
    const char *n_column;
    int skip; /* leading rows that are no elements */
};
enum err page_show(struct http_request *rq, const struct api_call *call, const struct db_rows *rows,
                   const struct page_view *view) CF_MUST_CHECK;

#endif
