/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that a person has chosen: LAYER=FILE, an edge list or a Matrix Market file a layer; and the way back.
 */
#ifndef FORGE_PLAN_EDGES_H
#define FORGE_PLAN_EDGES_H

#include "base/options.h"
#include "sparse/construct/exchange.h"
#include "sparse/graph/model.h"
#include "sparse/graph/structure.h"
#include "sparse/tensor/csr.h"

struct edge_list {
    const char *file;  /* part of the word that named it */
    struct csr matrix; /* CSR_NULL: the layer is sampled */
    struct exchange_info info;
    char hash[33]; /* of the file's bytes */
};

struct edges {
    struct edge_list *lists; /* an entry for each weighted layer */
    uint32_t count;
};

#define EDGES_NULL ((struct edges){ .lists = NULL })

/* Reads what the words name, for a structure that is planned. WISP_E_INVALID: a word that is no LAYER=FILE, no such
 * layer, a layer twice, an ending that is neither .csv nor .mtx; WISP_E_FORMAT: what is wrong in a file; -errno. */
int edges_read(const struct option_list *words, const struct structure *structure, struct edges *out,
               struct reason *why);
/* On stderr: what a person should know of what was read. */
void edges_warn(const char *verb, const struct edges *edges);
void edges_deinit(struct edges *edges); /* idempotent */

/* Splits "LAYER=FILE" and finds the layer among those with weights: its number among them, and where the file's name
 * begins. WISP_E_INVALID. */
int edges_split(const char *option, const char *word, const struct structure *structure, uint32_t *layer,
                const char **file, struct reason *why);

/* Checks the words without writing: a mistyped one costs nothing. */
int edges_check(const char *option, const struct option_list *words, const struct structure *structure,
                struct reason *why);
/* Writes the connections of a model's layer to a file, by its ending, atomically. */
int edges_write(const struct layer *layer, const char *file, struct reason *why);

#endif
