/* SPDX-License-Identifier: Apache-2.0
 *
 * How a layer gets its connections and their first weights, once the plan has said how many there are.
 */
#ifndef FORGE_PLAN_SAMPLING_H
#define FORGE_PLAN_SAMPLING_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "sparse/tensor/csr.h"

struct pool;

enum sampling_way {
    SAMPLING_EXACT,     /* as many as planned, uniformly, without replacement */
    SAMPLING_BERNOULLI, /* every possible one with the layer's probability: as many as planned on average */
};

enum first_weights {
    WEIGHTS_SCALED,    /* sample_weights() */
    WEIGHTS_CONSTANT,  /* all the same */
    WEIGHTS_INHERITED, /* from a base file; what it does not have is scaled */
};

struct sampling {
    enum sampling_way way;
    bool kernels; /* whole kernels of a convolution instead of single weights */
    bool repair;  /* every neuron gets an input and an output */
    enum first_weights weights;
    float constant;
};

/* "exact" or "bernoulli"; "weight" or "kernel"; "scaled", "zero", "constant=X", "inherited". False for anything else.
 */
bool sampling_way_parse(const char *text, enum sampling_way *out);
bool sampling_granularity_parse(const char *text, bool *kernels);
bool sampling_weights_parse(const char *text, struct sampling *out);

/* Adds {"sampling", "granularity", "repair", "weights"}; and reads them back, where an entry that is missing or that is
 * none of the words stands for the usual way. */
void sampling_describe(const struct sampling *sampling, json_t *object);
struct sampling sampling_of_description(const json_t *object);

/* What one layer is drawn from. */
struct sampling_source {
    uint32_t rows, columns, area; /* area: adjacent columns of one kernel */
    uint64_t connections;         /* for SAMPLING_EXACT */
    double probability;           /* for SAMPLING_BERNOULLI */
    uint64_t seed;
    uint32_t stream;
    struct pool *pool; /* who helps; NULL: nobody. Changes no bit. */
};

/* Connections only; values are zero. *moved: connections that repair put elsewhere. */
int sampling_draw(const struct sampling *sampling, const struct sampling_source *source, struct csr *out,
                  uint64_t *moved, struct reason *why);

#endif
