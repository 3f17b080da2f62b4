/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks, newest first. ?state=open with after= is the bidder's view: oldest first, only what came
 * after, as a long poll. */
#include <stdio.h>
#include <string.h>

#include "api/context.h"
#include "api/input.h"
#include "api/page.h"
#include "api/tasks/task_view.h"
#include "sql/reads_task.h"

struct query {
    struct list_tasks_args a;
    const struct uuid *after;
};

static const struct input_field FIELDS[] = {
    FIELD(struct query, a.requester_id, "requester_id", INPUT_ID, MAY_NULL, 0, 0, "acct"),
    FIELD(struct query, a.state, "state", INPUT_CHOICE, MAY, 0, 0, task_view_states),
    FIELD(struct query, a.kind, "kind", INPUT_TEXT, MAY, 1, 40, TEXT_KIND),
    FIELD(struct query, after, "after", INPUT_ID, MAY_NULL, 0, 0, "task"),
};

static enum err read(struct http_request *rq, struct api_call *call)
{
    const struct sql_page *page = NULL;
    struct query q = {0};
    enum err e = page_read(rq, call, &page);
    if (e == ERR_OK)
        e = input_query(rq, FIELDS, COUNT_OF(FIELDS), &q);
    if (e != ERR_OK)
        return e;
    bool polls = q.after != NULL || rq->wait_ms > 0;
    if (!polls) {
        sql_list_tasks(&call->db, &q.a, page);
        return ERR_OK;
    }
    if (q.a.state == NULL || strcmp(q.a.state, "open") != 0 || q.a.requester_id != NULL ||
        page->cursor_id != NULL)
        return http_bad(rq, "#query/state", "after and wait go with state=open only");
    snprintf(call->topic, sizeof call->topic, "open");
    sql_list_open_tasks(&call->db, q.after, q.a.kind, page->limit);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct page_view VIEW = {task_view_element, "id", NULL, 0};
    if (call->topic[0] == '\0')
        return page_show(rq, call, rows, &VIEW);
    if (db_rows_count(rows) == 0)
        return ERR_EMPTY;
    const struct sql_page *page = call->state;
    int count = db_rows_count(rows);
    bool has_more = count > page->limit;
    struct view list = view_open(rq, "list");
    view_array(&list, "data");
    for (int i = 0; i < (has_more ? (int)page->limit : count); i++) {
        view_element(&list, i == 0);
        task_view_element(rq, rows, i);
    }
    view_array_end(&list);
    view_bool(&list, "has_more", has_more);
    view_null(&list, "next_cursor");
    view_close(&list);
    return ERR_OK;
}

const struct endpoint endpoint_list_tasks = {read, show};
