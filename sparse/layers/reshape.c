/* SPDX-License-Identifier: Apache-2.0
 *
 * reshape: the same elements as {channels, height, width}: from a bottleneck's vector back to a picture. Moves
 * nothing where it may work in place.
 */
#include "sparse/layers/moving.h"

enum { CHANNELS, HEIGHT, WIDTH };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    double wanted = parameters[CHANNELS] * parameters[HEIGHT] * parameters[WIDTH];

    (void)input_count;
    if (wanted != (double)shape_elements(&inputs[0]))
        return refuse(why, WISP_E_FORMAT, "%.0f elements cannot be reshaped to %.0f x %.0f x %.0f",
                      (double)shape_elements(&inputs[0]), parameters[CHANNELS], parameters[HEIGHT], parameters[WIDTH]);
    *out = (struct layer_plan){ .shape = shape_make(3, (uint32_t)parameters[CHANNELS], (uint32_t)parameters[HEIGHT],
                                                    (uint32_t)parameters[WIDTH]) };
    return 0;
}

const struct layer_kind layer_reshape = {
    .name = "reshape",
    .inputs_min = 1,
    .inputs_max = 1,
    .own_width = true,
    .parameters = { [CHANNELS] = { "channels", 0, 1, 1 << 28, PARAMETER_WHOLE },
                    [HEIGHT] = { "height", 1, 1, 1 << 28, PARAMETER_WHOLE },
                    [WIDTH] = { "width", 1, 1, 1 << 28, PARAMETER_WHOLE } },
    .in_place = true,
    .plan = plan,
    .forward = move_only_forward,
    .backward = move_only_backward,
};
