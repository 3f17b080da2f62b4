/* SPDX-License-Identifier: Apache-2.0 */
/* A small market for the worker tests: a private database, people who bid, work and vote as told,
 * and the real workers, run in this process. */
#ifndef COMPUTEFI_TESTS_SUPPORT_BAZAAR_H
#define COMPUTEFI_TESTS_SUPPORT_BAZAAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "server/core/ids.h"
#include "workers/worker.h"

enum { BAZAAR_PROVIDERS = 4, BAZAAR_VERIFIERS = 7, BAZAAR_PEOPLE = 32, BAZAAR_SQL_MAX = 4096 };
enum { PERSON_REQUESTER = 0, PERSON_PROVIDER = 1, PERSON_VERIFIER = 16 }; /* first of each */

enum works { WORKS_RIGHT, WORKS_WRONG, WORKS_NOT, WORKS_COMMITS_ONLY, WORKS_DECLINES };
enum votes { VOTES_YES, VOTES_NO, VOTES_NOT, VOTES_COMMITS_ONLY };

struct person {
    bool opens; /* its bids */
    enum works works;
    enum votes votes;
};

struct bazaar {
    char uri[256];
    PGconn *sql;
    struct worker worker;
    struct person people[BAZAAR_PEOPLE];
    int tasks;
    bool failed; /* some SQL of the test itself */
};

/* Database, policies `test` (mechanical check), `test-ladder` (none) and `test-cysic` with long
 * windows that end as soon as nobody in them will act any more; a requester, four providers and
 * seven verifiers. redis: address or NULL. False on failure. */
bool bazaar_open(struct bazaar *m, const char *redis);
void bazaar_close(struct bazaar *m);
/* Everybody opens, works and votes right again. */
void bazaar_behave(struct bazaar *m);

/* Runs SQL; the first value as an integer (1 for true, 0 without one). Fails the test on an error.
 */
int64_t bazaar_sql(struct bazaar *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The first value as text, "" without one. Static storage until the next call. */
const char *bazaar_text(struct bazaar *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ids as text, in one of sixteen static buffers. */
const char *bazaar_entity(int person);
const char *bazaar_task(int task);

struct bazaar_terms {
    const char *policy;
    int64_t price_gwei;
    int replicas;
    int64_t deadline_ms;
    int rounds;
};
/* Posts a task of a trivial header search; returns its number. */
int bazaar_post(struct bazaar *m, const struct bazaar_terms *t);
void bazaar_bid(struct bazaar *m, int task, int provider, int64_t price_gwei);

/* What everybody does now: opens bids, works, votes. Windows that wait in vain are over. */
void bazaar_act(struct bazaar *m);
/* One pass of each worker over what is due. */
void bazaar_turn(struct bazaar *m);
/* Acts and calls turn (NULL: nobody works) until the SQL condition holds; false after 60 s. */
bool bazaar_wait(struct bazaar *m, void (*turn)(struct bazaar *m), const char *condition);
/* The same with bazaar_turn. */
bool bazaar_until(struct bazaar *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints violations and returns how many there are. */
int bazaar_violations(struct bazaar *m);

#endif
