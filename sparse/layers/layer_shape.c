/* SPDX-License-Identifier: Apache-2.0
 *
 * A layer with its parameters and its tensors, held against what its kind says.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sparse/layers/layer.h"

bool layer_parameter_is_default(const struct layer_kind *kind, const double *parameters, unsigned number)
{
    unsigned other = kind->default_of[number];

    return parameters[number] == kind->parameters[number].default_value ||
           (other && parameters[number] == parameters[other - 1]);
}

int layer_parameter_check(const struct layer_parameter *rule, double value, struct reason *why)
{
    /* Written so that NaN is refused too. */
    if (!(value >= rule->min && value <= rule->max))
        return refuse(why, WISP_E_FORMAT, "%s is %.10g, and must be %.10g to %.10g", rule->name, value, rule->min,
                      rule->max);
    if (rule->type != PARAMETER_REAL && value != floor(value))
        return refuse(why, WISP_E_FORMAT, "%s is %.10g, and must be a whole number", rule->name, value);
    return 0;
}

/* "none, tanh" */
static void list_words(const char *const *words, char *out, size_t size)
{
    size_t used = 0;

    for (*out = 0; *words && used < size; words++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", *words);
}

int layer_parameter_parse(const struct layer_kind *kind, unsigned number, const char *word, double *out,
                          struct reason *why)
{
    const char *const *words = kind->words[number];
    const char *name = kind->parameters[number].name;
    char known[200];

    for (unsigned i = 0; word && words[i]; i++) {
        if (!strcmp(words[i], word)) {
            *out = i;
            return 0;
        }
    }
    list_words(words, known, sizeof known);
    if (!word)
        return refuse(why, WISP_E_FORMAT, "%s is no word, and must be one of: %s", name, known);
    return refuse(why, WISP_E_FORMAT, "%s is \"%.40s\", and must be one of: %s", name, word, known);
}

const char *layer_parameter_word(const struct layer_kind *kind, unsigned number, double value)
{
    return kind->parameters[number].type == PARAMETER_ENUM ? kind->words[number][(unsigned)value] : NULL;
}

int layer_plan(const struct layer *layer, const struct shape *inputs, struct layer_plan *out, struct reason *why)
{
    double parameters[LAYER_PARAMETERS_MAX];

    memcpy(parameters, layer->parameters, sizeof parameters);
    if (layer->kind->weighted && parameters[0] == 0)
        parameters[0] = layer->weight.rows;
    return layer->kind->plan(parameters, inputs, layer->input_count, out, why);
}

uint64_t layer_product_positions(const struct layer_plan *plan)
{
    return plan->recurrent ? 1 : shape_elements(&plan->shape) / plan->shape.dimension[0];
}

int layer_shape(const struct layer *layer, const struct shape *inputs, struct shape *out, struct reason *why)
{
    struct layer_plan plan;
    uint64_t columns;
    int result = layer_plan(layer, inputs, &plan, why);

    if (result || (result = shape_check(&plan.shape, why)))
        return result;
    columns = plan.inputs * plan.kernel_height * plan.kernel_width;
    if (layer->kind->weighted && (layer->weight.rows != plan.outputs || layer->weight.columns != columns))
        return refuse(why, WISP_E_FORMAT, "its weight is %u x %u, and must be %" PRIu64 " x %" PRIu64,
                      layer->weight.rows, layer->weight.columns, plan.outputs, columns);
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
        if (layer->vectors[v].data && layer->vectors[v].count != plan.vectors[v])
            return refuse(why, WISP_E_FORMAT, "its %s has %" PRIu64 " numbers, and must have %" PRIu64,
                          layer->kind->vectors[v].name, layer->vectors[v].count, plan.vectors[v]);
    }
    *out = plan.shape;
    return 0;
}
