/* SPDX-License-Identifier: Apache-2.0
 *
 * attention: queries {D, T}, keys {D, S}, values {D, S} -> {D, T}: softmax(q' k / sqrt(D / heads)) v per head. The maps
 * around it (W_q, W_k, W_v, W_o) are projections of their own; here nothing is learned.
 */
#include "sparse/layers/planning.h"

enum { HEADS, CAUSAL };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    uint32_t width = inputs[0].dimension[0];

    (void)input_count;
    for (int i = 0; i < 3; i++) {
        int result = plan_rank(&inputs[i], 2, "features, tokens", why);

        if (result)
            return result;
    }
    if (inputs[1].dimension[0] != width || inputs[2].dimension[0] != width ||
        inputs[1].dimension[1] != inputs[2].dimension[1])
        return refuse(why, WISP_E_FORMAT,
                      "queries, keys and values must have as many features, keys as many tokens as "
                      "values");
    if (width % (uint32_t)parameters[HEADS])
        return refuse(why, WISP_E_FORMAT, "%u features cannot be split over %.0f heads", width, parameters[HEADS]);
    *out = (struct layer_plan){ .shape = inputs[0],
                                .fixed_cost = 2.0 * width * inputs[0].dimension[1] * inputs[1].dimension[1] };
    return 0;
}

const struct layer_kind layer_attention = {
    .name = "attention",
    .inputs_min = 3,
    .inputs_max = 3,
    .role = ROLE_ATTENTION,
    .merge = MERGE_ATTEND,
    .flow = FLOW_MIXED,
    .parameters = { [HEADS] = { "heads", 1, 1, 1024, PARAMETER_WHOLE },
                    [CAUSAL] = { "causal", 0, 0, 1, PARAMETER_WHOLE } },
    .plan = plan,
};
