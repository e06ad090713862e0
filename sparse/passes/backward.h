/* SPDX-License-Identifier: Apache-2.0
 *
 * The backward pass: gradients of a loss with respect to every connection and vector of a model, and nothing else.
 * Memory follows the connections.
 */
#ifndef SPARSE_PASSES_BACKWARD_H
#define SPARSE_PASSES_BACKWARD_H

#include "sparse/graph/parameters.h"
#include "sparse/passes/forward.h"

struct backward;
/* `forward` is made for training; `parameters` are the model's. Both are borrowed. */
int backward_new(struct forward *forward, const struct parameters *parameters, struct backward **out,
                 struct reason *why);
struct backward *backward_free(struct backward *backward);

/* Where the gradient with respect to a value stands, laid out like it: the loss writes that of the value it is of. */
float *backward_gradient(struct backward *backward, size_t value);

/* After forward_run() in LAYER_TRAIN, on its thread pool: given the loss's gradient with respect to value `from`, where
 * backward_gradient() says (values after `from` are not part of the loss), overwrites that of all parameters of layers
 * at or before it. Those of layers after it become 0. `gradient` is an array with the index of the parameters; what has
 * no gradient, statistics and the gaps between runs, is left as it is. */
void backward_run(struct backward *backward, size_t from, float *gradient);

#endif
