/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of events and the one canonical text of an event, which the log hashes. */
#ifndef CF_DOMAIN_EVENT_H
#define CF_DOMAIN_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/core/ids.h"

/* E(name, text, transition): a transition has the next seq of its task, a note has none. */
#define EVENT_KINDS(E)                                                                             \
    E(OPENED, "opened", true)                                                                      \
    E(CLOSED, "closed", true)                                                                      \
    E(AWARDED, "awarded", true)                                                                    \
    E(REOPENED, "reopened", true)                                                                  \
    E(TAKEOVER, "takeover", true)                                                                  \
    E(SUBMITTED, "submitted", true)                                                                \
    E(DRAWN, "drawn", true)                                                                        \
    E(ESCALATED, "escalated", true)                                                                \
    E(ACCEPTED, "accepted", true)                                                                  \
    E(CHALLENGED, "challenged", true)                                                              \
    E(PAID, "paid", true)                                                                          \
    E(REFUNDED, "refunded", true)                                                                  \
    E(CANCELLED, "cancelled", true)                                                                \
    E(EXPIRED, "expired", true)                                                                    \
    E(BID_JUDGED, "bid_judged", false)                                                             \
    E(SKIPPED, "skipped", false)                                                                   \
    E(LOCK_RELEASED, "lock_released", false)                                                       \
    E(LEASE_LAPSED, "lease_lapsed", false)                                                         \
    E(DECLINED, "declined", false)                                                                 \
    E(COMMITTED, "committed", false)                                                               \
    E(REVEALED, "revealed", false)                                                                 \
    E(CHECKED, "checked", false)                                                                   \
    E(REVEAL_OPENED, "reveal_opened", false)                                                       \
    E(VOTED, "voted", false)                                                                       \
    E(SEAT_REPLACED, "seat_replaced", false)                                                       \
    E(TALLIED, "tallied", false)                                                                   \
    E(SLASHED, "slashed", false)                                                                   \
    E(WAITING, "waiting", false)                                                                   \
    E(CANCEL_REQUESTED, "cancel_requested", false)

enum event_kind {
#define E(name, text, transition) EVENT_##name,
    EVENT_KINDS(E)
#undef E
        EVENT_KIND_COUNT
};

const char *event_kind_text(enum event_kind k);
bool event_kind_is_transition(enum event_kind k);

/* Payload builders over an object that event_payload starts: amounts and times as decimal strings
 * and integers, ids as TypeIDs, hashes as hexadecimal. Without memory a member is missing and
 * event_canonical answers NULL later. */
void event_money(json_t *payload, const char *member, int64_t gwei);
void event_id(json_t *payload, const char *member, const char *prefix, const struct uuid *id);
void event_hash(json_t *payload, const char *member, const uint8_t *hash, size_t len);

struct event {
    struct uuid id;
    struct uuid task; /* nil: of no task */
    int seq;          /* 0: a note */
    const char *kind;
    const char *from; /* NULL for a note and for the first transition */
    const char *to;
    int64_t at_us; /* UTC, microseconds since 1970 */
    const json_t *payload;
};

/* The canonical text: one JSON object, members sorted by name, no blanks, no member that is absent:
 * at_us, from, id, kind, payload, seq, task, to. Caller frees; NULL without memory. */
char *event_canonical(const struct event *e);

#endif
