/* SPDX-License-Identifier: Apache-2.0
 *
 * The structure database: one SQLite file, embedded, no server.
 *
 * It holds structures as canonical documents keyed by the hash of what they are (name and order of keys aside), each
 * under its processing type, and the history of what was built and trained here. The store knows nothing of layers: it
 * keeps, matches and finds. Every change is one transaction, so a process killed in the middle leaves the file whole;
 * two processes that write at once wait for each other (up to STORE_WAIT_MS) and lose nothing.
 *
 * Used by one thread at a time.
 */
#ifndef FORGE_CATALOG_STORE_STORE_H
#define FORGE_CATALOG_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/name.h"

enum {
    STORE_WAIT_MS = 10000,
    STORE_NAME_MAX = NAME_BYTES_MAX,
    STORE_KINDS_MAX = 512,
    STORE_HASH_MAX = 33,              /* 128 bits in hexadecimal, and the zero */
    STORE_DOCUMENT_MAX = 1024 * 1024, /* bytes of one document */
};

struct store;

struct store_structure {
    char hash[STORE_HASH_MAX];
    char name[STORE_NAME_MAX];
    char processing[STORE_NAME_MAX]; /* "image.classification" */
    char network[STORE_NAME_MAX];    /* "resnet" */
    uint32_t depth;                  /* weighted layers on the longest way through */
    uint32_t layers;
    uint64_t potential;          /* N: connections of the dense network */
    char kinds[STORE_KINDS_MAX]; /* of layers, by entry.c for catalog_support(); "": not known */
    char *document;              /* canonical YAML; freed by store_structure_deinit() */
};

void store_structure_deinit(struct store_structure *structure);

/* Opens, and for writing creates, the file and its folder. NULL path: $WISP_DB, else $XDG_DATA_HOME/wisp/structures.db,
 * else,
 * in a service, $STATE_DIRECTORY/structures.db (/var/lib/wisp), else ~/.local/share/wisp/structures.db. WISP_E_FORMAT
 * when it is not a wisp database or is damaged; WISP_E_VERSION when a newer wisp made it; -ENOENT when it is to be read
 * and is not there. */
int store_open(const char *path, bool write, struct store **out, struct reason *why);
struct store *store_close(struct store *store); /* accepts NULL; returns NULL */
const char *store_path(const struct store *store);
/* What the reasons of its conditions call it from here on, in place of its path, which is nobody's business at the
 * other end of a connection. `name` outlives the store. */
void store_call(struct store *store, const char *name);

/* Several changes as one: all or none. store_close() without a commit rolls back. */
int store_begin(struct store *store, struct reason *why);
int store_commit(struct store *store, struct reason *why);
int store_rollback(struct store *store, struct reason *why);

struct store_added {
    bool stored;                  /* false: the same structure was there already */
    bool new_type;                /* its processing type was not there before */
    char same_as[STORE_NAME_MAX]; /* under which name it was there */
};

/* Stores `structure` unless one with its hash is there. WISP_E_INVALID when the name is taken by another structure. */
int store_add(struct store *store, const struct store_structure *structure, struct store_added *added,
              struct reason *why);

/* Puts `structure` in the place of the one called `name`. WISP_E_NO_MODEL when there is none; WISP_E_INVALID when the
 * new name or the new structure is already there under another name. */
int store_replace(struct store *store, const char *name, const struct store_structure *structure, struct reason *why);

/* WISP_E_NO_MODEL; the reason then suggests a near name. */
int store_remove(struct store *store, const char *name, struct reason *why);
int store_find(struct store *store, const char *name, struct store_structure *out, struct reason *why);

/* What an older version stored is by the rules that were then: of names, and of what is the same structure. */
bool store_is_old(const struct store *store);

enum store_renewal { STORE_KEEP, STORE_CHANGE, STORE_DROP };

/* Calls `renew` with each structure of an old database, documents too, which may write another name, hash and document
 * (which this then frees) to *out; all that it answers is done in one transaction, and the database is old no longer.
 */
typedef enum store_renewal store_renew_visit(void *argument, const struct store_structure *old,
                                             struct store_structure *out);
int store_renew(struct store *store, store_renew_visit *renew, void *argument, struct reason *why);

struct store_query {
    const char *processing;        /* a type, or a bare modality for all of its tasks; NULL: any */
    const char *network;           /* a kind of network, "resnet"; NULL: any */
    uint32_t depth_min, depth_max; /* 0: no bound */
    bool documents;                /* fetch them too */
};

/* Calls `visit` for each match in the order type, depth, name; a non-zero return stops and is returned. */
typedef int store_visit(void *argument, const struct store_structure *structure);
int store_list(struct store *store, const struct store_query *query, store_visit *visit, void *argument,
               struct reason *why);

/* The processing types there are, each with how many structures it has. */
typedef int store_visit_type(void *argument, const char *name, uint64_t structures);
int store_types(struct store *store, store_visit_type *visit, void *argument, struct reason *why);

/* The same for kinds of networks, as "resnet"; those that say no kind are not among them. */
int store_networks(struct store *store, store_visit_type *visit, void *argument, struct reason *why);

/* ---- history: what was built and trained here ---- */

enum store_event { STORE_BUILT = 1, STORE_TRAINED = 2 };

/* Everything that an estimate can be made from. Zero where it does not apply. */
struct store_record {
    enum store_event event;
    char hash[STORE_HASH_MAX];    /* of the layers, whatever they are used for (forge/cost/history.h) */
    char machine[STORE_NAME_MAX]; /* what the seconds were measured on */
    char method[STORE_NAME_MAX];
    double density; /* realised */
    uint64_t potential, connections;
    uint64_t arrays;          /* bytes of all weights and vectors */
    uint64_t layers, neurons; /* weighted layers; elements of all values of one sample, the input's too */
    uint64_t bytes;           /* of the file */
    uint64_t memory;          /* to serve; to train for STORE_TRAINED */
    double flops;             /* one forward pass; one epoch for STORE_TRAINED */
    double seconds;           /* to build and save; the fastest epoch for STORE_TRAINED */
    double accuracy;          /* on validation, 0 .. 1; negative: unknown */
    uint64_t samples;         /* in an epoch */
    uint64_t epochs, batch, threads;
    int64_t time; /* seconds since 1970; filled in when 0 */
};

int store_record(struct store *store, const struct store_record *record, struct reason *why);
typedef int store_visit_record(void *argument, const struct store_record *record);
/* Oldest first; `hash` NULL: of all structures. */
int store_history(struct store *store, enum store_event event, const char *hash, store_visit_record *visit,
                  void *argument, struct reason *why);

#endif
