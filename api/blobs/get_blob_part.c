/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "api/endpoint.h"
#include "api/input.h"
#include "sql/reads_node.h"

enum { INDEX_DIGITS_MAX = 3, PART_BYTES = 1048576 };

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    const char *index = rq->params[1];
    enum err e = input_param(rq, 0, "blob", &id);
    if (e != ERR_OK)
        return e;
    if (strlen(index) > INDEX_DIGITS_MAX || strspn(index, "0123456789") != strlen(index))
        return ERR_NOT_FOUND;
    sql_find_blob_part(&call->db, &id, &rq->who.account, strtoll(index, NULL, 10));
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    uint8_t *data = malloc(PART_BYTES);
    size_t len = 0;
    enum err e = ERR_OK;
    (void)call;
    if (data == NULL)
        return ERR_NO_MEMORY;
    if (db_rows_count(rows) == 0)
        e = ERR_NOT_FOUND;
    else if (!db_rows_blob(rows, 0, 0, data, PART_BYTES, &len))
        e = ERR_INTERNAL;
    if (e == ERR_OK) {
        buf_add(&rq->reply.body, data, len);
        rq->reply.content_type = "application/octet-stream";
    }
    free(data);
    return e;
}

const struct endpoint endpoint_get_blob_part = {read, show};
