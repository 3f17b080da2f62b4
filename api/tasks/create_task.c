/* SPDX-License-Identifier: Apache-2.0 */
/* Posts a task: its input is checked by its kind, its escrow taken in the same transaction. */
#include <stdlib.h>
#include <string.h>

#include "api/write.h"
#include "server/core/money.h"
#include "server/workload/workload.h"

enum {
    WINDOW_MAX_MS = 86400000,
    REPLICAS_MAX = 16,
    ROUNDS_MAX = 5,
    WEIGHT_MAX_PPM = 500000,
    LIST_MAX = 100,
    LABEL_MAX = 80,
    DEADLINE_DEFAULT_S = 3600,
    DEADLINE_MAX_S = 2592000,
    SECOND_MS = 1000
};

struct request {
    struct task_create_args a;
    const json_t *input;
    int64_t deadline_s;
    uint8_t input_hash[HASH_BYTES];
};

#define TASK(member, name, kind, need, least, most, what)                                          \
    FIELD(struct request, a.member, name, kind, need, least, most, what)

static const struct input_field FIELDS[] = {
    TASK(kind, "kind", INPUT_TEXT, NEED, 1, 40, TEXT_KIND),
    FIELD(struct request, input, "input", INPUT_OBJECT, NEED, 0, 0, NULL),
    TASK(max_price_gwei, "max_price_gwei", INPUT_GWEI, NEED, 1, MONEY_MAX_GWEI, NULL),
    TASK(label, "label", INPUT_TEXT, MAY, 1, LABEL_MAX, NULL),
    TASK(policy_name, "policy", INPUT_TEXT, MAY, 1, 40, TEXT_SLUG),
    TASK(hardware_class, "class", INPUT_TEXT, MAY, 1, 32, TEXT_SLUG),
    TASK(replicas, "replicas", INPUT_INT, MAY, 1, REPLICAS_MAX, NULL),
    TASK(seat_fee_gwei, "seat_fee_gwei", INPUT_GWEI, MAY_NULL, 0, MONEY_MAX_GWEI, NULL),
    TASK(rank_weight_ppm, "rank_weight_ppm", INPUT_INT, MAY_NULL, 0, WEIGHT_MAX_PPM, NULL),
    TASK(sealing, "sealing", INPUT_CHOICE, MAY, 0, 0, "sealed|operator"),
    TASK(bidding_ms, "bidding_ms", INPUT_INT, MAY_NULL, 100, WINDOW_MAX_MS, NULL),
    TASK(lease_ms, "lease_ms", INPUT_INT, MAY_NULL, 100, WINDOW_MAX_MS, NULL),
    FIELD(struct request, deadline_s, "deadline_seconds", INPUT_INT, MAY, 1, DEADLINE_MAX_S, NULL),
    TASK(rounds_max, "rounds_max", INPUT_INT, MAY, 1, ROUNDS_MAX, NULL),
    TASK(allow, "allow", INPUT_IDS, MAY, 1, LIST_MAX, "acct"),
    TASK(deny, "deny", INPUT_IDS, MAY, 0, LIST_MAX, "acct"),
    TASK(input_blob_id, "input_blob_id", INPUT_ID, MAY_NULL, 0, 0, "blob"),
};

/* The kind judges the input and states the work. */
static enum err judge_input(struct http_request *rq, struct request *q)
{
    char pointer[WORKLOAD_POINTER_MAX] = "";
    char reason[WORKLOAD_REASON_MAX] = "";
    const struct workload *kind = workload_find(q->a.kind);
    if (kind == NULL) {
        (void)http_bad(rq, "/kind", "is not a workload kind of this market");
        return ERR_UNKNOWN_KIND;
    }
    enum err e = kind->validate(q->input, &q->a.work_units, pointer, reason);
    if (e == ERR_BAD_FIELD) {
        const char *at = arena_printf(&rq->arena, "/input%s", pointer);
        const char *why = arena_printf(&rq->arena, "%s", reason);
        return at == NULL || why == NULL ? ERR_NO_MEMORY : http_bad(rq, at, why);
    }
    q->a.kind_version = kind->version;
    q->a.unit = kind->unit;
    return e;
}

