/* SPDX-License-Identifier: Apache-2.0 */
/* naive_server URI KEY_SECRET THREADS: what one would write first. A pool of threads over
 * libmicrohttpd, each with a blocking connection of its own; every request looks its key up, checks
 * its body and runs its one statement, which is its one transaction. Same routes, same SQL
 * functions, same checks, same answers as far as the load generator goes. GET /bare and POST /bare
 * answer 204 without anything: the floor. Prints "port N" when it listens; ends at the end of its
 * input. */
#include <jansson.h>
#include <libpq-fe.h>
#include <microhttpd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/key.h"
#include "server/core/buf.h"
#include "server/core/clock.h"
#include "server/core/json.h"
#include "server/db/encode.h"
#include "server/domain/protocol.h"
#include "sql/reads_account.h"
#include "sql/reads_work.h"
#include "sql/writes.h"

enum { BODY_MAX = 4096, REPLY_MAX = 2048, CONNECTION_MEMORY = 8 * 1024 };

struct naive {
    const char *uri;
};

/* One request. */
struct exchange {
    char body[BODY_MAX];
    size_t len;
    bool too_large;
    int status;
    char reply[REPLY_MAX];
};

static _Thread_local PGconn *connection;

static void prepare(PGconn *c, const struct db_stmt *s)
{
    Oid types[DB_PARAMS_MAX];
    encode_types(s, s->mode == DB_BATCH, types);
    PGresult *r = PQprepare(c, s->name, s->sql, s->param_count, types);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
        fprintf(stderr, "naive: %s\n", PQerrorMessage(c));
        exit(1);
    }
    PQclear(r);
}

/* The thread's own connection, opened on its first request. */
static PGconn *database(const struct naive *n)
{
    if (connection != NULL)
        return connection;
    connection = PQconnectdb(n->uri);
    if (PQstatus(connection) != CONNECTION_OK) {
        fprintf(stderr, "naive: %s\n", PQerrorMessage(connection));
        exit(1);
    }
    PQclear(PQexec(connection, "SET timezone = 'UTC'; SET jit = off"));
    prepare(connection, &sql_find_key_stmt);
    prepare(connection, &sql_claim_job_stmt);
    prepare(connection, &sql_bid_create_stmt);
    return connection;
}

/* One round trip; a write is one transaction. NULL: failed. */
static PGresult *execute(PGconn *c, const struct db_call *call)
{
    struct encoded p;
    struct buf scratch;
    const struct db_value *params = call->params;
    buf_init(&scratch, ENCODE_MAX_BYTES);
    if (call->stmt->mode == DB_READ)
        encode_scalars(call->stmt, call->params, &p);
    else if (encode_arrays(call->stmt, &params, 1, &scratch, &p) != ERR_OK)
        return NULL;
    PGresult *r = PQexecPrepared(c, call->stmt->name, call->stmt->param_count, p.values, p.lengths,
                                 p.formats, 0);
    buf_clear(&scratch);
    if (PQresultStatus(r) == PGRES_TUPLES_OK)
        return r;
    PQclear(r);
    return NULL;
}

static void problem(struct exchange *x, enum err e)
{
    x->status = err_status(e);
    snprintf(x->reply, sizeof x->reply,
             "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\"}",
             err_title(e), x->status, err_code(e));
}

struct principal {
    struct uuid account;
    struct uuid key;
};

static enum err authenticate(PGconn *c, const char *header, struct principal *who)
{
    uint8_t secret[KEY_SECRET_BYTES];
    uint8_t hash[HASH_BYTES];
    uint8_t stored[HASH_BYTES];
    struct db_call call = {.dedupe = 0};
    if (header == NULL || strncmp(header, "Bearer ", 7) != 0 ||
        key_parse(header + 7, &who->key, secret) != ERR_OK)
        return ERR_UNAUTHENTICATED;
    sql_find_key(&call, &who->key);
    PGresult *r = execute(c, &call);
    if (r == NULL)
        return ERR_DB_FAULT;
    key_secret_hash(secret, hash);
    enum err e = ERR_UNAUTHENTICATED;
    if (PQntuples(r) == 1 && uuid_parse(PQgetvalue(r, 0, 0), &who->account) == ERR_OK &&
        hex_decode(PQgetvalue(r, 0, 1) + 2, stored, HASH_BYTES) == ERR_OK &&
        sodium_memcmp(hash, stored, HASH_BYTES) == 0)
        e = PQgetvalue(r, 0, 4)[0] == 't' ? ERR_KEY_REVOKED : ERR_OK;
    PQclear(r);
    return e;
}

