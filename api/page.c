/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor is the keyset of the last row shown with a MAC over it and the operation: clients can
 * neither read meaning into it nor make their own. */
#include "api/page.h"

#include <sodium.h>
#include <string.h>

#include "api/context.h"
#include "api/input.h"

enum { MAC_BYTES = 16, NUMBER_BYTES = 8, CURSOR_TEXT_MAX = 64, LINK_MAX_BYTES = 2048 };
enum { CURSOR_BYTES = UUID_BYTES + NUMBER_BYTES + MAC_BYTES };

static void cursor_mac(const struct http_request *rq, const uint8_t *key_bytes,
                       uint8_t out[MAC_BYTES])
{
    static const char TAG[] = "computefi/cursor/1";
    const char *secret = api_options(rq)->key_secret;
    const char *operation = rq->route->operation;
    uint8_t full[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state h;
    crypto_auth_hmacsha256_init(&h, (const uint8_t *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&h, (const uint8_t *)TAG, sizeof TAG);
    crypto_auth_hmacsha256_update(&h, (const uint8_t *)operation, strlen(operation) + 1);
    crypto_auth_hmacsha256_update(&h, key_bytes, UUID_BYTES + NUMBER_BYTES);
    crypto_auth_hmacsha256_final(&h, full);
    memcpy(out, full, MAC_BYTES);
}

static enum err cursor_parse(struct http_request *rq, const char *text, struct sql_page *page)
{
    uint8_t raw[CURSOR_BYTES];
    uint8_t mac[MAC_BYTES];
    size_t len = 0;
    if (strlen(text) > CURSOR_TEXT_MAX || base64url_decode(text, raw, sizeof raw, &len) != ERR_OK ||
        len != sizeof raw)
        return ERR_BAD_CURSOR;
    cursor_mac(rq, raw, mac);
    if (sodium_memcmp(mac, raw + UUID_BYTES + NUMBER_BYTES, MAC_BYTES) != 0)
        return ERR_BAD_CURSOR;
    struct uuid *id = arena_alloc(&rq->arena, sizeof *id);
    if (id == NULL)
        return ERR_NO_MEMORY;
    memcpy(id->b, raw, UUID_BYTES);
    uint64_t n = 0;
    for (int i = 0; i < NUMBER_BYTES; i++)
        n = n << 8 | raw[UUID_BYTES + i];
    page->cursor_id = id;
    page->cursor_n = (int64_t)n;
    return ERR_OK;
}

static const char *cursor_print(struct http_request *rq, const struct uuid *id, int64_t n)
{
    uint8_t raw[CURSOR_BYTES];
    char text[CURSOR_TEXT_MAX + 4];
    memcpy(raw, id->b, UUID_BYTES);
    for (int i = 0; i < NUMBER_BYTES; i++)
        raw[UUID_BYTES + i] = (uint8_t)((uint64_t)n >> (8 * (NUMBER_BYTES - 1 - i)));
    cursor_mac(rq, raw, raw + UUID_BYTES + NUMBER_BYTES);
    base64url_encode(raw, sizeof raw, text);
    return arena_strndup(&rq->arena, text, strlen(text));
}

enum err page_read(struct http_request *rq, struct api_call *call, const struct sql_page **out)
{
    static const struct input_field FIELDS[] = {
        FIELD(struct sql_page, limit, "limit", INPUT_INT, MAY, 1, PAGE_LIMIT_MAX, NULL)};
    struct sql_page *page = arena_alloc(&rq->arena, sizeof *page);
    if (page == NULL)
        return ERR_NO_MEMORY;
    page->limit = PAGE_LIMIT_DEFAULT;
    enum err e = input_query(rq, FIELDS, COUNT_OF(FIELDS), page);
    const char *cursor = http_query(rq, "cursor");
    if (e == ERR_OK && cursor != NULL)
        e = cursor_parse(rq, cursor, page);
    call->state = page;
    *out = page;
    return e;
}

/* The target of the next page: this path, every known parameter, the new cursor. */
static void add_link(struct http_request *rq, int64_t limit, const char *cursor)
{
    static const char *const KEPT[] = {"state",      "kind",   "requester_id",
                                       "account_id", "online", "task_id"};
    struct buf b;
    buf_init(&b, LINK_MAX_BYTES);
    buf_adds(&b, "<");
    int param = 0;
    for (const char *p = rq->route->path; *p != '\0';) {
        if (*p == '{') {
            buf_adds(&b, rq->params[param++]);
            p += strcspn(p, "}") + 1;
        } else {
            buf_add(&b, p++, 1);
        }
    }
    buf_addf(&b, "?limit=%lld&cursor=%s", (long long)limit, cursor);
    for (size_t i = 0; i < COUNT_OF(KEPT); i++) {
        const char *v = http_query(rq, KEPT[i]);
        /* validated values of these parameters need no escapes */
        if (v != NULL && strspn(v, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == strlen(v))
            buf_addf(&b, "&%s=%s", KEPT[i], v);
    }
    buf_adds(&b, ">; rel=\"next\"");
    const char *value = buf_ok(&b) ? arena_strndup(&rq->arena, b.data, b.len) : NULL;
    if (value != NULL)
        http_header_out(rq, "Link", value);
    buf_clear(&b);
}

enum err page_show(struct http_request *rq, const struct api_call *call, const struct db_rows *rows,
                   const struct page_view *view)
{
    const struct sql_page *page = call->state;
    struct buf *out = &rq->reply.body;
    int count = db_rows_count(rows) - view->skip;
    bool has_more = count > page->limit;
    int shown = has_more ? (int)page->limit : count;
    buf_adds(out, "{\"object\":\"list\",\"data\":[");
    for (int i = 0; i < shown; i++) {
        buf_adds(out, i > 0 ? "," : "");
        view->element(rq, rows, view->skip + i);
    }
    struct uuid last;
    int end = view->skip + shown - 1;
    const char *cursor = NULL;
    if (has_more && db_rows_uuid(rows, end, db_rows_column(rows, view->id_column), &last)) {
        int64_t n = 0;
        if (view->n_column != NULL)
            n = db_rows_int(rows, end, db_rows_column(rows, view->n_column));
        cursor = cursor_print(rq, &last, n);
    }
    buf_addf(out, "],\"has_more\":%s,\"next_cursor\":", has_more ? "true" : "false");
    if (cursor != NULL) {
        buf_addf(out, "\"%s\"}", cursor);
        add_link(rq, page->limit, cursor);
    } else {
        buf_adds(out, "null}");
    }
    return ERR_OK;
}
