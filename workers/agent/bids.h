/* SPDX-License-Identifier: Apache-2.0 */
/* The table of undecided bids, shared by the bidder and the opener. */
#ifndef CF_AGENT_BIDS_H
#define CF_AGENT_BIDS_H

#include "workers/agent/agent.h"

/* How long a bid is remembered after its window, and how often the opener looks when none is due.
 */
enum { BID_KEEP_MS = 30000, BID_IDLE_MS = 1000 };

json_t *bid_record(const struct agent_bid *b);
/* Copies the bid of that name; false when there is none. out may be NULL. */
bool bid_find(struct agent *a, const char *name, struct agent_bid *out);
/* Writes the record, then the table. ERR_IO, ERR_LIMIT_REACHED. */
enum err bid_put(struct agent *a, const struct agent_bid *bid) CF_MUST_CHECK;
void bid_drop(struct agent *a, const char *name);
/* One bid whose next_ms has come; else *next_ms says when to look again. */
bool bid_due(struct agent *a, int64_t now_ms, struct agent_bid *out, int64_t *next_ms);
void bid_defer(struct agent *a, const char *name, int64_t next_ms);

/* Sends a stored bid, or sends it again with the same idempotency key. */
enum err bid_send(struct agent *a, struct client *c, struct agent_bid *b) CF_MUST_CHECK;

#endif