static enum err keep_input(struct http_request *rq, struct request *q)
{
    char *text = json_canonical(q->input);
    if (text == NULL)
        return ERR_NO_MEMORY;
    q->a.input = arena_strndup(&rq->arena, text, strlen(text));
    free(text);
    q->a.input_hash = q->input_hash;
    if (q->a.input == NULL)
        return ERR_NO_MEMORY;
    return workload_input_hash(q->input, q->input_hash);
}

static enum err read(struct http_request *rq, struct api_call *call)
{
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    *q = (struct request){
        .a = {.id = write_new_id(),
              .policy_name = api_options(rq)->default_policy,
              .hardware_class = "any",
              .replicas = 1,
              .rounds_max = 1},
        .deadline_s = DEADLINE_DEFAULT_S,
    };
    enum err e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e == ERR_OK)
        e = judge_input(rq, q);
    if (e == ERR_OK)
        e = keep_input(rq, q);
    if (e != ERR_OK)
        return e;
    q->a.deadline_ms = q->deadline_s * SECOND_MS;
    struct sql_caller who = write_caller(rq);
    sql_task_create(&call->db, &who, &q->a);
    return ERR_OK;
}

/* What the policy decided, from the outcome. */
static void show_terms(struct view *v)
{
    static const struct view_field DETAIL[] = {
        {"policy_id", VIEW_ID, "pol"},       {"policy", VIEW_TEXT, NULL},
        {"rounds_max", VIEW_INT, NULL},      {"seat_fee_gwei", VIEW_GWEI, NULL},
        {"rank_weight_ppm", VIEW_INT, NULL}, {"sealing", VIEW_TEXT, NULL},
        {"escrow_gwei", VIEW_GWEI, NULL},    {"bidding_ms", VIEW_INT, NULL},
        {"opening_ms", VIEW_INT, NULL},      {"lease_ms", VIEW_INT, NULL},
        {"closes_at", VIEW_TIME, NULL},      {"opens_until", VIEW_TIME, NULL},
        {"deadline_at", VIEW_TIME, NULL},    {"settle_by", VIEW_TIME, NULL},
    };
    view_detail(v, DETAIL, COUNT_OF(DETAIL));
    view_null(v, "accepted_at");
    view_null(v, "finished_at");
    view_null(v, "cancel_requested_at");
    view_bool(v, "unwitnessed", false);
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct view_field allow = {"allow", VIEW_IDS, "acct"};
    const struct view_field deny = {"deny", VIEW_IDS, "acct"};
    const struct request *q = call->state;
    struct uuid id;
    if (!view_outcome_id(rows, &id))
        return ERR_INTERNAL;
    struct view v = view_open(rq, "task");
    view_outcome(&v, rows, "task", "created_at");
    view_id(&v, "requester_id", "acct", &rq->who.account);
    view_text(&v, "kind", q->a.kind);
    view_int(&v, "kind_version", q->a.kind_version);
    view_text(&v, "label", q->a.label);
    view_text(&v, "state", "open");
    view_int(&v, "code", 0);
    view_int(&v, "version", 1);
    view_int(&v, "round", 1);
    view_text(&v, "class", q->a.hardware_class);
    view_int(&v, "work_units", q->a.work_units);
    view_text(&v, "unit", q->a.unit);
    view_gwei(&v, "max_price_gwei", q->a.max_price_gwei);
    view_int(&v, "replicas", q->a.replicas);
    show_terms(&v);
    view_hex(&v, "input_hash", q->input_hash, HASH_BYTES);
    view_id(&v, "input_blob_id", "blob", q->a.input_blob_id);
    view_member(&v, allow.member);
    view_value(&v, &allow, q->a.allow);
    view_member(&v, deny.member);
    view_value(&v, &deny, q->a.deny == NULL ? "" : q->a.deny);
    view_member(&v, "input");
    buf_adds(v.out, q->a.input);
    view_close(&v);
    view_created(rq, 201, "/v1/tasks", "task", &id);
    http_header_out(rq, "ETag", "\"1\"");
    return ERR_OK;
}

const struct endpoint endpoint_create_task = {read, show};
