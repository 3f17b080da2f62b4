/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/worker_statements.h"

#include <string.h>

#define STATEMENT(field, ...)                                                                      \
    static const struct db_stmt field = {.name = #field, .mode = DB_READ, __VA_ARGS__}

/* A task row is locked before anything about it is read: a clock or a state read in the locking
 * statement would be older than the lock. */
STATEMENT(worker_lock,
          .sql = "SELECT t.id FROM tasks t WHERE t.id IN "
                 "(SELECT subject_id FROM work WHERE id = ANY ($1::uuid[])) "
                 "ORDER BY t.id FOR UPDATE",
          .param_count = 1, .params = {DB_TEXT});
STATEMENT(worker_load,
          .sql = "SELECT w.id, w.version, w.subject_id, w_load(w.subject_id)::text AS doc "
                 "FROM work w WHERE w.id = ANY ($1::uuid[]) AND w.due_at <= clock_timestamp() "
                 "ORDER BY w.subject_id",
          .param_count = 1, .params = {DB_TEXT});
STATEMENT(worker_apply, .sql = "SELECT w_apply($1::jsonb)", .param_count = 1, .params = {DB_TEXT});
STATEMENT(worker_pick,
          .sql = "UPDATE work SET published_at = clock_timestamp() WHERE id IN "
                 "(SELECT id FROM work WHERE job = $1 "
                 "AND due_at <= clock_timestamp() - $3 * interval '1 ms' "
                 "AND (published_at IS NULL OR "
                 "published_at < clock_timestamp() - $2 * interval '1 ms') "
                 "ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED) RETURNING id, version",
          .param_count = 4, .params = {DB_TEXT, DB_INT, DB_INT, DB_INT});
STATEMENT(worker_dead_letter,
          .sql = "WITH stopped AS (UPDATE work SET published_at = 'infinity' WHERE id = $2 "
                 "AND published_at IS DISTINCT FROM 'infinity' RETURNING job, subject_id) "
                 "INSERT INTO dead_letters (id, job, subject_id, deliveries, error, at) "
                 "SELECT $1, job, subject_id, $3, left($4, 500), clock_timestamp() FROM stopped",
          .param_count = 4, .params = {DB_UUID, DB_UUID, DB_INT, DB_TEXT});
STATEMENT(worker_results,
          .sql = "SELECT j.id AS job, t.id AS task, t.kind, t.input, t.input_hash, n.node_key, "
                 "(extract(epoch FROM t.deadline_at) * 1000)::bigint AS deadline_ms, "
                 "j.result_digest AS digest, "
                 "CASE WHEN j.result_blob_id IS NULL THEN j.result "
                 "WHEN b.size_bytes <= $2 THEN (SELECT string_agg(p.data, ''::bytea "
                 "ORDER BY p.part_index) FROM blob_parts p WHERE p.blob_id = b.id) END AS result, "
                 "y.mechanical_check AS mechanical "
                 "FROM work w JOIN tasks t ON t.id = w.subject_id "
                 "JOIN policies y ON y.id = t.policy_id "
                 "JOIN jobs j ON j.task_id = t.id JOIN nodes n ON n.id = j.node_id "
                 "LEFT JOIN blobs b ON b.id = j.result_blob_id "
                 "WHERE w.id = $1 AND t.state = 'assigned' AND j.state = 'revealed' "
                 "AND j.check_verdict IS NULL ORDER BY j.slot LIMIT 16",
          .param_count = 2, .params = {DB_UUID, DB_INT});
STATEMENT(worker_publish,
          .sql = "UPDATE work SET published_at = clock_timestamp() WHERE id IN "
                 "(SELECT id FROM work WHERE due_at <= clock_timestamp() "
                 "AND job <> ALL ('{blob,unbond}') AND (published_at IS NULL OR "
                 "published_at < clock_timestamp() - $1 * interval '1 ms') "
                 "ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id, job, version",
          .param_count = 2, .params = {DB_INT, DB_INT});
STATEMENT(worker_unpublish,
          .sql = "UPDATE work SET published_at = NULL WHERE id = ANY ($1::uuid[])",
          .param_count = 1, .params = {DB_TEXT});
STATEMENT(worker_republish,
          .sql = "UPDATE work SET published_at = NULL WHERE id IN (SELECT id FROM work "
                 "WHERE job = $1 AND published_at < clock_timestamp() - $2 * interval '1 ms' "
                 "ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)",
          .param_count = 2, .params = {DB_TEXT, DB_INT});
STATEMENT(worker_next_due,
          .sql = "SELECT least($1, greatest(0, coalesce(ceil(extract(epoch FROM "
                 "(SELECT min(due_at) FROM work WHERE published_at IS NULL) - clock_timestamp()) "
                 "* 1000), $1)))::bigint AS wait_ms",
          .param_count = 1, .params = {DB_INT});
STATEMENT(worker_expire_keys,
          .sql = "DELETE FROM idempotency WHERE (entity_id, operation, key) IN "
                 "(SELECT entity_id, operation, key FROM idempotency "
                 "WHERE at < clock_timestamp() - interval '24 hours' LIMIT $1)",
          .param_count = 1, .params = {DB_INT});
STATEMENT(worker_unbond, .sql = "SELECT w_unbond($1) AS done", .param_count = 1,
          .params = {DB_UUID});
STATEMENT(worker_blob,
          .sql = "SELECT b.id AS blob, b.digest, b.size_bytes FROM work w "
                 "JOIN blobs b ON b.id = w.subject_id WHERE w.id = $1 AND b.state = 'checking'",
          .param_count = 1, .params = {DB_UUID});
STATEMENT(worker_blob_part,
          .sql = "SELECT data FROM blob_parts WHERE blob_id = $1 AND part_index = $2",
          .param_count = 2, .params = {DB_UUID, DB_INT});
STATEMENT(worker_blob_done,
          .sql = "WITH gone AS (DELETE FROM work WHERE id = $1 RETURNING subject_id) "
                 "UPDATE blobs b SET state = CASE WHEN $2 THEN 'complete' ELSE 'bad' END, "
                 "completed_at = clock_timestamp() FROM gone "
                 "WHERE b.id = gone.subject_id AND b.state = 'checking'",
          .param_count = 2, .params = {DB_UUID, DB_BOOL});

const struct db_stmt *const worker_statements[] = {
    &worker_lock,        &worker_load,    &worker_apply,     &worker_pick,      &worker_dead_letter,
    &worker_results,     &worker_publish, &worker_unpublish, &worker_republish, &worker_next_due,
    &worker_expire_keys, &worker_unbond,  &worker_blob,      &worker_blob_part, &worker_blob_done};
const int worker_statements_count = sizeof worker_statements / sizeof *worker_statements;

static void begin(struct db_call *c, const struct db_stmt *s)
{
    memset(c, 0, sizeof *c);
    c->stmt = s;
}

static void begin_text(struct db_call *c, const struct db_stmt *s, const char *text)
{
    begin(c, s);
    c->params[0] = db_text(text);
}

static void begin_uuid(struct db_call *c, const struct db_stmt *s, const struct uuid *id)
{
    begin(c, s);
    c->params[0] = db_uuid(id);
}

static void begin_int(struct db_call *c, const struct db_stmt *s, int64_t v)
{
    begin(c, s);
    c->params[0] = db_int(v);
}

void worker_bind_lock(struct db_call *c, const char *work_ids)
{
    begin_text(c, &worker_lock, work_ids);
}

void worker_bind_load(struct db_call *c, const char *work_ids)
{
    begin_text(c, &worker_load, work_ids);
}

void worker_bind_apply(struct db_call *c, const char *change)
{
    begin_text(c, &worker_apply, change);
}

void worker_bind_pick(struct db_call *c, const struct worker_pick *p)
{
    begin_text(c, &worker_pick, p->job);
    c->params[1] = db_int(p->republish_ms);
    c->params[2] = db_int(p->grace_ms);
    c->params[3] = db_int(p->limit);
}

void worker_bind_dead_letter(struct db_call *c, const struct worker_dead_letter *d)
{
    begin_uuid(c, &worker_dead_letter, &d->id);
    c->params[1] = db_uuid(&d->work);
    c->params[2] = db_int(d->deliveries);
    c->params[3] = db_text(d->error);
}

void worker_bind_results(struct db_call *c, const struct uuid *work, int64_t max_bytes)
{
    begin_uuid(c, &worker_results, work);
    c->params[1] = db_int(max_bytes);
}

void worker_bind_publish(struct db_call *c, int64_t republish_ms, int64_t limit)
{
    begin_int(c, &worker_publish, republish_ms);
    c->params[1] = db_int(limit);
}

void worker_bind_unpublish(struct db_call *c, const char *work_ids)
{
    begin_text(c, &worker_unpublish, work_ids);
}

void worker_bind_republish(struct db_call *c, const char *job, int64_t age_ms)
{
    begin_text(c, &worker_republish, job);
    c->params[1] = db_int(age_ms);
}

void worker_bind_next_due(struct db_call *c, int64_t limit_ms)
{
    begin_int(c, &worker_next_due, limit_ms);
}

void worker_bind_expire_keys(struct db_call *c, int64_t limit)
{
    begin_int(c, &worker_expire_keys, limit);
}

void worker_bind_unbond(struct db_call *c, const struct uuid *work)
{
    begin_uuid(c, &worker_unbond, work);
}

void worker_bind_blob(struct db_call *c, const struct uuid *work)
{
    begin_uuid(c, &worker_blob, work);
}

void worker_bind_blob_part(struct db_call *c, const struct uuid *blob, int64_t part_index)
{
    begin_uuid(c, &worker_blob_part, blob);
    c->params[1] = db_int(part_index);
}

void worker_bind_blob_done(struct db_call *c, const struct uuid *work, bool good)
{
    begin_uuid(c, &worker_blob_done, work);
    c->params[1] = db_bool(good);
}
