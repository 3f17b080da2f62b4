/* SPDX-License-Identifier: Apache-2.0 */
/* A new version of a policy, by an operator. The domain judges the numbers as it will when it runs
 * by them. */
#include <stdlib.h>
#include <string.h>

#include "api/policies/policy_view.h"
#include "api/write.h"
#include "server/core/money.h"
#include "server/domain/policy.h"

struct request {
    const char *name;
};

static enum err take_name(struct http_request *rq, struct request *q)
{
    static const struct input_field NAME =
        FIELD(struct request, name, "name", INPUT_TEXT, NEED, 1, 40, TEXT_SLUG);
    const char *why = "is required";
    const json_t *v = json_object_get(rq->json, NAME.name);
    enum err e = v == NULL ? ERR_BAD_FIELD : input_value(&rq->arena, &NAME, v, &q->name, &why);
    if (e == ERR_OK && q->name[0] == '-') {
        e = ERR_BAD_FIELD;
        why = "must begin with a letter or digit";
    }
    return e == ERR_BAD_FIELD ? http_bad(rq, "/name", why) : e;
}

/* The request with amounts as integers, which is how the table's row looks as JSON. */
static enum err row_of(struct http_request *rq, json_t *row)
{
    const char *name = NULL;
    json_t *value = NULL;
    enum err worst = ERR_OK;
    json_object_foreach(rq->json, name, value)
    {
        int64_t gwei = 0;
        if (!policy_view_is_amount(name)) {
            json_object_set(row, name, value);
        } else if (json_is_string(value) &&
                   money_parse(json_string_value(value), json_string_length(value), &gwei) ==
                       ERR_OK) {
            json_object_set_new(row, name, json_integer(gwei));
        } else {
            worst = http_bad(rq, arena_printf(&rq->arena, "/%s", name),
                             "must be a string of decimal digits, gwei");
        }
    }
    return worst;
}

static enum err refuse_unknown(struct http_request *rq, const json_t *known)
{
    const char *name = NULL;
    json_t *value = NULL;
    enum err worst = ERR_OK;
    json_object_foreach(rq->json, name, value)
    {
        if (strcmp(name, "name") != 0 && json_object_get(known, name) == NULL)
            worst = http_bad(rq, arena_printf(&rq->arena, "/%.80s", name),
                             "is not a parameter of a policy");
    }
    return worst;
}

/* *out: the body of the statement, in the arena. */
static enum err judge(struct http_request *rq, const struct request *q, json_t *row,
                      const char **out)
{
    struct policy p;
    const char *member = NULL;
    enum err e = row_of(rq, row);
    if (e != ERR_OK)
        return e;
    if (policy_parse(row, &p, &member) != ERR_OK)
        return http_bad(rq, arena_printf(&rq->arena, "/%s", member), "is missing or out of bounds");
    json_t *body = policy_json(&p);
    e = refuse_unknown(rq, body);
    if (e == ERR_OK && json_object_set_new(body, "name", json_string(q->name)) != 0)
        e = ERR_NO_MEMORY;
    char *text = e == ERR_OK ? json_canonical(body) : NULL;
    if (text != NULL)
        *out = arena_strndup(&rq->arena, text, strlen(text));
    if (e == ERR_OK && *out == NULL)
        e = ERR_NO_MEMORY;
    free(text);
    json_decref(body);
    return e;
}

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct request *q = write_state(rq, call, sizeof *q);
    const char *body = NULL;
    if (q == NULL)
        return ERR_NO_MEMORY;
    if (!json_is_object(rq->json))
        return http_bad(rq, "", "must be an object");
    json_t *row = json_object();
    enum err e = take_name(rq, q);
    if (e == ERR_OK)
        e = judge(rq, q, row, &body);
    json_decref(row);
    if (e != ERR_OK)
        return e;
    struct sql_caller who = write_caller(rq);
    sql_policy_create(&call->db, &who, &(struct policy_create_args){write_new_id(), body});
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    static const struct view_field DETAIL[] = {{"name", VIEW_TEXT, NULL},
                                               {"version", VIEW_INT, NULL}};
    struct uuid id;
    (void)call;
    if (!view_outcome_id(rows, &id))
        return ERR_INTERNAL;
    struct view v = view_open(rq, "policy_version");
    view_outcome(&v, rows, "pol", "created_at");
    view_detail(&v, DETAIL, COUNT_OF(DETAIL));
    view_close(&v);
    view_created(rq, 201, "/v1/policies", "pol", &id);
    return ERR_OK;
}

const struct endpoint endpoint_create_policy = {read, show};
