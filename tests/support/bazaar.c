/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/bazaar.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <sodium.h>

#include "server/core/clock.h"
#include "server/core/json.h"
#include "server/domain/protocol.h"
#include "server/workload/workload.h"
#include "tests/support/pg.h"

#define BAZAAR_ID "test"
#define KIND      "mining.sha256d"
#define FUNDS     INT64_C(500000000000000) /* 500,000 CYS each */
#define STAKE     INT64_C(100000000000000)

static const char input[] =
    "{\"bind\":true,\"header\":"
    "\"0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b2"
    "7ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c\","
    "\"target\":\"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"}";
static const volatile sig_atomic_t never = 0;

enum { UNTIL_MS = 60000, TURN_PAUSE_MS = 5, FILE_MAX_BYTES = 65536 };

static PGresult *run(struct bazaar *m, const char *sql)
{
    PGresult *r = PQexec(m->sql, sql);
    ExecStatusType s = PQresultStatus(r);
    if (s == PGRES_TUPLES_OK || s == PGRES_COMMAND_OK)
        return r;
    printf("  %s: %.300s\n", PQerrorMessage(m->sql), sql);
    fflush(stdout);
    m->failed = true;
    if (CU_get_current_test())
        CU_FAIL("SQL of a test failed");
    PQclear(r);
    return NULL;
}

static PGresult *run_va(struct bazaar *m, const char *format, va_list args)
{
    char sql[BAZAAR_SQL_MAX];
    int n = vsnprintf(sql, sizeof sql, format, args);
    if (n <= 0 || n >= (int)sizeof sql)
        abort(); /* a test's own text */
    return run(m, sql);
}

static const char *first_value(PGresult *r)
{
    return r && PQntuples(r) > 0 && PQnfields(r) > 0 ? PQgetvalue(r, 0, 0) : "";
}

int64_t bazaar_sql(struct bazaar *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PGresult *r = run_va(m, format, args);
    va_end(args);
    const char *v = first_value(r);
    int64_t n = strcmp(v, "t") == 0 ? 1 : strtoll(v, NULL, 10);
    PQclear(r);
    return n;
}

const char *bazaar_text(struct bazaar *m, const char *format, ...)
{
    static char text[512];
    va_list args;
    va_start(args, format);
    PGresult *r = run_va(m, format, args);
    va_end(args);
    snprintf(text, sizeof text, "%s", first_value(r));
    PQclear(r);
    return text;
}

static const char *id_text(int family, int number)
{
    static char texts[16][UUID_TEXT_MAX];
    static unsigned next;
    char *text = texts[next++ % 16];
    snprintf(text, UUID_TEXT_MAX, "00000000-0000-7000-8000-0000%04x%04x", (unsigned)family & 0xffff,
             (unsigned)number & 0xffff);
    return text;
}

const char *bazaar_entity(int person)
{
    return id_text(1, person);
}

static const char *node_of(int person)
{
    return id_text(2, person);
}

const char *bazaar_task(int task)
{
    return id_text(3, task);
}

static struct uuid parse_id(const char *text)
{
    struct uuid id;
    if (uuid_parse(text, &id) != ERR_OK)
        abort();
    return id;
}

/* A file of the source tree; caller frees. */
static char *read_source(const char *name)
{
    char path[512];
    const char *source = getenv("COMPUTEFI_SOURCE");
    snprintf(path, sizeof path, "%s/%s", source ? source : ".", name);
    FILE *f = fopen(path, "r");
    char *text = calloc(1, FILE_MAX_BYTES);
    size_t n = f && text ? fread(text, 1, FILE_MAX_BYTES - 1, f) : 0;
    if (f)
        fclose(f);
    if (n > 0 && n < FILE_MAX_BYTES - 1)
        return text;
    printf("  cannot read %s\n", path);
    free(text);
    return NULL;
}

static bool load_fixtures(struct bazaar *m)
{
    char *text = read_source("tests/workers/fixtures.sql");
    PGresult *r = text ? run(m, text) : NULL;
    bool ok = r != NULL;
    PQclear(r);
    free(text);
    return ok;
}

