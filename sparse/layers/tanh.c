/* SPDX-License-Identifier: Apache-2.0
 *
 * tanh: the hyperbolic tangent of each element.
 */
#include "sparse/layers/planning.h"

const struct layer_kind layer_tanh = { .name = "tanh", .inputs_min = 1, .inputs_max = 1, .plan = plan_same };
