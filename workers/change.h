/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker decided, collected as the document that w_apply writes in one statement. Items are
 * taken over, also when they are NULL for want of memory: change_text then answers NULL. */
#ifndef CF_WORKERS_CHANGE_H
#define CF_WORKERS_CHANGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/core/buf.h"
#include "server/core/ids.h"
#include "server/domain/event.h"
#include "server/domain/task_state.h"

struct change {
    json_t *doc;
    json_t *sets; /* list -> id -> item */
    int64_t at_us;
    int transfers; /* so far; indices start at 1 */
    int release;   /* transfer that collects bonds given back, 0 for none yet */
    bool failed;
    struct buf wake; /* topics, sent after the commit */
};

void change_init(struct change *c, int64_t at_us);
void change_clear(struct change *c);
/* Caller frees; NULL without memory. */
char *change_text(const struct change *c);

/* Appends to the list of that name, see w_apply. */
void change_add(struct change *c, const char *list, json_t *item);
/* The same for lists that update rows by id: members set twice keep the last value, so that a row
 * is updated once. */
void change_set(struct change *c, const char *list, const struct uuid *id, json_t *members);

/* A ledger transfer; its key makes it happen once for ever. Returns its index. */
int change_transfer(struct change *c, const char *key, const char *kind, const struct uuid *task);
struct ledger_leg {
    struct uuid owner; /* nil: the system */
    const char *kind;
    struct uuid ref; /* task of an escrow, shard of a system account, else nil */
};
/* amount 0 adds nothing. */
void change_entry(struct change *c, int transfer, struct ledger_leg leg, int64_t amount_gwei);
struct ledger_leg leg_entity(const struct uuid *entity, const char *kind);
struct ledger_leg leg_escrow(const struct uuid *requester, const struct uuid *task);
/* The shard of a system account that goes with an id, as SQL's ledger_shard. */
struct ledger_leg leg_system(const char *kind, const struct uuid *by);

/* A transition; payload may be NULL and is taken over. The public code is the state's own, or the
 * given one. */
void change_move(struct change *c, const struct uuid *task, enum task_state to,
                 enum event_kind kind, json_t *payload);
void change_move_code(struct change *c, const struct uuid *task, enum task_state to,
                      enum event_kind kind, json_t *payload, int code);
void change_note(struct change *c, const struct uuid *task, enum event_kind kind, json_t *payload);
void change_ask(struct change *c, const char *job, const struct uuid *subject, int64_t due_us);
void change_done(struct change *c, const struct uuid *work, int64_t version);
/* "prefix:<uuid>" or a bare word (id NULL). */
void change_wake(struct change *c, const char *prefix, const struct uuid *id);

/* JSON values. */
json_t *json_uuid(const struct uuid *id);
json_t *json_hex(const uint8_t *bytes, size_t len);

#endif
