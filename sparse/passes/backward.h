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

/* Where the gradient with respect to a value stands, laid out like it: the loss writes that of the value it is of. NULL
 * for the model's inputs, unless `forward` is made with input_gradient; then it stands there after backward_run(), 0
 * where no layer that the loss depends on reads the input. */
float *backward_gradient(struct backward *backward, size_t value);

/* Of the next run alone: the loss has a part that is of a value before `from`, whose gradient stands there as well. It
 * is read by one layer, of a kind that gives a distribution. */
void backward_begin_at(struct backward *backward, size_t value);

/* After forward_run() in LAYER_TRAIN, on its thread pool: given the loss's gradient with respect to value `from`, where
 * backward_gradient() says (values after `from` are not part of the loss), overwrites that of all parameters of layers
 * at or before it. Those of layers after it become 0. `gradient` is an array with the index of the parameters; what has
 * no gradient, statistics and the gaps between runs, is left as it is. */
void backward_run(struct backward *backward, size_t from, float *gradient);

/* ---- connections that the model has not ---- */

enum { BACKWARD_TILE = 1 << 16 };

/* After backward_run(), before anything else runs: the gradients of all connections that a weighted layer could have
 * and has not, by tiles, in the order of rows and columns. A tile is a matrix of the layer's rows and columns with some
 * of them, at most BACKWARD_TILE and at most as many as the layer has connections; that is all the memory it takes,
 * whatever the layer's width. `see` is told each with its gradients, one a connection, on the caller's thread; they are
 * the same bits for any number of threads. -ENOMEM: some were not seen. */
typedef void backward_see(void *argument, const struct csr *tile, const float *gradient);
int backward_potential(struct backward *backward, uint32_t layer, backward_see *see, void *argument,
                       struct reason *why);

#endif
