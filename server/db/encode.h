/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters in PostgreSQL's binary formats; private to server/db. */
#ifndef CF_DB_ENCODE_H
#define CF_DB_ENCODE_H

#include <libpq-fe.h>

#include "server/core/buf.h"
#include "server/db/stmt.h"

enum { ENCODE_MAX_BYTES = 64 * 1024 * 1024 };

/* What PQsend* wants. */
struct encoded {
    const char *values[DB_PARAMS_MAX];
    int lengths[DB_PARAMS_MAX];
    int formats[DB_PARAMS_MAX];
    uint8_t scratch[DB_PARAMS_MAX][8];
};

/* Type ids of the parameters: scalars, or arrays of them. */
void encode_types(const struct db_stmt *s, bool arrays, Oid out[DB_PARAMS_MAX]);

/* Scalars; out borrows from params. */
void encode_scalars(const struct db_stmt *s, const struct db_value *params, struct encoded *out);

/* One array per parameter, one element per call; calls[i] points to the parameters of call i. The
 * arrays live in scratch (reset here), out borrows from it. ERR_NO_MEMORY, or ERR_TOO_LARGE beyond
 * ENCODE_MAX_BYTES. */
enum err encode_arrays(const struct db_stmt *s, const struct db_value *const *calls, int call_count,
                       struct buf *scratch, struct encoded *out) CF_MUST_CHECK;

/* Bytes that one call adds to a batch, about. */
size_t encode_size(const struct db_stmt *s, const struct db_value *params);

#endif
