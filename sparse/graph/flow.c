/* SPDX-License-Identifier: Apache-2.0
 *
 * A byte for each channel of each value: forward those that an input reaches, then back those that lead to an output.
 * Both stop looking at a row, or at a whole weight, when nothing more can be found in it; that is soon, but for the
 * sparsest.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/graph/flow.h"
#include "sparse/layers/layer.h"

struct marks {
    unsigned char *mark; /* of each channel */
    uint64_t count;
};

/* Whether it is an input, and all that read it see its elements one by one. */
static bool is_read_by_element(const struct model *model, uint32_t value)
{
    uint64_t elements = shape_elements(model_value_shape(model, value));

    if (value >= model->signature.input_count)
        return false;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        for (uint32_t k = 0; k < layer->input_count; k++) {
            if (layer->inputs[k] == value && (layer->kind->flow != FLOW_CHANNELS || layer->weight.columns != elements))
                return false;
        }
    }
    return true;
}

static uint64_t any(const struct marks *marks)
{
    return memchr(marks->mark, 1, marks->count) != NULL;
}

static uint64_t count(const struct marks *marks)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < marks->count; i++)
        sum += marks->mark[i];
    return sum;
}

/* From one value's channels to another's: each to its own, or to those that hold the same elements. */
static void spread(struct marks from, struct marks to, bool mixed)
{
    if (mixed) {
        if (any(&from))
            memset(to.mark, 1, to.count);
        return;
    }
    for (uint64_t i = 0; i < from.count; i++) {
        if (from.mark[i]) {
            uint64_t begin = i * to.count / from.count, end = ((i + 1) * to.count + from.count - 1) / from.count;

            memset(to.mark + begin, 1, end - begin);
        }
    }
}

/* How many columns of a weight belong to one channel of its input; 0: each column to every channel. */
static uint32_t columns_a_channel(const struct layer *layer, uint64_t channels)
{
    return layer->kind->flow == FLOW_CHANNELS && layer->weight.columns % channels == 0
               ? (uint32_t)(layer->weight.columns / channels)
               : 0;
}

static void connect_forward(const struct layer *layer, struct marks in, struct marks out)
{
    const struct csr *weight = &layer->weight;
    uint32_t width = columns_a_channel(layer, in.count);
    bool whole = !width && any(&in);

    for (uint32_t r = 0; r < weight->rows; r++) {
        for (uint64_t k = weight->starts[r]; k < weight->starts[r + 1] && !out.mark[r]; k++)
            out.mark[r] = width ? in.mark[csr_column(weight, k) / width] : whole;
    }
}

static void connect_back(const struct layer *layer, struct marks out, struct marks in)
{
    const struct csr *weight = &layer->weight;
    uint32_t width = columns_a_channel(layer, in.count);
    uint64_t missing = in.count - count(&in);

    for (uint32_t r = 0; r < weight->rows && missing; r++) {
        if (!out.mark[r] || weight->starts[r] == weight->starts[r + 1])
            continue;
        if (!width) {
            memset(in.mark, 1, in.count);
            return;
        }
        for (uint64_t k = weight->starts[r]; k < weight->starts[r + 1]; k++) {
            unsigned char *mark = &in.mark[csr_column(weight, k) / width];

            missing -= !*mark;
            *mark = 1;
        }
    }
}

/* One layer, one way or the other. */
static void follow(const struct model *model, uint32_t at, const struct marks *values, bool back)
{
    const struct layer *layer = &model->layers[at];
    struct marks out = values[model_value(model, at)];
    uint64_t offset = 0;

    for (uint32_t k = 0; k < layer->input_count; k++) {
        struct marks in = values[layer->inputs[k]], part = out;

        if (layer->kind->flow == FLOW_CONCAT) {
            part = (struct marks){ out.mark + offset, in.count };
            offset += in.count;
        }
        if (layer->weight.starts && back)
            connect_back(layer, out, in);
        else if (layer->weight.starts)
            connect_forward(layer, in, out);
        else if (back)
            spread(part, in, layer->kind->flow == FLOW_MIXED);
        else
            spread(in, part, layer->kind->flow == FLOW_MIXED);
    }
}

static void clear(const struct marks *values, uint32_t value_count)
{
    for (uint32_t v = 0; v < value_count; v++)
        memset(values[v].mark, 0, values[v].count);
}

void flow_text(const struct flow *flow, char *text, size_t size)
{
    snprintf(text, size,
             "%" PRIu64 " of %" PRIu64 " input%s lead to an output, and %" PRIu64 " of %" PRIu64
             " output%s are reached from an input",
             flow->leading, flow->inputs, flow->input_channels ? " channels" : "s", flow->reached, flow->outputs,
             flow->output_channels ? " channels" : "s");
}

/* A mark for each channel of each value. */
static int marks_make(const struct model *model, struct marks **out)
{
    const uint32_t value_count = model_value_count(model);
    struct marks *values = memory_zalloc(value_count, sizeof *values);
    int result = values ? 0 : -ENOMEM;

    for (uint32_t v = 0; v < value_count && !result; v++) {
        const struct shape *shape = model_value_shape(model, v);

        values[v].count = is_read_by_element(model, v) ? shape_elements(shape) : shape->dimension[0];
        values[v].mark = memory_zalloc(values[v].count, 1);
        result = values[v].mark ? 0 : -ENOMEM;
    }
    *out = values;
    return result;
}

static void marks_free(struct marks *values, uint32_t value_count)
{
    for (uint32_t v = 0; v < value_count && values; v++)
        free(values[v].mark);
    free(values);
}

int flow_count(const struct model *model, struct flow *out)
{
    const uint32_t value_count = model_value_count(model), inputs = model->signature.input_count;
    struct marks *values, *output;
    int result = marks_make(model, &values);

    if (!result) {
        output = &values[value_count - 1];
        *out = (struct flow){ .outputs = output->count,
                              .output_channels = output->count < shape_elements(model_output(model)) };
        for (uint32_t v = 0; v < inputs; v++) {
            memset(values[v].mark, 1, values[v].count);
            out->inputs += values[v].count;
            out->input_channels |= values[v].count < shape_elements(model_value_shape(model, v));
        }
        for (uint32_t i = 0; i < model->layer_count; i++)
            follow(model, i, values, false);
        out->reached = count(output);
        clear(values, value_count);
        memset(output->mark, 1, output->count);
        for (uint32_t i = model->layer_count; i-- > 0;)
            follow(model, i, values, true);
        for (uint32_t v = 0; v < inputs; v++)
            out->leading += count(&values[v]);
    }
    marks_free(values, value_count);
    return result;
}