static const char *member(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text == NULL ? "" : text;
}

struct bid {
    struct bid_create_args args;
    uint8_t node_key[PUBKEY_BYTES];
    uint8_t commitment[HASH_BYTES];
    uint8_t signature[SIG_BYTES];
};

static enum err read_bid(const json_t *body, const char *task, struct bid *b)
{
    if (json_object_size(body) != 4 ||
        typeid_parse("node", member(body, "node_id"), &b->args.node_id) != ERR_OK ||
        hex_decode(member(body, "node_key"), b->node_key, PUBKEY_BYTES) != ERR_OK ||
        hex_decode(member(body, "commitment"), b->commitment, HASH_BYTES) != ERR_OK ||
        hex_decode(member(body, "signature"), b->signature, SIG_BYTES) != ERR_OK)
        return ERR_BAD_FIELD;
    if (typeid_parse("task", task, &b->args.task_id) != ERR_OK)
        return ERR_NOT_FOUND;
    if (!protocol_signed(b->node_key, b->commitment, b->signature))
        return ERR_SIGNATURE_INVALID;
    b->args.id = uuid_new(clock_wall_ms());
    b->args.node_key = b->node_key;
    b->args.commitment = b->commitment;
    b->args.signature = b->signature;
    return ERR_OK;
}

static void show_bid(struct exchange *x, const struct bid *b, const char *task,
                     const struct principal *who, const PGresult *r)
{
    char id[TYPEID_TEXT_MAX];
    char node[TYPEID_TEXT_MAX];
    char account[TYPEID_TEXT_MAX];
    char commitment[2 * HASH_BYTES + 1];
    json_t *detail = json_loads(PQgetvalue(r, 0, OUTCOME_DETAIL), 0, NULL);
    typeid_print("bid", &b->args.id, id);
    typeid_print("node", &b->args.node_id, node);
    typeid_print("acct", &who->account, account);
    hex_encode(b->commitment, HASH_BYTES, commitment);
    x->status = 201;
    snprintf(x->reply, sizeof x->reply,
             "{\"object\":\"bid\",\"id\":\"%s\",\"task_id\":\"%s\",\"account_id\":\"%s\","
             "\"node_id\":\"%s\",\"commitment\":\"%s\",\"round\":%lld,\"revision\":%lld,"
             "\"lock_gwei\":\"%lld\",\"at\":\"%s\"}",
             id, task, account, node, commitment,
             (long long)json_integer_value(json_object_get(detail, "round")),
             (long long)json_integer_value(json_object_get(detail, "revision")),
             (long long)json_integer_value(json_object_get(detail, "lock_gwei")),
             PQgetvalue(r, 0, OUTCOME_AT));
    json_decref(detail);
}

static void create_bid(struct exchange *x, PGconn *c, const struct principal *who, const char *url,
                       const char *idem, const json_t *body)
{
    char task[64] = "";
    struct bid b = {.args = {.price_gwei = NULL}};
    struct db_call call = {.dedupe = 0};
    uint8_t hash[HASH_BYTES];
    char *canonical = json_canonical(body);
    const struct bytes parts[] = {{(const uint8_t *)url, strlen(url)},
                                  {(const uint8_t *)canonical, strlen(canonical)}};
    hash_tagged("naive", parts, 2, hash);
    free(canonical);
    sscanf(url, "/v1/tasks/%63[^/]/bids", task);
    enum err e = idem == NULL ? ERR_IDEMPOTENCY_KEY_MISSING : read_bid(body, task, &b);
    if (e != ERR_OK) {
        problem(x, e);
        return;
    }
    const struct sql_caller caller = {who->account, who->key, idem, hash};
    sql_bid_create(&call, &caller, &b.args);
    PGresult *r = execute(c, &call);
    if (r == NULL)
        problem(x, ERR_DB_FAULT);
    else if (strcmp(PQgetvalue(r, 0, OUTCOME_STATUS), "ok") != 0)
        problem(x, err_from_code(PQgetvalue(r, 0, OUTCOME_STATUS)));
    else
        show_bid(x, &b, task, who, r);
    PQclear(r);
}