void bazaar_behave(struct bazaar *m)
{
    m->failed = false;
    for (int i = 0; i < BAZAAR_PEOPLE; i++)
        m->people[i] = (struct person){true, WORKS_RIGHT, VOTES_YES};
}

static void seed_people(struct bazaar *m)
{
    for (int i = 0; i < BAZAAR_PEOPLE; i++) {
        bool provides = i >= PERSON_PROVIDER && i < PERSON_PROVIDER + BAZAAR_PROVIDERS;
        bool verifies = i >= PERSON_VERIFIER && i < PERSON_VERIFIER + BAZAAR_VERIFIERS;
        if (i != PERSON_REQUESTER && !provides && !verifies)
            continue;
        bazaar_sql(m, "SELECT t_entity('%s', 'person %d', %lld, %lld)", bazaar_entity(i), i,
                   (long long)FUNDS, (long long)(i == PERSON_REQUESTER ? 0 : STAKE));
        if (i != PERSON_REQUESTER)
            bazaar_sql(m, "SELECT t_node('%s', '%s', '" KIND "', %s)", node_of(i), bazaar_entity(i),
                       provides ? "true" : "false");
    }
}

static void seed_policies(struct bazaar *m)
{
    static const char windows[] =
        "{\"bidding_ms\":30000,\"bidding_min_ms\":100,\"opening_ms\":30000,\"heartbeat_ms\":60000,"
        "\"lease_ms\":60000,\"commit_ms\":60000,\"reveal_ms\":60000,\"challenge_ms\":0,"
        "\"reserve_age_ms\":0,\"min_pledge_gwei\":0}";
    bazaar_sql(m, "SELECT t_policy('test', 'development', '%s')", windows);
    bazaar_sql(m, "SELECT t_policy('test-ladder', 'development-ladder', '%s')", windows);
    bazaar_sql(m, "SELECT t_policy('test-cysic', 'cysic-production', '%s')", windows);
}

bool bazaar_open(struct bazaar *m, const char *redis)
{
    memset(m, 0, sizeof *m);
    if (sodium_init() < 0 || test_db_create(m->uri, sizeof m->uri) != 0)
        return false;
    m->sql = PQconnectdb(m->uri);
    m->worker = (struct worker){.market_id = BAZAAR_ID,
                                .data_dir = "build/zk",
                                .block_ms = 10,
                                .reclaim_ms = 1000,
                                .max_deliveries = 3,
                                .batch_max = 16,
                                .once = true,
                                .stop = &never,
                                .redis_address = redis ? redis : "",
                                .redis_prefix = strrchr(m->uri, '_'), /* unique for the database */
                                .consumer = "test"};
    if (PQstatus(m->sql) != CONNECTION_OK || !load_fixtures(m) ||
        db_conn_open(m->uri, "test", &m->worker.db) != ERR_OK)
        return false;
    static char prefix[64];
    snprintf(prefix, sizeof prefix, "t%.40s", strstr(m->uri, "@/") + 2);
    *strchrnul(prefix, '?') = '\0';
    m->worker.redis_prefix = prefix;
    if (redis && queue_new(redis, prefix, &m->worker.queue) != ERR_OK)
        return false;
    bazaar_behave(m);
    seed_policies(m);
    seed_people(m);
    return !m->failed;
}

void bazaar_close(struct bazaar *m)
{
    db_conn_close(m->worker.db);
    if (m->worker.queue)
        queue_free(m->worker.queue);
    PQfinish(m->sql);
    test_db_drop(m->uri);
}

int bazaar_post(struct bazaar *m, const struct bazaar_terms *t)
{
    int task = m->tasks++;
    bazaar_sql(m, "SELECT t_task('%s', '%s', '%s', '" KIND "', '%s', %lld, %d, %lld, %d)",
               bazaar_task(task), bazaar_entity(PERSON_REQUESTER), t->policy, input,
               (long long)t->price_gwei, t->replicas, (long long)t->deadline_ms, t->rounds);
    return task;
}

