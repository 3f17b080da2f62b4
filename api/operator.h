/* SPDX-License-Identifier: Apache-2.0 */
/* The first operator is made beside the API: nobody may become one through it. */
#ifndef CF_API_OPERATOR_H
#define CF_API_OPERATOR_H

#include "api/key.h"
#include "server/db/run.h"

enum { OPERATOR_NAME_MAX = 63 };

struct operator_made {
    char account_id[TYPEID_TEXT_MAX];
    char key[KEY_TEXT_MAX]; /* wipe it after use */
};

/* A new account that is an operator, with a key of every scope, in one transaction. The connection
 * must own the database. ERR_BAD_FIELD for a bad name, ERR_DB_FAULT (see db_conn_error). */
enum err operator_create(struct db_conn *c, const char *server_secret, const char *name,
                         struct operator_made *out) CF_MUST_CHECK;

#endif
