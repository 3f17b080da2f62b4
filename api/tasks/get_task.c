/* SPDX-License-Identifier: Apache-2.0 */
/* One task. With ?version=V and a wait it answers as soon as the task's version is above V, at the
 * latest at the deadline with what there is. */
#include <stdio.h>
#include <string.h>

#include "api/context.h"
#include "api/input.h"
#include "api/tasks/task_view.h"
#include "sql/reads_task.h"

struct query {
    int64_t version;
};

static const struct input_field FIELDS[] = {
    FIELD(struct query, version, "version", INPUT_INT, MAY, 0, INT32_MAX, NULL)};

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct uuid id;
    char text[UUID_TEXT_MAX];
    struct query *q = arena_alloc(&rq->arena, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    call->state = q;
    enum err e = input_param(rq, 0, "task", &id);
    if (e == ERR_OK)
        e = input_query(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e != ERR_OK)
        return e;
    sql_find_task(&call->db, &id);
    if (rq->wait_ms > 0 && q->version > 0) {
        uuid_print(&id, text);
        snprintf(call->topic, sizeof call->topic, "task:%s", text);
        call->show_last = true;
    }
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct query *q = call->state;
    if (db_rows_count(rows) == 0)
        return ERR_NOT_FOUND;
    int64_t version = db_rows_int(rows, 0, db_rows_column(rows, "version"));
    if (call->topic[0] != '\0' && !call->last && version <= q->version)
        return ERR_EMPTY;
    const char *etag = arena_printf(&rq->arena, "\"%lld\"", (long long)version);
    const char *known = http_header_in(rq, "If-None-Match");
    if (etag == NULL)
        return ERR_NO_MEMORY;
    http_header_out(rq, "ETag", etag);
    if (known != NULL && strcmp(known, etag) == 0) {
        rq->reply.status = 304;
        return ERR_OK;
    }
    task_view_whole(rq, "", rows, 0);
    return ERR_OK;
}

const struct endpoint endpoint_get_task = {read, show};
