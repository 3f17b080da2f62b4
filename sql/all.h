/* SPDX-License-Identifier: Apache-2.0 */
/* Every statement of the API, for the tests and for whoever wants to prepare them all at once. */
#ifndef CF_SQL_ALL_H
#define CF_SQL_ALL_H

#include "server/db/stmt.h"

extern const struct db_stmt *const sql_all[];
extern const int sql_all_count;

#endif
