/* SPDX-License-Identifier: Apache-2.0 */
/* Numbered, checksummed, forward-only migrations from sql/migrations, then the re-creatable
 * sql/functions. */
#ifndef CF_DB_MIGRATE_H
#define CF_DB_MIGRATE_H

#include <stdio.h>

#include "server/core/err.h"
#include "server/db/run.h"

/* dir: the folder "sql". Takes an advisory lock; each file is one transaction; functions are
 * re-created when their joint checksum changed. ERR_CONFLICT when a landed file was edited. */
enum err migrate_up(struct db_conn *c, const char *dir, FILE *out) CF_MUST_CHECK;
enum err migrate_status(struct db_conn *c, const char *dir, FILE *out) CF_MUST_CHECK;
/* ERR_OK only when everything is applied and every checksum agrees. */
enum err migrate_verify(struct db_conn *c, const char *dir, FILE *out) CF_MUST_CHECK;

#endif
