/* SPDX-License-Identifier: Apache-2.0 */
/* The SQL files of a folder; private to server/db. */
#ifndef CF_DB_FILES_H
#define CF_DB_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "server/core/bytes.h"
#include "server/core/err.h"

struct sql_file {
    int version; /* leading number of the name, 0 when there is none */
    char *name;
    char *text; /* NUL-terminated */
    char checksum[2 * HASH_BYTES + 1];
};

struct sql_files {
    struct sql_file *items; /* by name */
    size_t count;
};

/* Reads every "*.sql" of dir/sub, sorted by name. ERR_IO when a folder or file cannot be read,
 * ERR_TOO_LARGE beyond the limits. sql_files_clear in any case. */
enum err sql_files_read(const char *dir, const char *sub, struct sql_files *out) CF_MUST_CHECK;
void sql_files_clear(struct sql_files *f);
/* SHA-256 over names and texts of all files, as hex. */
void sql_files_checksum(const struct sql_files *f, char out[2 * HASH_BYTES + 1]);

#endif
