/* SPDX-License-Identifier: Apache-2.0
 *
 * A base structure: layers and neurons of the dense network that a sparse one is drawn from. It knows no connections.
 */
#ifndef FORGE_STRUCTURE_H
#define FORGE_STRUCTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { STRUCTURE_LAYERS_MAX = 1000 };

/* One weighted layer, and the function applied to what it gives. */
struct structure_layer {
    const char *kind;                     /* of sparse/layer.h: "linear" */
    const char *activation;               /* "relu", "softmax" */
    uint64_t inputs, outputs;             /* neurons; for a convolution, channels */
    uint64_t kernel_width, kernel_height; /* 1 for a linear layer */
};

struct structure {
    struct structure_layer *layers;
    size_t layer_count;
};

#define STRUCTURE_NULL ((struct structure){ .layers = NULL })

/* "784-1000-10": an input of 784, rectified linear layers, and a softmax at the end. WISP_E_INVALID, and says at which
 * position; -ENOMEM. */
int structure_parse(const char *text, struct structure *out, struct reason *why);
void structure_deinit(struct structure *structure); /* idempotent */

/* The text that structure_parse() takes; the caller frees it. NULL: out of memory. */
char *structure_text(const struct structure *structure);

#endif
