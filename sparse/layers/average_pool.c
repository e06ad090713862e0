/* SPDX-License-Identifier: Apache-2.0
 *
 * average_pool: {C, H, W} -> {C, H', W'}: the mean of each window. Stride 0 stands for the kernel's size.
 */
#include "sparse/layers/planning.h"

const struct layer_kind layer_average_pool = { .name = "average_pool",
                                               .inputs_min = 1,
                                               .inputs_max = 1,
                                               .parameters = { { "kernel", 2, 1, 64, PARAMETER_WHOLE },
                                                               { "stride", 0, 0, 64, PARAMETER_WHOLE },
                                                               { "padding", 0, 0, 63, PARAMETER_WHOLE } },
                                               .default_of = { [1] = 1 }, /* the stride: the kernel */
                                               .plan = plan_pool };