/* Salts are known to the test: a hash of what they are for. */
static void salt_of(const char *text, uint8_t salt[SALT_BYTES], char hex[2 * SALT_BYTES + 1])
{
    hash_plain(text, strlen(text), salt);
    hex_encode(salt, SALT_BYTES, hex);
}

void bazaar_bid(struct bazaar *m, int task, int provider, int64_t price_gwei)
{
    char salt[2 * SALT_BYTES + 1];
    char commitment[2 * HASH_BYTES + 1];
    char id[UUID_TEXT_MAX];
    uint8_t hash[HASH_BYTES];
    struct uuid bid = uuid_new(clock_wall_ms());
    struct protocol_bid b = {BAZAAR_ID,
                             parse_id(bazaar_task(task)),
                             parse_id(bazaar_entity(provider)),
                             parse_id(node_of(provider)),
                             price_gwei,
                             {0}};
    uuid_print(&bid, id);
    salt_of(id, b.salt, salt);
    protocol_bid_commitment(&b, hash);
    hex_encode(hash, HASH_BYTES, commitment);
    bazaar_sql(m, "SELECT t_bid('%s', '%s', '%s', '%s', '\\x%s', %lld, '\\x%s')", id,
               bazaar_task(task), bazaar_entity(provider), node_of(provider), commitment,
               (long long)price_gwei, salt);
    bazaar_sql(m, "INSERT INTO t_prices VALUES ('%s', %lld)", id, (long long)price_gwei);
}

/* The person behind an entity id: its last byte. */
static struct person *person_of(struct bazaar *m, const char *entity)
{
    struct uuid id = parse_id(entity);
    return &m->people[id.b[UUID_BYTES - 1] % BAZAAR_PEOPLE];
}

static void open_bids(struct bazaar *m)
{
    PGresult *r = run(m, "SELECT b.id, b.entity_id, p.price FROM bids b JOIN tasks t ON "
                         "t.id = b.task_id JOIN t_prices p ON p.bid = b.id "
                         "WHERE t.state = 'opening' AND b.round = t.round AND b.opened_at IS NULL");
    for (int i = 0; r && i < PQntuples(r); i++) {
        char hex[2 * SALT_BYTES + 1];
        uint8_t salt[SALT_BYTES];
        if (!person_of(m, PQgetvalue(r, i, 1))->opens)
            continue;
        salt_of(PQgetvalue(r, i, 0), salt, hex);
        bazaar_sql(m, "SELECT t_open('%s', %s, '\\x%s')", PQgetvalue(r, i, 0), PQgetvalue(r, i, 2),
                   hex);
    }
    PQclear(r);
}

/* The result of a job: real work, or bytes that are none. */
static void make_result(PGresult *r, int i, bool right, struct buf *out)
{
    struct workload_task t = {.market_id = BAZAAR_ID,
                              .task = parse_id(PQgetvalue(r, i, 1)),
                              .kind = KIND,
                              .deadline_ms = atoll(PQgetvalue(r, i, 7))};
    struct uuid node = parse_id(PQgetvalue(r, i, 3));
    const atomic_bool stop = false;
    const struct workload_exec x = {"build/zk", "/tmp", clock_mono_ms() + 10000, &stop};
    json_t *in = json_loads(input, 0, NULL);
    t.input = in;
    hash_plain(node.b, UUID_BYTES, t.worker_key);
    hash_plain(input, strlen(input), t.input_hash);
    if (!right)
        buf_adds(out, "{\"nonce\":0}");
    else if (workload_execute(&t, &x, out) != ERR_OK)
        CU_FAIL("the work could not be done");
    json_decref(in);
}

