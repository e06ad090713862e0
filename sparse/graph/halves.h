/* SPDX-License-Identifier: Apache-2.0
 *
 * A model in two halves (docs/design/compression.md): the encoder makes numbers of a sample, which are rounded and kept
 * by somebody, and the decoder makes of whole numbers what the model gives. Each is a model of its own, of the layers
 * before and behind the one that rounds.
 */
#ifndef SPARSE_GRAPH_HALVES_H
#define SPARSE_GRAPH_HALVES_H

#include <stdbool.h>

#include "base/error.h"

struct model;

/* What the encoder gives and the decoder takes is called. */
#define HALVES_TENSOR "latents"

enum half { HALF_ENCODER, HALF_DECODER };

/* Whether a checked model has them: one layer rounds, there are layers on both sides, and nothing goes past it. */
bool model_has_halves(const struct model *model);

/* Leaves that half of a model that has them, checked again. -ENOMEM; the model can only be freed then. */
int model_keep_half(struct model *model, enum half half, struct reason *why);

#endif
