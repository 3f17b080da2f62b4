/* SPDX-License-Identifier: Apache-2.0 */
/* The rules a task is bound to when it opens: one versioned row of the table policies. */
#ifndef CF_DOMAIN_POLICY_H
#define CF_DOMAIN_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/core/err.h"
#include "server/domain/quorum.h"
#include "server/domain/ranking.h"

struct policy {
#define P(field, least, most, def, development, cysic) int64_t field;
#include "server/domain/policy.def"
#undef P
    enum ranking_rule rule; /* column preset */
    bool sealing_operator;  /* column sealing */
    bool mechanical_check;  /* the coordinator checks checkable kinds itself; there is no ladder */
    bool committee;         /* false: results are accepted without one */
    struct ladder ladder;   /* columns rung_seats, rung_quorums */
};

/* A row as JSON (to_jsonb of table policies); unknown members are ignored. ERR_BAD_FIELD when a
 * member is missing or out of bounds, *out_member then names it (static). */
enum err policy_parse(const json_t *row, struct policy *out, const char **out_member) CF_MUST_CHECK;
/* The columns as a JSON object that policy_parse reads back; NULL without memory. */
json_t *policy_json(const struct policy *p);

/* "default", "cysic-production", "development" (the default with short windows),
 * "development-ladder" (the same without the coordinator's own check, so that committees climb) or
 * "development-fast" (openings come with the bids): version 1 of the seeded policies.
 * ERR_UNKNOWN_POLICY. */
enum err policy_preset(const char *name, struct policy *out) CF_MUST_CHECK;

/* From the result of the last slot to the end of the last rung, every window used in full: each
 * rung twice its commit window (one replacement) and its reveal window. */
int64_t policy_ladder_ms(const struct policy *p);

#endif
