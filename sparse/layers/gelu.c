/* SPDX-License-Identifier: Apache-2.0
 *
 * gelu: x times the normal distribution function of x.
 */
#include "sparse/layers/planning.h"

const struct layer_kind layer_gelu = { .name = "gelu", .inputs_min = 1, .inputs_max = 1, .plan = plan_same };
