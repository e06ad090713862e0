/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adversary_fixture.h"
#include "base/rng.h"
#include "support/test.h"
#include "unit/sparse/passes/set_layer.h"

static void set_norm(struct layer *layer, uint32_t from, uint32_t width)
{
    set_plain(layer, "batch_norm", from);
    layer->parameters[0] = 1e-5;
    layer->parameters[1] = 0.1;
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
        layer->vectors[v] = (struct vector){ memory_zalloc(width, sizeof(float)), width, true };
        for (uint32_t i = 0; i < width; i++)
            layer->vectors[v].data[i] = v % 3 ? 0 : 1; /* shift and mean; scale and variance */
    }
}

struct model *make_net(const char *name, const struct net *net, uint32_t seed)
{
    uint32_t count = 3 + (net->input_count > 1) + net->norm + net->sigmoid, value = 0, i = 0, width = net->inputs[0];
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(count, &model), 0);
    snprintf(model->name, sizeof model->name, "%s", name);
    snprintf(model->processing, sizeof model->processing, "image.generation");
    model->signature.input_count = net->input_count;
    for (uint32_t k = 0; k < net->input_count; k++) {
        model->signature.inputs[k] =
            signature_of((struct shape){ .rank = 1, .dimension = { net->inputs[k] } }).inputs[0];
        snprintf(model->signature.inputs[k].name, TENSOR_NAME_MAX, "%s", net->names[k]);
    }
    if (net->input_count > 1) {
        set_plain(&model->layers[i], "concat", 0);
        model->layers[i].inputs[1] = 1;
        model->layers[i].input_count = 2;
        width += net->inputs[1];
        value = net->input_count + i++;
    }
    if (net->norm) {
        set_norm(&model->layers[i], value, width);
        value = net->input_count + i++;
    }
    set_linear(&model->layers[i], "first", value, HIDDEN, width, 0.7, seed);
    value = net->input_count + i++;
    set_plain(&model->layers[i], "tanh", value);
    value = net->input_count + i++;
    set_linear(&model->layers[i], "second", value, net->gives, HIDDEN, 0.8, seed + 1);
    value = net->input_count + i++;
    if (net->sigmoid)
        set_plain(&model->layers[i], "sigmoid", value);
    assert_ok(model_check(model, &why), why);
    return model;
}

static void note_loss(void *argument, uint64_t step, double loss)
{
    (void)step;
    ((struct bed *)argument)->loss = loss;
}

/* Points on a ring, as pictures of two pixels; and what is to be said of them, four numbers. */
static void make_ring(struct bed *bed)
{
    struct fixture *f = &bed->f;
    float *numbers = malloc(SAMPLES * GIVES * sizeof *numbers);
    struct rng rng = rng_make(7, 7);
    struct reason why;

    f->pixels = malloc(SAMPLES * GIVEN);
    f->data = (struct dataset){ .name = "ring", .hash = "-", .kind = MEDIA_IMAGE, .count = SAMPLES };
    f->data.pictures = calloc(SAMPLES, sizeof *f->data.pictures);
    for (size_t i = 0; i < SAMPLES; i++) {
        const double angle = 6.283185307 * (double)i / SAMPLES;

        f->pixels[2 * i] = (uint8_t)lrint(128 + 100 * cos(angle));
        f->pixels[2 * i + 1] = (uint8_t)lrint(128 + 100 * sin(angle));
        f->data.pictures[i] = (struct media_picture){ 2, 1, 1, f->pixels + 2 * i };
        for (size_t k = 0; k < GIVES; k++)
            numbers[i * GIVES + k] = 2 * rng_float(&rng) - 1;
        bed->order[i] = (uint32_t)i;
    }
    f->data.numbers = numbers;
    f->data.number_count = GIVES;
    assert_ok(
        media_parse("{\"kind\":\"image\",\"width\":2,\"height\":1,\"channels\":1,\"mean\":[0.5],\"deviation\":[0.4]}",
                    &f->media, &why),
        why);
}

void lay(struct bed *bed, struct model *generator, struct model *adversary, unsigned threads)
{
    const struct signature *signature = &generator->signature;
    struct reason why;

    make_ring(bed);
    bed->f.model = generator;
    bed->model = adversary;
    bed->progress.quiet = true;
    assert_int_equal(pool_new(threads, &bed->pool), 0);
    assert_ok(batches_new(&bed->f.data, bed->f.media, bed->pool, true, &bed->batches, &why), why);
    for (uint32_t i = 0; i < signature->input_count; i++) {
        if (!strcmp(signature->inputs[i].name, "noise"))
            batches_draw(bed->batches, &(struct batches_noise){ true, signature->input_count == 1, i, NOISE });
    }
    bed->setup = (struct trainer_setup){ .model = generator,
                                         .kernels = kernels_find("auto"),
                                         .pool = bed->pool,
                                         .ranks = bed->f.ranks,
                                         .recipe = &bed->recipe,
                                         .batches = bed->batches,
                                         .train = bed->order,
                                         .train_count = SAMPLES,
                                         .progress = &bed->progress,
                                         .observe = note_loss,
                                         .observer = bed };
}

void begin(struct bed *bed)
{
    struct reason why;

    assert_ok(adversary_new(&bed->setup, bed->model, &bed->adversary, &why), why);
    assert_ok(trainer_new(&bed->setup, &bed->trainer, &why), why);
}

void clear(struct bed *bed)
{
    trainer_free(bed->trainer);
    adversary_free(bed->adversary);
    batches_free(bed->batches);
    pool_free(bed->pool);
    model_free(bed->model);
    free(bed->f.data.numbers);
    drop(&bed->f);
}
