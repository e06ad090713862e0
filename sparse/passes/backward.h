/* SPDX-License-Identifier: Apache-2.0
 *
 * The backward pass: gradients of a loss with respect to every connection and vector of a model, and nothing else.
 * Memory follows the connections.
 */
#ifndef SPARSE_PASSES_BACKWARD_H
#define SPARSE_PASSES_BACKWARD_H

#include "sparse/passes/forward.h"

struct gradient {
    uint32_t layer_count;
    struct {
        float *weight;                     /* layer->weight.count, or NULL */
        float *vectors[LAYER_VECTORS_MAX]; /* vectors[i].count, or NULL */
    } * layers;
};

int gradient_new(const struct model *model, struct gradient *out);
void gradient_deinit(struct gradient *gradient);

struct backward;
int backward_new(struct forward *forward /* made for training */, struct backward **out, struct reason *why);
struct backward *backward_free(struct backward *backward);

/* After forward_run() in LAYER_TRAIN, on its thread pool: given the loss's gradient with respect to value `from` (an
 * activation; values after `from` are not part of the loss), overwrites *gradient for all layers at or before it.
 * Layers after it get zeroes. */
void backward_run(struct backward *backward, size_t from, const float *from_gradient, struct gradient *gradient);

#endif
