/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "sparse/construct/sample.h"
#include "sparse/file/model_file.h"
#include "unit/sparse/passes/served.h"

uint64_t served_bytes(const struct model_tensor *tensor)
{
    return shape_elements(&tensor->shape) * dtype_bytes(tensor->dtype);
}

static void fill(const struct model_tensor *tensor, unsigned char *at, struct rng *rng)
{
    for (uint64_t i = 0; i < shape_elements(&tensor->shape); i++) {
        const float value = rng_float(rng);
        const int32_t number = (int32_t)(rng_u32(rng) % 50);

        if (tensor->dtype == DTYPE_FLOAT32)
            memcpy(at + i * sizeof value, &value, sizeof value);
        else if (tensor->dtype == DTYPE_INT32)
            memcpy(at + i * sizeof number, &number, sizeof number);
        else
            at[i] = (unsigned char)number;
    }
}

/* Room for all samples of all tensors, one after the other; and where each is. */
static unsigned char *place(const struct model_tensor *tensors, uint32_t count, uint32_t batch, void **at,
                            uint64_t *bytes)
{
    unsigned char *memory, *next;

    *bytes = 0;
    for (uint32_t t = 0; t < count; t++)
        *bytes += batch * ((served_bytes(&tensors[t]) + 63) / 64 * 64);
    memory = next = aligned_alloc(64, *bytes);
    assert_non_null(memory);
    memset(memory, 0, *bytes);
    for (uint32_t t = 0; t < count; t++) {
        for (uint32_t b = 0; b < batch; b++, next += (served_bytes(&tensors[t]) + 63) / 64 * 64)
            at[b * count + t] = next;
    }
    return memory;
}

/* Of its model. */
void served_begin(struct served *s, uint32_t batch)
{
    struct rng rng = rng_make(3, 1);
    void *inputs[SERVED_BATCH_MAX * SIGNATURE_TENSORS_MAX];
    const struct signature *signature;
    uint64_t bytes;
    struct reason why;

    assert_ok(forward_new(
                  &(struct forward_setup){
                      .model = s->model, .kernels = kernels_find("auto"), .batch = batch, .threads = SERVED_THREADS },
                  &s->forward, &why),
              why);
    signature = &s->model->signature;
    s->in = place(signature->inputs, signature->input_count, batch, inputs, &bytes);
    s->out = place(signature->outputs, signature->output_count, batch, s->outputs, &s->out_bytes);
    s->want = calloc(1, s->out_bytes);
    for (uint32_t i = 0; i < batch * signature->input_count; i++) {
        fill(&signature->inputs[i % signature->input_count], inputs[i], &rng);
        s->inputs[i] = inputs[i];
    }
    assert_int_equal(forward_estimate(s->forward, 1), 0);
    assert_int_equal(forward_time(s->forward, s->inputs, s->outputs, batch), 0);
    assert_true(forward_estimate(s->forward, 1) > 0);
    assert_true(forward_estimate(s->forward, batch) >= forward_estimate(s->forward, 1));
}

void served_open(struct served *s, uint32_t batch, const char *path)
{
    struct reason why;

    assert_ok(model_read(path, &s->model, &why), why);
    served_begin(s, batch);
}

void served_close(struct served *s)
{
    forward_free(s->forward);
    model_free(s->model);
    free(s->in);
    free(s->out);
    free(s->want);
}

/* One layer alone. */
struct model *model_through_time(const char *kind, bool back)
{
    const struct shape frames = { 2, { TIME_FEATURES, TIME_FRAMES } };
    struct layer_plan plan;
    struct layer *layer;
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(1, &model), 0);
    snprintf(model->name, sizeof model->name, "time");
    snprintf(model->processing, sizeof model->processing, "raw");
    model->signature = signature_of(frames);
    layer = &model->layers[0];
    layer->kind = layer_kind_find(kind);
    snprintf(layer->name, sizeof layer->name, "it");
    layer->input_count = 1;
    for (unsigned i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = layer->kind->parameters[i].default_value;
    layer->parameters[0] = TIME_NEURONS;
    layer->parameters[1] = back;
    assert_ok(layer->kind->plan(layer->parameters, &frames, 1, &plan, &why), why);
    assert_ok(sample_connections((uint32_t)plan.outputs, (uint32_t)plan.inputs, plan.outputs * plan.inputs / 3, 5, 1,
                                 &layer->weight, &why),
              why);
    sample_weights(&layer->weight, 1, 5, 1);
    assert_ok(model_check(model, &why), why);
    return model;
}
