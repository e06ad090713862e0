/* SPDX-License-Identifier: Apache-2.0
 *
 * What was built and trained here, written into the structure database; estimates read it. Nothing depends on it: where
 * it cannot be written there is one warning, and the work is done all the same.
 */
#ifndef FORGE_COST_HISTORY_H
#define FORGE_COST_HISTORY_H

#include "forge/catalog/store/store.h"
#include "forge/cost/cost.h"

/* The hash of the layers alone: a network is trained in the same time whatever it is for. */
void history_hash(const struct structure *structure, char out[STORE_HASH_MAX]);

/* "AMD EPYC, 2 cores": what seconds were measured on. */
void history_machine(char *out, size_t size);

/* What a network is, for records and estimates alike: all that does not need measuring. */
void history_describe_plan(const struct plan *plan, const struct cost *cost, const struct cost_setting *setting,
                           enum store_event event, struct store_record *out);

/* Adds a record to the database (NULL: the one of the environment), and warns on stderr when that cannot be done. */
void history_write(const char *verb, const char *database, const struct store_record *record);

struct history {
    struct store_record *records; /* oldest first */
    size_t count;
};

#define HISTORY_NULL ((struct history){ .records = NULL })

/* All records of an event, at most the HISTORY_MAX newest. No database is no history. */
int history_read(const char *database, enum store_event event, struct history *out, struct reason *why);
void history_deinit(struct history *history); /* idempotent */
enum { HISTORY_MAX = 2000 };

#endif
