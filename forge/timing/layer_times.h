/* SPDX-License-Identifier: Apache-2.0
 *
 * How long each layer of a model takes on this processor, by itself and on one thread, and how long it would take with
 * all of its connections: as the fastest of wisp's formats and OpenBLAS has it, where that can run the layer.
 */
#ifndef FORGE_TIMING_LAYER_TIMES_H
#define FORGE_TIMING_LAYER_TIMES_H

#include <jansson.h>

#include "sparse/graph/model.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/kernels/kernels.h"

/* Larger ones are not made dense: weights alone would be 256 MiB. */
#define LAYER_TIMES_DENSE_MAX (UINT64_C(1) << 26)

/* An array of an object for each layer: "times", by the name of a class of batches
 * (batch_class.h) how long a pass of that many samples takes, "us", and "dense_us" for a layer with weights whose dense
 * twin has at most LAYER_TIMES_DENSE_MAX connections. A few milliseconds a layer and class. -ENOMEM, WISP_E_FORMAT. */
int layer_times(const struct model *model, const struct kernels *kernels, struct choice_cache *choices, json_t **out,
                struct reason *why);

#endif