static void claim(struct exchange *x, PGconn *c, const struct principal *who, const json_t *body)
{
    struct db_call call = {.dedupe = 0};
    struct claim_args a = {.account_id = who->account, .except = ""};
    if (typeid_parse("node", member(body, "node_id"), &a.node_id) != ERR_OK) {
        problem(x, ERR_BAD_FIELD);
        return;
    }
    sql_claim_job(&call, &a);
    PGresult *r = execute(c, &call);
    int id = r == NULL ? -1 : PQfnumber(r, "id");
    x->status = 200;
    if (r == NULL || id < 0)
        problem(x, ERR_DB_FAULT);
    else if (PQntuples(r) == 0)
        problem(x, ERR_NOT_FOUND);
    else if (PQgetisnull(r, 0, id))
        x->status = 204;
    else
        snprintf(x->reply, sizeof x->reply,
                 "{\"object\":\"job\",\"id\":\"%s\",\"task_id\":\"%s\",\"state\":\"%s\"}",
                 PQgetvalue(r, 0, id), PQgetvalue(r, 0, PQfnumber(r, "task_id")),
                 PQgetvalue(r, 0, PQfnumber(r, "state")));
    PQclear(r);
}

static void route(const struct naive *n, struct exchange *x, struct MHD_Connection *mhd,
                  const char *url)
{
    struct principal who;
    json_t *body = NULL;
    PGconn *c = database(n);
    enum err e =
        authenticate(c, MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Authorization"), &who);
    if (e == ERR_OK)
        e = x->too_large ? ERR_TOO_LARGE : json_parse(x->body, x->len, &body);
    if (e != ERR_OK)
        problem(x, e);
    else if (strcmp(url, "/v1/jobs/claim") == 0)
        claim(x, c, &who, body);
    else if (strncmp(url, "/v1/tasks/", 10) == 0)
        create_bid(x, c, &who, url,
                   MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Idempotency-Key"), body);
    else
        problem(x, ERR_NOT_FOUND);
    json_decref(body);
}

static enum MHD_Result answer(struct MHD_Connection *mhd, const struct exchange *x)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(x->reply), (void *)(uintptr_t)x->reply, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result result = MHD_queue_response(mhd, (unsigned)x->status, response);
    MHD_destroy_response(response);
    return result;
}

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd's signature */
static enum MHD_Result handle(void *cls, struct MHD_Connection *mhd, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **con_cls)
{
    struct exchange *x = *con_cls;
    (void)version;
    if (x == NULL) {
        *con_cls = calloc(1, sizeof *x);
        return *con_cls == NULL ? MHD_NO : MHD_YES;
    }
    if (*size > 0) {
        x->too_large = x->too_large || *size > BODY_MAX - x->len;
        if (!x->too_large) {
            memcpy(x->body + x->len, data, *size);
            x->len += *size;
        }
        *size = 0;
        return MHD_YES;
    }
    if (strcmp(url, "/bare") == 0)
        x->status = 204;
    else if (strcmp(method, "POST") == 0)
        route(cls, x, mhd, url);
    else
        problem(x, ERR_METHOD_NOT_ALLOWED);
    return answer(mhd, x);
}

static void ended(void *cls, struct MHD_Connection *mhd, void **con_cls,
                  enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)mhd;
    (void)code;
    free(*con_cls);
    *con_cls = NULL;
}

int main(int argc, char **argv)
{
    struct naive n;
    char end[1];
    if (argc != 4 || sodium_init() < 0) {
        fprintf(stderr, "usage: naive_server URI KEY_SECRET THREADS\n");
        return 1;
    }
    n.uri = argv[1];
    json_setup();
    /* poll, because this version's own epoll loop stalls at 128 ready connections */
    struct MHD_Daemon *d = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD, 0, NULL, NULL, handle, &n, MHD_OPTION_NOTIFY_COMPLETED, ended,
        NULL, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)strtoul(argv[3], NULL, 10),
        MHD_OPTION_CONNECTION_LIMIT, 4096U, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (d == NULL)
        return 1;
    printf("port %u\n", MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    while (read(STDIN_FILENO, end, 1) > 0)
        continue;
    MHD_stop_daemon(d);
    return 0;
}