static void hand_in(struct bazaar *m, PGresult *r, int i, struct buf *result, bool reveal)
{
    char hex[2 * HASH_BYTES + 1];
    char salt[2 * SALT_BYTES + 1];
    uint8_t hash[HASH_BYTES];
    struct workload_opening o = {.task = parse_id(PQgetvalue(r, i, 1)),
                                 .slot = atoi(PQgetvalue(r, i, 4)),
                                 .fence = atoi(PQgetvalue(r, i, 5))};
    struct uuid node = parse_id(PQgetvalue(r, i, 3));
    hash_plain(node.b, UUID_BYTES, o.node_key);
    salt_of(PQgetvalue(r, i, 0), o.salt, salt);
    hash_plain(result->data, result->len, o.result_digest);
    workload_commitment(&o, hash);
    hex_encode(hash, HASH_BYTES, hex);
    if (reveal)
        bazaar_sql(m, "SELECT t_reveal('%s', '\\x%s', convert_to('%s', 'UTF8'))",
                   PQgetvalue(r, i, 0), salt, result->data);
    else
        bazaar_sql(m, "SELECT t_commit('%s', '\\x%s')", PQgetvalue(r, i, 0), hex);
}

static void work_on(struct bazaar *m, PGresult *r, int i)
{
    struct person *p = person_of(m, PQgetvalue(r, i, 2));
    bool reveal = strcmp(PQgetvalue(r, i, 6), "committed") == 0;
    struct buf result;
    if (p->works == WORKS_NOT || (reveal && p->works == WORKS_COMMITS_ONLY))
        return;
    if (p->works == WORKS_DECLINES) {
        bazaar_sql(m, "SELECT t_decline('%s')", PQgetvalue(r, i, 0));
        return;
    }
    buf_init(&result, 4096);
    make_result(r, i, p->works != WORKS_WRONG, &result);
    hand_in(m, r, i, &result, reveal);
    buf_clear(&result);
}

static void work(struct bazaar *m)
{
    PGresult *r =
        run(m, "SELECT j.id, j.task_id, j.entity_id, j.node_id, j.slot, j.fence, j.state, "
               "(extract(epoch FROM t.deadline_at) * 1000)::bigint FROM jobs j JOIN tasks t "
               "ON t.id = j.task_id WHERE t.state = 'assigned' AND (j.state = 'assigned' "
               "OR j.state = 'committed' AND NOT EXISTS (SELECT 1 FROM jobs o "
               "WHERE o.task_id = t.id AND o.state = 'assigned'))");
    for (int i = 0; r && i < PQntuples(r); i++)
        work_on(m, r, i);
    PQclear(r);
}

static void vote_on(struct bazaar *m, PGresult *r, int i)
{
    struct person *p = person_of(m, PQgetvalue(r, i, 2));
    bool reveal = strcmp(PQgetvalue(r, i, 7), "committed") == 0;
    char salt[2 * SALT_BYTES + 1];
    char hex[2 * HASH_BYTES + 1];
    uint8_t hash[HASH_BYTES];
    struct uuid node = parse_id(PQgetvalue(r, i, 3));
    struct protocol_vote v = {.task = parse_id(PQgetvalue(r, i, 1)),
                              .slot = atoi(PQgetvalue(r, i, 4)),
                              .fence = atoi(PQgetvalue(r, i, 5)),
                              .rung = atoi(PQgetvalue(r, i, 6)),
                              .seat = parse_id(PQgetvalue(r, i, 0)),
                              .yes = p->votes != VOTES_NO};
    if (p->votes == VOTES_NOT || (reveal && p->votes == VOTES_COMMITS_ONLY))
        return;
    hash_plain(node.b, UUID_BYTES, v.node_key);
    salt_of(PQgetvalue(r, i, 0), v.salt, salt);
    protocol_vote_commitment(&v, hash);
    hex_encode(hash, HASH_BYTES, hex);
    if (reveal)
        bazaar_sql(m, "SELECT t_vote_reveal('%s', %s, '\\x%s')", PQgetvalue(r, i, 0),
                   v.yes ? "true" : "false", salt);
    else
        bazaar_sql(m, "SELECT t_vote_commit('%s', '\\x%s')", PQgetvalue(r, i, 0), hex);
}

