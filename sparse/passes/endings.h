/* SPDX-License-Identifier: Apache-2.0
 *
 * What layers of a pass that serves do for those behind them: a convolution ends with the normalisation, the addition
 * and the rectifier that follow it, and what multiplies in a weight format with the rectifier; these are then not run
 * (docs/design/layers.md).
 *
 * That is found from the graph alone, for every batch. Immutable once made.
 */
#ifndef SPARSE_PASSES_ENDINGS_H
#define SPARSE_PASSES_ENDINGS_H

#include "sparse/passes/forward.h"

#define ENDING_NO_VALUE UINT32_MAX

/* By layer. */
struct ending {
    uint32_t host;        /* the layer that computes it: itself, but where one before does it */
    uint32_t last;        /* of a host: the layer whose output it writes: itself, or the last that it does */
    uint32_t norm;        /* the layer that it normalises by; of no host's number: none */
    uint32_t added;       /* the value that it adds; ENDING_NO_VALUE: none */
    struct affine *norms; /* by row; NULL until they are made, and without */
    bool rectify;
};

/* -ENOMEM. */
int endings_find(const struct forward_setup *setup, struct ending **out);
/* Computes the norms, of a model whose vectors are there. -ENOMEM. */
int endings_prepare(const struct model *model, struct ending *endings);
struct ending *endings_free(struct ending *endings, uint32_t layers); /* accepts NULL; returns NULL */

#endif
