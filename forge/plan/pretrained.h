/* SPDX-License-Identifier: Apache-2.0
 *
 * Base values: a safetensors file, a model of wisp's or anybody's, whose weights the sampled connections inherit.
 *
 *   NAME.weight                                     dense: [outputs, inputs] or [outputs, inputs, height, width]; of a
 *                                                   deconvolution [inputs, outputs, height, width]; as PyTorch has it
 *   NAME.weight.crow_indices, .col_indices, .values sparse: a connection that is not there has the value 0
 *   NAME.VECTOR                                     "bias", "scale", …; also by PyTorch's names of norms
 *
 * Types F64, F32, F16, BF16; indices I64, I32, U16. A layer that the file does not have begins anew. The container is
 * read by sparse/file/safetensors.h.
 */
#ifndef FORGE_PLAN_PRETRAINED_H
#define FORGE_PLAN_PRETRAINED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "sparse/graph/model.h"

struct pretrained;

/* Reads and checks a private copy. WISP_E_FORMAT, and says where; -errno. */
int pretrained_open(const char *path, struct pretrained **out, struct reason *why);
/* The same from memory that malloc() gave, which it takes over on success and failure alike; a fuzz target. */
int pretrained_parse(const char *name, void *data, size_t size, struct pretrained **out, struct reason *why);
struct pretrained *pretrained_close(struct pretrained *pretrained); /* accepts NULL; returns NULL */

const char *pretrained_name(const struct pretrained *pretrained); /* the file's, without folder */
const char *pretrained_hash(const struct pretrained *pretrained); /* of its bytes */

/* Whether there is a weight for the layer. */
bool pretrained_has(const struct pretrained *pretrained, const char *layer);

/* Replaces the values of the layer's connections, when the file has its weight and `weights` is true, and of its
 * vectors, when it has those. WISP_E_FORMAT: a shape that does not fit, a value that is not finite, indices out of
 * order. */
int pretrained_inherit(const struct pretrained *pretrained, struct layer *layer, bool weights, struct reason *why);

#endif
