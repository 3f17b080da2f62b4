/* SPDX-License-Identifier: Apache-2.0 */
/* A node proves that it holds its key by signing the market, the account and the key. */
#include <stdlib.h>
#include <string.h>

#include "api/write.h"
#include "server/domain/protocol.h"
#include "server/workload/workload.h"

enum { KINDS_MAX = 32, HARDWARE_MAX_BYTES = 8192 };

struct request {
    const char *name;
    const uint8_t *node_key;
    const uint8_t *signature;
    const char *class_name;
    const char *kinds;
    bool provides;
    bool verifies;
    const json_t *hardware;
    const char *hardware_text;
};

static const struct input_field FIELDS[] = {
    FIELD(struct request, name, "name", INPUT_TEXT, NEED, 1, 63, TEXT_NAME),
    FIELD(struct request, node_key, "node_key", INPUT_HEX, NEED, 0, PUBKEY_BYTES, NULL),
    FIELD(struct request, signature, "signature", INPUT_HEX, NEED, 0, SIG_BYTES, NULL),
    FIELD(struct request, class_name, "class", INPUT_TEXT, NEED, 1, 32, TEXT_SLUG),
    FIELD(struct request, kinds, "kinds", INPUT_WORDS, NEED, 1, KINDS_MAX, NULL),
    FIELD(struct request, provides, "provides", INPUT_BOOL, MAY, 0, 0, NULL),
    FIELD(struct request, verifies, "verifies", INPUT_BOOL, MAY, 0, 0, NULL),
    FIELD(struct request, hardware, "hardware", INPUT_OBJECT, MAY, 0, 0, NULL),
};

static enum err check_kinds(struct http_request *rq)
{
    const json_t *kinds = json_object_get(rq->json, "kinds");
    for (size_t i = 0; i < json_array_size(kinds); i++) {
        if (workload_find(json_string_value(json_array_get(kinds, i))) == NULL)
            return http_bad(rq, arena_printf(&rq->arena, "/kinds/%zu", i),
                            "is not a workload kind of this market");
    }
    return ERR_OK;
}

static enum err keep_hardware(struct http_request *rq, struct request *q)
{
    char *text = q->hardware == NULL ? NULL : json_canonical(q->hardware);
    if (q->hardware != NULL && text == NULL)
        return ERR_NO_MEMORY;
    size_t len = text == NULL ? 0 : strlen(text);
    q->hardware_text = len == 0 ? "{}" : arena_strndup(&rq->arena, text, len);
    free(text);
    if (len > HARDWARE_MAX_BYTES)
        return http_bad(rq, "/hardware", "is longer than 8192 bytes");
    return q->hardware_text == NULL ? ERR_NO_MEMORY : ERR_OK;
}

static enum err read(struct http_request *rq, struct api_call *call)
{
    uint8_t hash[HASH_BYTES];
    struct request *q = write_state(rq, call, sizeof *q);
    if (q == NULL)
        return ERR_NO_MEMORY;
    enum err e = input_body(rq, FIELDS, COUNT_OF(FIELDS), q);
    if (e == ERR_OK)
        e = check_kinds(rq);
    if (e == ERR_OK)
        e = keep_hardware(rq, q);
    if (e != ERR_OK)
        return e;
    protocol_node_hash(api_options(rq)->market_id, &rq->who.account, q->node_key, hash);
    if (!protocol_signed(q->node_key, hash, q->signature)) {
        (void)http_bad(rq, "/signature", "does not verify for this market, account and node_key");
        return ERR_SIGNATURE_INVALID;
    }
    struct node_register_args a = {
        .id = write_new_id(),
        .name = q->name,
        .node_key = q->node_key,
        .hardware_class = q->class_name,
        .kinds = q->kinds,
        .provides = q->provides,
        .verifies = q->verifies,
        .hardware = q->hardware_text,
    };
    struct sql_caller who = write_caller(rq);
    sql_node_register(&call->db, &who, &a);
    return ERR_OK;
}

static enum err show(struct http_request *rq, const struct api_call *call,
                     const struct db_rows *rows)
{
    const struct view_field kinds = {"kinds", VIEW_WORDS, NULL};
    const struct request *q = call->state;
    struct uuid id;
    if (!view_outcome_id(rows, &id))
        return ERR_INTERNAL;
    struct view v = view_open(rq, "node_registration");
    view_outcome(&v, rows, "node", "registered_at");
    view_id(&v, "account_id", "acct", &rq->who.account);
    view_text(&v, "name", q->name);
    view_hex(&v, "node_key", q->node_key, PUBKEY_BYTES);
    view_text(&v, "class", q->class_name);
    view_member(&v, kinds.member);
    view_value(&v, &kinds, q->kinds);
    view_bool(&v, "provides", q->provides);
    view_bool(&v, "verifies", q->verifies);
    view_member(&v, "hardware");
    buf_adds(v.out, q->hardware_text);
    view_close(&v);
    view_created(rq, 201, "/v1/nodes", "node", &id);
    return ERR_OK;
}

const struct endpoint endpoint_register_node = {read, show};
