/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes due work to the streams, again when nobody finished it; does the small work that needs
 * no task: releases, blob checks, old keys. Every replica may run it: rows are picked, not owned.
 */
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/core/clock.h"
#include "server/core/log.h"
#include "sql/worker_statements.h"
#include "workers/runner.h"

enum {
    PUBLISH_MAX = 512,
    LOST_AFTER_MS = 2000, /* published, its stream empty, and not done: the stream was lost */
    LOOK_FOR_LOST_MS = 1000,
    EXPIRE_EVERY_MS = 60000,
    EXPIRE_MAX = 1000,
    SMALL_MAX = 64,
    BLOB_PARTS_MAX = 256,
    NAP_MS = 20,
    LEAST_WAIT_MS = 5 /* others may be about to poll what is due */
};

struct sweeper {
    struct worker *worker;
    struct queue_listener *listener;
    atomic_bool woken; /* by the listener's thread */
    int64_t looked_ms;
    int64_t expired_ms;
};

static void on_wake(void *arg, const char *topic, size_t len)
{
    struct sweeper *s = arg;
    if ((len == 4 && memcmp(topic, "work", 4) == 0) || (len == 1 && topic[0] == '*'))
        atomic_store(&s->woken, true);
}

/* ---- publishing --------------------------------------------------------------------------------
 */

static void give_back(struct worker *w, const char *ids)
{
    struct db_call call;
    worker_bind_unpublish(&call, ids);
    if (db_run(w->db, &call, NULL) == DB_FAULT)
        log_event(LOG_WARN, "unpublished work waits for its republishing", "error",
                  db_conn_error(w->db), (const char *)NULL);
}

/* Rows that did not reach a stream are free for whoever polls the table. */
static void publish_row(struct worker *w, const struct db_rows *rows, int i)
{
    struct queue_message m = {.version = db_rows_int(rows, i, 2)};
    char ids[UUID_TEXT_MAX + 2];
    const char *job = db_rows_text(rows, i, 1);
    if (!job || !db_rows_uuid(rows, i, 0, &m.work))
        return;
    if (queue_publish(w->queue, job, &m, 1) == ERR_OK)
        return;
    w->queue_is_down = true;
    ids[0] = '{';
    uuid_print(&m.work, ids + 1);
    memcpy(ids + UUID_TEXT_MAX, "}", 2);
    give_back(w, ids);
}

static int publish(struct worker *w)
{
    struct db_call call;
    struct db_rows *rows = NULL;
    int count = 0;
    worker_bind_publish(&call, w->reclaim_ms, PUBLISH_MAX);
    if (db_run(w->db, &call, &rows) == DB_ROW)
        count = db_rows_count(rows);
    for (int i = 0; i < count; i++)
        publish_row(w, rows, i);
    db_rows_unref(rows);
    return w->queue_is_down ? 0 : count;
}

static void republish_lost(struct worker *w, const char *job)
{
    struct db_call call;
    int64_t depth = 0;
    if (queue_depth(w->queue, job, &depth) != ERR_OK) {
        w->queue_is_down = true;
        return;
    }
    if (depth > 0)
        return; /* still there, or being worked on */
    worker_bind_republish(&call, job, LOST_AFTER_MS);
    if (db_run(w->db, &call, NULL) == DB_ROW)
        log_event(LOG_WARN, "published work vanished from its stream, publishing it again", "job",
                  job, (const char *)NULL);
}

static void look_for_lost(struct sweeper *s)
{
    static const char *const names[] = {
#define J(name, help) #name,
#include "workers/workers.def"
#undef J
    };
    int64_t now = clock_mono_ms();
    if (now - s->looked_ms < LOOK_FOR_LOST_MS)
        return;
    s->looked_ms = now;
    s->worker->queue_is_down = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !s->worker->queue_is_down; i++)
        republish_lost(s->worker, names[i]);
}

/* ---- work without a task -----------------------------------------------------------------------
 */

static bool hash_blob(struct worker *w, const struct uuid *blob, uint8_t out[HASH_BYTES],
                      int64_t *size)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool ok = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    bool more = ok;
    *size = 0;
    for (int i = 0; more && i < BLOB_PARTS_MAX; i++) {
        struct db_call call;
        struct db_rows *rows = NULL;
        worker_bind_blob_part(&call, blob, i);
        enum db_outcome o = db_run(w->db, &call, &rows);
        const char *hex = o == DB_ROW ? db_rows_text(rows, 0, 0) : NULL;
        size_t len = hex ? strlen(hex) / 2 - 1 : 0;
        uint8_t *data = malloc(len + 1);
        ok = data && (o == DB_ROW || o == DB_NO_ROW) &&
             (!hex ||
              (db_rows_bytes(rows, 0, 0, data, len) && EVP_DigestUpdate(hash, data, len) == 1));
        more = ok && hex;
        *size += (int64_t)len;
        free(data);
        db_rows_unref(rows);
    }
    ok = ok && EVP_DigestFinal_ex(hash, out, NULL) == 1;
    EVP_MD_CTX_free(hash);
    return ok;
}

