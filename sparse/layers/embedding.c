/* SPDX-License-Identifier: Apache-2.0
 *
 * embedding: {tokens} numbers of words -> {neurons, tokens}. One input neuron per word of the vocabulary; a token uses
 * the connections of its word alone.
 */
#include "sparse/layers/planning.h"

enum { NEURONS, VOCABULARY };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    int result = plan_rank(&inputs[0], 1, "tokens", why);

    (void)input_count;
    if (result)
        return result;
    *out = (struct layer_plan){ .shape = shape_make(2, (uint32_t)parameters[NEURONS], inputs[0].dimension[0], 0),
                                .inputs = (uint64_t)parameters[VOCABULARY],
                                .outputs = (uint64_t)parameters[NEURONS],
                                .kernel_height = 1,
                                .kernel_width = 1,
                                .uses = inputs[0].dimension[0] / parameters[VOCABULARY] };
    return 0;
}

const struct layer_kind layer_embedding = {
    .name = "embedding",
    .inputs_min = 1,
    .inputs_max = 1,
    .indexed = true,
    .weighted = true,
    .flow = FLOW_MIXED, /* a token may be any word */
    .parameters = { [VOCABULARY] = { "vocabulary", 0, 2, 1 << 28, PARAMETER_WHOLE },
                    [NEURONS] = { "neurons", 0, 1, 1 << 20, PARAMETER_WHOLE } },
    .plan = plan,
};
