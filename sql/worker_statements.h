/* SPDX-License-Identifier: Apache-2.0 */
/* Statements the workers run, one binder each. Lists of ids are PostgreSQL array literals
 * ("{uuid,uuid}"); everything reached by a pointer is borrowed until the statement ran. */
#ifndef CF_SQL_WORKER_STATEMENTS_H
#define CF_SQL_WORKER_STATEMENTS_H

#include "server/db/stmt.h"

/* All of them, for the test that prepares each one. */
extern const struct db_stmt *const worker_statements[];
extern const int worker_statements_count;

/* Locks the tasks behind work rows, in id order. Column: id. */
void worker_bind_lock(struct db_call *c, const char *work_ids);
/* Due work rows with their tasks, read after the lock. Columns: id, version, subject, doc. */
void worker_bind_load(struct db_call *c, const char *work_ids);
/* Writes a change (see w_apply). Column: true. */
void worker_bind_apply(struct db_call *c, const char *change);
/* Picks due work of a job that nobody was given for republish_ms; grace_ms: how long overdue it
 * must be. Columns: id, version. */
struct worker_pick {
    const char *job;
    int64_t republish_ms;
    int64_t grace_ms;
    int64_t limit;
};
void worker_bind_pick(struct db_call *c, const struct worker_pick *p);
/* Records a dead letter and stops handing the row out. */
struct worker_dead_letter {
    struct uuid id;
    struct uuid work;
    int deliveries;
    const char *error;
};
void worker_bind_dead_letter(struct db_call *c, const struct worker_dead_letter *d);

/* Revealed and unchecked results behind a work row. Columns: job, task, kind, input, input_hash,
 * node_key, deadline_ms, digest, result (NULL beyond max_bytes), mechanical. */
void worker_bind_results(struct db_call *c, const struct uuid *work, int64_t max_bytes);

/* The sweeper. Publishable rows: columns id, job, version. */
void worker_bind_publish(struct db_call *c, int64_t republish_ms, int64_t limit);
/* Rows that could not be published are due for anybody again. */
void worker_bind_unpublish(struct db_call *c, const char *work_ids);
/* Rows of a job that were published at least age_ms ago are published anew: its stream lost them.
 */
void worker_bind_republish(struct db_call *c, const char *job, int64_t age_ms);
/* Column: milliseconds until the next row is due, at most limit_ms. */
void worker_bind_next_due(struct db_call *c, int64_t limit_ms);
/* Removes idempotency keys older than a day. */
void worker_bind_expire_keys(struct db_call *c, int64_t limit);
/* Releases one due unbonding. Column: did it. */
void worker_bind_unbond(struct db_call *c, const struct uuid *work);
/* The parts of a completed blob, one row each. Columns: data. First part of the check. */
void worker_bind_blob_part(struct db_call *c, const struct uuid *blob, int64_t part_index);
/* Columns: blob, digest, size_bytes. */
void worker_bind_blob(struct db_call *c, const struct uuid *work);
void worker_bind_blob_done(struct db_call *c, const struct uuid *work, bool good);

#endif
