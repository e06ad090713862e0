/* SPDX-License-Identifier: Apache-2.0
 *
 * Which connections a model has, as an array with the index of its parameters: of each connection its place,
 * row * columns + column; 0 for what is none. So it is kept, copied and saved as values are.
 */
#ifndef SPARSE_GRAPH_CONNECTIONS_H
#define SPARSE_GRAPH_CONNECTIONS_H

#include "sparse/graph/parameters.h"

/* A new array, freed with free(). NULL: out of memory. */
uint64_t *connections_array(const struct parameters *parameters);

void connections_save(const struct model *model, const struct parameters *parameters, uint64_t *places);

/* Whether a model of this shape can have them. WISP_E_FORMAT, and says which layer and connection cannot be. */
int connections_check(const struct model *model, const struct parameters *parameters, const uint64_t *places,
                      struct reason *why);

/* Gives the model, which owns its indices, the connections of a checked array. Its values stay where they are. */
void connections_load(struct model *model, const struct parameters *parameters, const uint64_t *places);

#endif
