/* SPDX-License-Identifier: Apache-2.0 */
/* Results too large for a request body travel as blobs, part by part. */
#include <stdio.h>
#include <string.h>

#include "workers/agent/agent.h"

enum { PARTS_MAX = 4096 };

static enum err put_part(struct client *c, const char *blob_id, int64_t index, struct bytes part)
{
    char path[CLIENT_PATH_MAX];
    struct client_call call = {
        .method = "PUT", .path = path, .raw = part.data, .raw_len = part.len};
    snprintf(path, sizeof path, "/v1/blobs/%s/parts/%lld", blob_id, (long long)index);
    return agent_call(c, &call, NULL, NULL);
}

enum err agent_blob_put(struct client *c, const struct buf *data, const uint8_t digest[HASH_BYTES],
                        char blob_id[TYPEID_TEXT_MAX])
{
    char path[CLIENT_PATH_MAX];
    json_t *blob = NULL;
    json_t *body = json_pack("{s:I}", "size_bytes", (json_int_t)data->len);
    wire_set_hex(body, "digest", digest, HASH_BYTES);
    enum err e = agent_post(c, "/v1/blobs", body, NULL, &blob);
    size_t part_bytes = (size_t)json_integer_value(json_object_get(blob, "part_bytes"));
    if (e == ERR_OK &&
        (wire_text(blob, "id", blob_id, TYPEID_TEXT_MAX) != ERR_OK || part_bytes == 0))
        e = ERR_REMOTE;
    json_decref(blob);
    for (size_t at = 0; e == ERR_OK && at < data->len; at += part_bytes) {
        size_t left = data->len - at;
        struct bytes part = {(const uint8_t *)data->data + at,
                             left < part_bytes ? left : part_bytes};
        e = put_part(c, blob_id, (int64_t)(at / part_bytes), part);
    }
    if (e != ERR_OK)
        return e;
    snprintf(path, sizeof path, "/v1/blobs/%s/complete", blob_id);
    return agent_post(c, path, json_object(), NULL, NULL);
}

enum err agent_blob_get(struct client *c, const char *blob_id, struct buf *out)
{
    char path[CLIENT_PATH_MAX];
    struct client_call call = {.method = "GET", .path = path};
    json_t *blob = NULL;
    snprintf(path, sizeof path, "/v1/blobs/%s", blob_id);
    enum err e = agent_call(c, &call, NULL, &blob);
    int64_t parts = json_integer_value(json_object_get(blob, "part_count"));
    json_decref(blob);
    if (e == ERR_OK && (parts < 1 || parts > PARTS_MAX))
        e = ERR_REMOTE;
    for (int64_t i = 0; e == ERR_OK && i < parts; i++) {
        struct client_reply r = {0};
        snprintf(path, sizeof path, "/v1/blobs/%s/parts/%lld", blob_id, (long long)i);
        e = client_run(c, &call, &r);
        if (e == ERR_OK)
            buf_add(out, r.bytes == NULL ? "" : r.bytes, r.byte_count);
        if (e == ERR_OK && !buf_ok(out))
            e = ERR_TOO_LARGE;
        client_reply_clear(&r);
    }
    return e;
}
