/* SPDX-License-Identifier: Apache-2.0 */
/* Constructors of parameter values. */
#include "server/db/stmt.h"

#include <string.h>

struct db_value db_null(void)
{
    return (struct db_value){.is_null = true};
}

struct db_value db_int(int64_t v)
{
    return (struct db_value){.num = v};
}

struct db_value db_bool(bool v)
{
    return (struct db_value){.num = v};
}

struct db_value db_uuid(const struct uuid *v)
{
    return v == NULL ? db_null() : (struct db_value){.uuid = *v};
}

struct db_value db_text(const char *v)
{
    return v == NULL ? db_null() : db_textn(v, strlen(v));
}

struct db_value db_textn(const char *v, size_t len)
{
    return db_bytes(v, len);
}

struct db_value db_bytes(const void *v, size_t len)
{
    return v == NULL ? db_null() : (struct db_value){.data = {v, len}};
}