static bool check_blob(struct worker *w, const struct uuid *work)
{
    struct db_call call;
    struct db_rows *rows = NULL;
    struct uuid blob;
    uint8_t wanted[HASH_BYTES];
    uint8_t hash[HASH_BYTES];
    int64_t size = 0;
    bool good = false;
    worker_bind_blob(&call, work);
    enum db_outcome o = db_run(w->db, &call, &rows);
    if (o == DB_ROW && db_rows_uuid(rows, 0, 0, &blob) &&
        db_rows_bytes(rows, 0, 1, wanted, HASH_BYTES)) {
        if (!hash_blob(w, &blob, hash, &size))
            o = DB_FAULT;
        good =
            o == DB_ROW && size == db_rows_int(rows, 0, 2) && memcmp(hash, wanted, HASH_BYTES) == 0;
    }
    db_rows_unref(rows);
    if (o != DB_ROW && o != DB_NO_ROW)
        return false;
    worker_bind_blob_done(&call, work, good);
    o = db_run(w->db, &call, NULL);
    return o == DB_ROW || o == DB_NO_ROW;
}

static bool release(struct worker *w, const struct uuid *work)
{
    struct db_call call;
    worker_bind_unbond(&call, work);
    enum db_outcome o = db_run(w->db, &call, NULL);
    return o == DB_ROW || o == DB_NO_ROW;
}

static int do_small(struct worker *w, const char *job,
                    bool (*work_on)(struct worker *w, const struct uuid *work))
{
    struct db_call call;
    struct db_rows *rows = NULL;
    struct uuid work;
    const struct worker_pick p = {job, w->reclaim_ms, 0, SMALL_MAX};
    worker_bind_pick(&call, &p);
    int count = db_run(w->db, &call, &rows) == DB_ROW ? db_rows_count(rows) : 0;
    for (int i = 0; i < count; i++)
        if (db_rows_uuid(rows, i, 0, &work) && !work_on(w, &work))
            log_event(LOG_WARN, "small work failed, it will be tried again", "job", job, "error",
                      db_conn_error(w->db), (const char *)NULL);
    db_rows_unref(rows);
    return count;
}

static void expire_keys(struct sweeper *s)
{
    struct db_call call;
    int64_t now = clock_mono_ms();
    if (s->expired_ms != 0 && now - s->expired_ms < EXPIRE_EVERY_MS)
        return;
    s->expired_ms = now;
    worker_bind_expire_keys(&call, EXPIRE_MAX);
    if (db_run(s->worker->db, &call, NULL) == DB_FAULT)
        log_event(LOG_WARN, "old keys were not removed", "error", db_conn_error(s->worker->db),
                  (const char *)NULL);
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static int64_t next_due_ms(struct worker *w)
{
    struct db_call call;
    struct db_rows *rows = NULL;
    int64_t wait = w->block_ms;
    worker_bind_next_due(&call, w->block_ms);
    if (db_run(w->db, &call, &rows) == DB_ROW)
        wait = db_rows_int(rows, 0, 0);
    db_rows_unref(rows);
    return wait;
}

/* Until something is due or somebody asked for work. */
static void wait_for_work(struct sweeper *s, int64_t wait_ms)
{
    int64_t until = clock_mono_ms() + (wait_ms < LEAST_WAIT_MS ? LEAST_WAIT_MS : wait_ms);
    while (!*s->worker->stop && !atomic_exchange(&s->woken, false)) {
        int64_t left = until - clock_mono_ms();
        if (left <= 0)
            return;
        worker_sleep(left < NAP_MS ? left : NAP_MS);
    }
}

static int sweep(struct sweeper *s)
{
    struct worker *w = s->worker;
    int done = 0;
    if (w->queue) {
        look_for_lost(s);
        if (!w->queue_is_down)
            done += publish(w);
    }
    worker_fault(w, "published");
    done += do_small(w, "unbond", release);
    done += do_small(w, "blob", check_blob);
    expire_keys(s);
    return done;
}

int sweeper_run(struct worker *w)
{
    struct sweeper s = {.worker = w};
    if (w->queue &&
        queue_listener_new(w->redis_address, w->redis_prefix, on_wake, &s, &s.listener) != ERR_OK)
        return 1;
    while (!*w->stop) {
        int done = sweep(&s);
        if (done == 0 && w->once)
            break;
        if (done == 0)
            wait_for_work(&s, next_due_ms(w));
    }
    if (s.listener)
        queue_listener_free(s.listener);
    return 0;
}
