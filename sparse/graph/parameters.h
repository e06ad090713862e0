/* SPDX-License-Identifier: Apache-2.0
 *
 * The parameter arena: all parameters of a model under one index, layer by layer, a layer's connections before its
 * vectors. Whatever there is one of for each of them (values, gradients, an optimiser's slots, a copy of the best) is
 * an array of one length, so that to move, clear, copy, save or average all of them is one loop. Each run begins on a
 * cache line; the floats between runs are 0 in every array and stay so. The map is immutable; it depends on the model's
 * shape alone, and is right as long as no layer gains or loses a connection.
 */
#ifndef SPARSE_GRAPH_PARAMETERS_H
#define SPARSE_GRAPH_PARAMETERS_H

#include "sparse/graph/model.h"

/* One layer's connections, or one of its vectors. */
struct parameter_run {
    uint64_t begin, count;
    uint32_t layer;
    bool connections;
    bool trained;    /* false: statistics, which the layer keeps up itself, and which have no gradient */
    unsigned vector; /* which, when it is none of connections */
};

struct parameters {
    uint64_t length; /* floats of an array */
    uint32_t run_count, layer_count;
    struct parameter_run *runs; /* ascending, none empty */
    uint32_t *first;            /* by layer: the number of its first run; layer_count + 1 of them */
};

#define PARAMETERS_NULL ((struct parameters){ .runs = NULL })

/* Counts alone are looked at: an outline without weights will do. -ENOMEM. */
int parameters_map(const struct model *model, struct parameters *out);
void parameters_deinit(struct parameters *parameters); /* idempotent */

/* A new array of zeroes, freed with free(). NULL: out of memory. */
float *parameters_array(const struct parameters *parameters);

/* Where a layer's connections or a vector begin in an array; NULL where it has none. */
float *parameters_weight(const struct parameters *parameters, float *array, uint32_t layer);
float *parameters_vector(const struct parameters *parameters, float *array, uint32_t layer, unsigned vector);

/* Moves the model's values into one such array, model->parameters, which the model owns. They are of float32
 * from then on, because they may change. What was borrowed from the model file's buffer is copied, and the buffer
 * freed. -ENOMEM: nothing has changed. */
int model_gather_parameters(struct model *model, const struct parameters *parameters);

#endif
