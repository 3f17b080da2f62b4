/* SPDX-License-Identifier: Apache-2.0 */
/* The reads of the API: one statement and one binder per question. Lists take a page: rows behind
 * (cursor_id, cursor_n), one more than the limit so that the caller sees whether there are more. */
#ifndef CF_SQL_READS_H
#define CF_SQL_READS_H

#include "server/db/stmt.h"

struct sql_page {
    const struct uuid *cursor_id; /* NULL: the first page */
    int64_t cursor_n;
    int64_t limit; /* 1..100 */
};

#endif
