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

/* From which of its input's channels a weight's connection comes. */
struct source {
    uint32_t width;          /* columns that belong to one channel; 0: each column to every channel */
    uint32_t rows, channels; /* of a group: its rows map its channels */
};

static struct source source_of(const struct model *model, const struct layer *layer, uint64_t channels)
{
    struct source source = { 0, layer->weight.rows, (uint32_t)channels };
    struct shape inputs[LAYER_INPUTS_MAX];
    struct layer_plan plan;

    for (uint32_t k = 0; k < layer->input_count; k++)
        inputs[k] = *model_value_shape(model, layer->inputs[k]);
    if (layer->kind->flow != FLOW_CHANNELS || layer_plan(layer, inputs, &plan, NULL))
        return source;
    if (plan.groups > 1) {
        source.rows /= (uint32_t)plan.groups;
        source.channels /= (uint32_t)plan.groups;
    }
    if (layer->weight.columns % source.channels == 0)
        source.width = layer->weight.columns / source.channels;
    return source;
}

static uint32_t source_channel(const struct source *source, const struct csr *weight, uint32_t row, uint64_t k)
{
    return row / source->rows * source->channels + csr_column(weight, k) / source->width;
}

static void connect_forward(const struct layer *layer, struct source source, struct marks in, struct marks out)
{
    const struct csr *weight = &layer->weight;
    bool whole = !source.width && any(&in);

    for (uint32_t r = 0; r < weight->rows; r++) {
        for (uint64_t k = weight->starts[r]; k < weight->starts[r + 1] && !out.mark[r]; k++)
            out.mark[r] = source.width ? in.mark[source_channel(&source, weight, r, k)] : whole;
    }
}

static void connect_back(const struct layer *layer, struct source source, struct marks out, struct marks in)
{
    const struct csr *weight = &layer->weight;
    uint64_t missing = in.count - count(&in);

    for (uint32_t r = 0; r < weight->rows && missing; r++) {
        if (!out.mark[r] || weight->starts[r] == weight->starts[r + 1])
            continue;
        if (!source.width) {
            memset(in.mark, 1, in.count);
            return;
        }
        for (uint64_t k = weight->starts[r]; k < weight->starts[r + 1]; k++) {
            unsigned char *mark = &in.mark[source_channel(&source, weight, r, k)];

            missing -= !*mark;
            *mark = 1;
        }
    }
}

/* Whether a row of its weight is a channel of its output. Where several rows make one, over and over, as in a recurrent
 * layer, each input has a say in all of them. */
static bool maps_rows(const struct layer *layer, const struct marks *out)
{
    return layer->weight.starts && layer->weight.rows == out->count;
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
        if (maps_rows(layer, &out) && back)
            connect_back(layer, source_of(model, layer, in.count), out, in);
        else if (maps_rows(layer, &out))
            connect_forward(layer, source_of(model, layer, in.count), in, out);
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

/* The values that come out: before model_check() it is the last one. */
static bool is_output(const struct model *model, uint32_t value)
{
    const struct signature *signature = &model->signature;

    for (uint32_t i = 0; i < signature->output_count; i++) {
        if (signature->outputs[i].value == value)
            return true;
    }
    return !signature->output_count && value + 1 == model_value_count(model);
}

static void count_inputs(const struct model *model, const struct marks *values, struct flow *out)
{
    for (uint32_t v = 0; v < model->signature.input_count; v++) {
        memset(values[v].mark, 1, values[v].count);
        out->inputs += values[v].count;
        out->input_channels |= values[v].count < shape_elements(model_value_shape(model, v));
    }
}

/* What has reached them. */
static void count_outputs(const struct model *model, const struct marks *values, struct flow *out)
{
    for (uint32_t v = model->signature.input_count; v < model_value_count(model); v++) {
        if (!is_output(model, v))
            continue;
        out->outputs += values[v].count;
        out->reached += count(&values[v]);
        out->output_channels |= values[v].count < shape_elements(model_value_shape(model, v));
    }
}

int flow_count(const struct model *model, struct flow *out)
{
    const uint32_t value_count = model_value_count(model);
    struct marks *values;
    int result = marks_make(model, &values);

    *out = (struct flow){ .inputs = 0 };
    if (!result) {
        count_inputs(model, values, out);
        for (uint32_t i = 0; i < model->layer_count; i++)
            follow(model, i, values, false);
        count_outputs(model, values, out);
        clear(values, value_count);
        for (uint32_t v = model->signature.input_count; v < value_count; v++)
            memset(values[v].mark, is_output(model, v), values[v].count);
        for (uint32_t i = model->layer_count; i-- > 0;)
            follow(model, i, values, true);
        for (uint32_t v = 0; v < model->signature.input_count; v++)
            out->leading += count(&values[v]);
    }
    marks_free(values, value_count);
    return result;
}
