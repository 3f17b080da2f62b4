/* SPDX-License-Identifier: Apache-2.0 */
/* A private PostgreSQL and Redis for tests. `tests/run` starts one of each for the whole run; a
 * test program started by hand starts its own, which ends when the program does, however it ends.
 */
#ifndef COMPUTEFI_TESTS_SUPPORT_PG_H
#define COMPUTEFI_TESTS_SUPPORT_PG_H

#include <stddef.h>

/* URI of the private server's maintenance database (superuser). Static storage; exits the program
 * with a message when no server can be started, for then no test of the suite means anything. */
const char *test_pg_uri(void);

/* Makes a fresh migrated database (a copy of one migrated template) and writes its URI, superuser
 * role, to uri_out[cap] (256 bytes are enough). Returns 0, or -1 with a message on stderr. */
int test_db_create(char *uri_out, size_t cap);

/* Makes a fresh database without any schema, for tests of the migrations themselves. As above. */
int test_db_create_empty(char *uri_out, size_t cap);

/* Drops a database made above, ending whoever is still connected. NULL or "" does nothing. */
void test_db_drop(const char *uri);

/* Path of the private Redis server's unix socket. Static storage; exits as test_pg_uri does. */
const char *test_redis_path(void);

#endif
