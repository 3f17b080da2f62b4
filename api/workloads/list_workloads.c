/* SPDX-License-Identifier: Apache-2.0 */
/* The workload kinds of this build with their input schemas; no statement is needed. */
#include "api/view.h"
#include "server/workload/workload.h"

static enum err read(struct http_request *rq, struct api_call *call)
{
    (void)rq;
    (void)call;
    return ERR_OK;
}

static const char *mode_text(enum workload_mode mode)
{
    switch (mode) {
    case WORKLOAD_PROOF:
        return "proof";
    case WORKLOAD_EXACT:
        return "exact";
    case WORKLOAD_TOLERANCE:
        return "tolerance";
    case WORKLOAD_SPOT:
        return "spot";
    case WORKLOAD_WORK:
        return "work";
    }
    return "";
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    size_t count = 0;
    const struct workload *const *kinds = workload_list(&count);
    (void)call;
    (void)rows;
    struct view list = view_open(rq, "list");
    view_array(&list, "data");
    for (size_t i = 0; i < count; i++) {
        view_element(&list, i == 0);
        struct view v = view_open(rq, "workload");
        view_text(&v, "kind", kinds[i]->kind);
        view_int(&v, "version", kinds[i]->version);
        view_text(&v, "title", kinds[i]->title);
        view_text(&v, "family", kinds[i]->family);
        view_text(&v, "unit", kinds[i]->unit);
        view_text(&v, "mode", mode_text(kinds[i]->mode));
        view_bool(&v, "checkable", kinds[i]->checkable);
        view_member(&v, "input_schema");
        buf_adds(v.out, kinds[i]->input_schema);
        view_close(&v);
    }
    view_array_end(&list);
    view_bool(&list, "has_more", false);
    view_null(&list, "next_cursor");
    view_close(&list);
    return ERR_OK;
}

const struct endpoint endpoint_list_workloads = {read, show};
