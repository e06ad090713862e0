/* SPDX-License-Identifier: Apache-2.0
 *
 * sigmoid: 1 / (1 + exp(-x)) of each element.
 */
#include "sparse/layers/planning.h"

const struct layer_kind layer_sigmoid = { .name = "sigmoid", .inputs_min = 1, .inputs_max = 1, .plan = plan_same };