static void vote(struct bazaar *m)
{
    PGresult *r = run(m, "SELECT s.id, s.task_id, s.entity_id, s.node_id, g.slot, g.fence, g.rung, "
                         "s.state FROM seats s JOIN rungs g ON g.id = s.rung_id WHERE "
                         "s.state = 'seated' OR s.state = 'committed' AND g.tallied_at IS NULL "
                         "AND g.reveal_from <= clock_timestamp()");
    for (int i = 0; r && i < PQntuples(r); i++)
        vote_on(m, r, i);
    PQclear(r);
}

/* "'{uuid,...}'" of the people for whom waits is true. */
static const char *list_people(struct bazaar *m, bool (*waits)(const struct person *p))
{
    static char texts[8][BAZAAR_PEOPLE * UUID_TEXT_MAX + 8];
    static unsigned next;
    char *text = texts[next++ % 8];
    char *p = text;
    *p++ = '{';
    for (int i = 0; i < BAZAAR_PEOPLE; i++)
        if (waits(&m->people[i]))
            p += sprintf(p, "%s%s", p[-1] == '{' ? "" : ",", bazaar_entity(i));
    memcpy(p, "}", 2);
    return text;
}

static bool never_opens(const struct person *p)
{
    return !p->opens;
}

static bool never_works(const struct person *p)
{
    return p->works == WORKS_NOT;
}

static bool never_reveals(const struct person *p)
{
    return p->works == WORKS_COMMITS_ONLY;
}

static bool never_votes(const struct person *p)
{
    return p->votes == VOTES_NOT;
}

static bool never_opens_votes(const struct person *p)
{
    return p->votes == VOTES_COMMITS_ONLY;
}

void bazaar_act(struct bazaar *m)
{
    open_bids(m);
    work(m);
    vote(m);
    bazaar_sql(m, "SELECT t_hurry('%s', '%s', '%s', '%s', '%s')", list_people(m, never_opens),
               list_people(m, never_works), list_people(m, never_reveals),
               list_people(m, never_votes), list_people(m, never_opens_votes));
}

void bazaar_turn(struct bazaar *m)
{
    sweeper_run(&m->worker);
    auction_run(&m->worker);
    dispatch_run(&m->worker);
    committee_run(&m->worker);
    settle_run(&m->worker);
}

bool bazaar_wait(struct bazaar *m, void (*turn)(struct bazaar *m), const char *condition)
{
    int64_t until = clock_mono_ms() + UNTIL_MS;
    while (bazaar_sql(m, "SELECT coalesce((%s), false)", condition) == 0) {
        if (clock_mono_ms() > until || m->failed) {
            printf("  still not: %s\n", condition);
            return false;
        }
        bazaar_act(m);
        if (turn)
            turn(m);
        worker_sleep(TURN_PAUSE_MS);
    }
    return true;
}

bool bazaar_until(struct bazaar *m, const char *format, ...)
{
    char sql[BAZAAR_SQL_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    return bazaar_wait(m, bazaar_turn, sql);
}

static int list_violations(struct bazaar *m, const char *query)
{
    PGresult *r = run(m, query);
    int n = r ? PQntuples(r) : 1;
    for (int i = 0; r && i < n; i++)
        printf("  violation: %s %s %s\n", PQgetvalue(r, i, 0),
               PQnfields(r) > 2 ? PQgetvalue(r, i, 1) : "",
               PQnfields(r) > 2 ? PQgetvalue(r, i, 2) : "");
    PQclear(r);
    return n;
}

/* This suite's own queries, then those of sql/invariants.sql: a query ends with the semicolon at
 * the end of a line. */
int bazaar_violations(struct bazaar *m)
{
    int n = list_violations(m, "SELECT t_violations()");
    char *text = read_source("sql/invariants.sql");
    int queries = 0;
    bazaar_sql(m, "SET computefi.market_id = '" BAZAAR_ID "'");
    for (char *q = text, *end; q && (end = strstr(q, ";\n")) != NULL; q = end + 2) {
        *end = '\0';
        n += list_violations(m, q);
        queries++;
    }
    free(text);
    CU_ASSERT(queries >= 15);
    return n;
}
