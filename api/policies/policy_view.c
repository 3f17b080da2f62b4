/* SPDX-License-Identifier: Apache-2.0 */
#include "api/policies/policy_view.h"

#include <string.h>

#include "api/input.h"

static const char AMOUNT_SUFFIX[] = "_gwei";

static const struct view_field WORDS[] = {
    {"id", VIEW_ID, "pol"},          {"name", VIEW_TEXT, NULL},
    {"version", VIEW_INT, NULL},     {"created_at", VIEW_TIME, NULL},
    {"preset", VIEW_TEXT, NULL},     {"sealing", VIEW_TEXT, NULL},
    {"committee", VIEW_BOOL, NULL},  {"mechanical_check", VIEW_BOOL, NULL},
    {"rung_seats", VIEW_INTS, NULL}, {"rung_quorums", VIEW_INTS, NULL},
};

static const char *const NUMBERS[] = {
#define P(field, least, most, def, development, cysic) #field,
#include "server/domain/policy.def"
#undef P
};

bool policy_view_is_amount(const char *column)
{
    size_t len = strlen(column);
    size_t suffix = strlen(AMOUNT_SUFFIX);
    return len > suffix && strcmp(column + len - suffix, AMOUNT_SUFFIX) == 0;
}

void policy_view(struct http_request *rq, const struct db_rows *rows, int row)
{
    struct view v = view_open(rq, "policy");
    view_row(&v, WORDS, COUNT_OF(WORDS), rows, row);
    for (size_t i = 0; i < COUNT_OF(NUMBERS); i++) {
        const struct view_field f = {
            NUMBERS[i], policy_view_is_amount(NUMBERS[i]) ? VIEW_GWEI : VIEW_INT, NULL};
        view_row(&v, &f, 1, rows, row);
    }
    view_close(&v);
}
