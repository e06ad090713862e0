/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/train/alignment/ctc.h"
#include "forge/train/loss.h"
#include "forge/train/losses/masked.h"
#include "forge/train/losses/softened.h"
#include "sparse/kernels/functions.h"
#include "sparse/layers/layer.h"

struct loss_call {
    struct loss_batch *batch;
    const float *output;
    size_t count;
    float smoothing;
    float *gradient; /* NULL: not wanted */
};

/* -log p. NaN for NaN. */
static double surprise(float p)
{
    return -(double)function_log(p < PROBABILITY_MIN ? PROBABILITY_MIN : p);
}

/* ---- cross-entropy ---- */

/* From the first feature's element on; features are `stride` apart. The most probable class. */
static uint32_t class_gradient(const struct loss_call *call, size_t at, size_t stride, uint32_t class)
{
    const struct loss_batch *b = call->batch;
    float other = call->smoothing / (float)b->features, largest = -1;
    uint32_t best = 0;

    for (size_t c = 0; c < b->features; c++) {
        float p = call->output[at + c * stride];

        if (call->gradient)
            call->gradient[at + c * stride] = p - (c == class ? 1 - call->smoothing + other : other);
        if (p > largest) {
            largest = p;
            best = (uint32_t)c;
        }
    }
    return best;
}

static void scale_gradient(const struct loss_call *call, size_t at, size_t stride, float factor)
{
    for (size_t c = 0; call->gradient && factor != 1 && c < call->batch->features; c++)
        call->gradient[at + c * stride] *= factor;
}

static void cross_entropy(const struct loss_call *call, size_t sample)
{
    struct loss_batch *b = call->batch;
    struct loss_sample *out = &b->samples[sample];
    size_t stride = b->positions * call->count;

    *out = (struct loss_sample){ .loss = 0 };
    for (size_t position = 0; position < b->positions; position++) {
        size_t at = position * call->count + sample;
        uint32_t class = (uint32_t)b->classes[at], best;

        for (size_t c = 0; call->gradient && b->classes[at] < 0 && c < b->features; c++)
            call->gradient[at + c * stride] = 0;
        out->predicted = out->actual += b->classes[at] != LOSS_NONE;
        if (b->classes[at] < 0)
            continue;
        best = class_gradient(call, at, stride, class);
        scale_gradient(call, at, stride, b->weights[class]);
        scale_gradient(call, at, stride, 1 / (float)b->positions);
        out->loss += surprise(call->output[at + class * stride]);
        out->correct += best == class;
        if (!position)
            out->best = best;
    }
    out->wanted = (uint32_t)b->classes[sample];
    out->loss /= (double)b->positions;
}

/* ---- words ---- */

/* One position of up to LOSS_GROUP samples, from the first feature's element of the first on: the softmax. */
static void softmax_of(const struct loss_call *call, size_t at, size_t count, float *panel)
{
    const struct loss_batch *b = call->batch;

    for (size_t f = 0; f < b->features; f++) {
        const float *row = call->output + f * b->positions * call->count + at;

        memcpy(panel + f * LOSS_GROUP, row, count * sizeof *row);
    }
    b->kernels->panel_softmax(panel, b->features, 1);
}

static void word_gradients(const struct loss_call *call, size_t at, size_t begin, size_t count, const float *panel)
{
    const struct loss_batch *b = call->batch;
    const size_t stride = b->positions * call->count;
    const float other = call->smoothing / (float)b->features;
    float share[LOSS_GROUP];

    for (size_t i = 0; i < count; i++)
        share[i] = b->classes[at + i] < 0 ? 0 : 1 / (float)b->samples[begin + i].actual;
    for (size_t f = 0; f < b->features; f++) {
        for (size_t i = 0; i < count; i++)
            call->gradient[f * stride + at + i] = share[i] * (panel[f * LOSS_GROUP + i] - other);
    }
    for (size_t i = 0; i < count; i++) {
        const int32_t word = b->classes[at + i];

        if (word >= 0)
            call->gradient[(size_t)word * stride + at + i] =
                share[i] * (panel[(size_t)word * LOSS_GROUP + i] - (1 - call->smoothing + other));
    }
}

/* The most probable word of each sample, the first of equals. */
static void best_words(const float *panel, size_t features, uint32_t best[static LOSS_GROUP])
{
    float largest[LOSS_GROUP];

    memcpy(largest, panel, sizeof largest);
    memset(best, 0, LOSS_GROUP * sizeof *best);
    for (size_t f = 1; f < features; f++) {
        for (size_t i = 0; i < LOSS_GROUP; i++) {
            const bool larger = panel[f * LOSS_GROUP + i] > largest[i];

            largest[i] = larger ? panel[f * LOSS_GROUP + i] : largest[i];
            best[i] = larger ? (uint32_t)f : best[i];
        }
    }
}

static void count_words(const struct loss_batch *b, size_t samples, size_t sample)
{
    uint32_t count = 0;

    for (size_t position = 0; position < b->positions; position++)
        count += b->classes[position * samples + sample] >= 0;
    b->samples[sample] = (struct loss_sample){ .predicted = count, .actual = count };
}

/* Sixteen samples side by side: a column of as many features as a language has words is a cache line for each. */
static void words(const struct loss_call *call, size_t begin, size_t count)
{
    const struct loss_batch *b = call->batch;

    for (size_t i = 0; i < count; i++)
        count_words(b, call->count, begin + i);
    for (size_t position = 0; position < b->positions; position++) {
        const size_t at = position * call->count + begin;
        float *panel = b->panels + begin * b->features;
        uint32_t best[LOSS_GROUP];

        softmax_of(call, at, count, panel);
        best_words(panel, b->features, best);
        if (call->gradient)
            word_gradients(call, at, begin, count, panel);
        for (size_t i = 0; i < count; i++) {
            const int32_t word = b->classes[at + i];
            struct loss_sample *out = &b->samples[begin + i];

            if (word < 0)
                continue;
            out->loss += surprise(panel[(size_t)word * LOSS_GROUP + i]) / (double)out->actual;
            out->correct += best[i] == (uint32_t)word;
        }
    }
}

/* ---- labels in their order ---- */

static void align(const struct loss_call *call, size_t sample, const struct ctc *ctc)
{
    const struct loss_batch *b = call->batch;
    const struct ctc_gradient gradient = { call->gradient + sample, b->positions * call->count, call->count,
                                           b->positions };
    const double loss = ctc_loss(ctc, call->gradient ? &gradient : NULL);
    const struct ctc_guess guess = ctc_guess(ctc);

    b->samples[sample] = (struct loss_sample){ .loss = isinf(loss) ? (double)b->positions * surprise(0) : loss,
                                               .predicted = (uint32_t)guess.said,
                                               .actual = (uint32_t)ctc->label_count,
                                               .correct = (uint32_t)guess.right,
                                               .edits = (uint32_t)guess.edits };
}

static void labels_in_order(const struct loss_call *call, size_t begin, size_t count)
{
    const struct loss_batch *b = call->batch;
    const size_t panel = b->features * LOSS_GROUP;
    float *panels = b->panels + begin * b->features * b->positions;
    struct ctc ctc = { .classes = b->features,
                       .class_step = LOSS_GROUP,
                       .frame_step = panel,
                       .label_step = call->count,
                       .room = b->room + begin / LOSS_GROUP * b->room_group };

    for (size_t position = 0; position < b->positions; position++)
        softmax_of(call, position * call->count + begin, count, panels + position * panel);
    for (size_t i = 0; i < count; i++) {
        ctc.p = panels + i;
        ctc.labels = b->classes + begin + i;
        ctc.frames = b->lengths[begin + i];
        ctc.label_count = ctc_count(ctc.labels, call->count, b->positions);
        align(call, begin + i, &ctc);
    }
}

/* ---- labels, each by itself ---- */

static void count_label(struct loss_sample *out, bool predicted, float t)
{
    bool actual = t > 0.5f;

    out->predicted += predicted;
    out->actual += actual;
    out->correct += predicted && actual;
}

static void binary(const struct loss_call *call, size_t sample)
{
    struct loss_batch *b = call->batch;
    struct loss_sample *out = &b->samples[sample];

    *out = (struct loss_sample){ .loss = 0 };
    for (size_t e = 0; e < b->features * b->positions; e++) {
        size_t at = e * call->count + sample;
        float p = call->output[at], t = b->values[at];

        if (call->gradient)
            call->gradient[at] = p - ((1 - call->smoothing) * t + call->smoothing / 2);
        out->loss += t > 0.5f ? surprise(p) : surprise(1 - p);
        count_label(out, loss_holds(b, e / b->positions, p), t);
    }
}

/* ---- a teacher's classes ---- */

static void taught(const struct loss_call *call, size_t sample)
{
    struct loss_batch *b = call->batch;
    struct loss_sample *out = &b->samples[sample];
    const size_t stride = b->positions * call->count;
    const float t = b->temperature;

    *out = (struct loss_sample){ .predicted = (uint32_t)b->positions, .actual = (uint32_t)b->positions };
    for (size_t position = 0; position < b->positions; position++) {
        const size_t first = position * call->count + sample;
        const struct softened p = softened_of(call->output + first, b->features, stride, t);
        const struct softened q = softened_of(b->values + first, b->features, stride, t);

        for (size_t c = 0; c < b->features; c++) {
            const size_t at = first + c * stride;
            const float apart = softened_share(&p, c * stride) / p.sum - softened_share(&q, c * stride) / q.sum;

            if (call->gradient)
                call->gradient[at] = t * apart / (float)b->positions;
            out->loss += (double)b->values[at] * surprise(call->output[at]);
        }
        out->correct += p.best == q.best;
        if (!position) {
            out->best = p.best;
            out->wanted = q.best;
        }
    }
    out->loss /= (double)b->positions;
}

/* ---- overlap ---- */

/* Of one feature, whose first element is at `at`; positions are `count` apart. How much it overlaps, 1 - its loss. */
static double overlap(const struct loss_call *call, size_t at, struct loss_sample *out)
{
    const struct loss_batch *b = call->batch;
    double both = 0, sum = 0;
    float all, shared;

    for (size_t position = 0; position < b->positions; position++) {
        float p = call->output[at + position * call->count], t = b->values[at + position * call->count];

        both += (double)p * (double)t;
        sum += (double)p + (double)t;
        count_label(out, p > b->threshold, t);
    }
    all = (float)(sum + 1);
    shared = (float)(2 * both + 1);
    for (size_t position = 0; call->gradient && position < b->positions; position++) {
        float t = b->values[at + position * call->count];

        call->gradient[at + position * call->count] = (shared / all - 2 * t) / all / (float)b->features;
    }
    return (2 * both + 1) / (sum + 1);
}

static void dice(const struct loss_call *call, size_t sample)
{
    struct loss_batch *b = call->batch;
    struct loss_sample *out = &b->samples[sample];
    double sum = 0;

    *out = (struct loss_sample){ .loss = 0 };
    for (size_t f = 0; f < b->features; f++)
        sum += overlap(call, f * b->positions * call->count + sample, out);
    out->loss = 1 - sum / (double)b->features;
}

/* ---- numbers ---- */

/* The mean of what a difference counts; its slope is the gradient. */
static inline __attribute__((always_inline)) void differences(const struct loss_call *call, size_t sample,
                                                              double (*counts)(float), float (*slope)(float))
{
    struct loss_batch *b = call->batch;
    size_t elements = b->features * b->positions;
    double sum = 0;

    for (size_t e = 0; e < elements; e++) {
        size_t at = e * call->count + sample;
        float difference = call->output[at] - b->values[at];

        if (call->gradient)
            call->gradient[at] = slope(difference) / (float)elements;
        sum += counts(difference);
    }
    b->samples[sample] = (struct loss_sample){ .loss = sum / (double)elements };
}

static double square(float x)
{
    return (double)x * (double)x;
}

static float square_slope(float x)
{
    return 2 * x;
}

static void squares(const struct loss_call *call, size_t sample)
{
    differences(call, sample, square, square_slope);
}

static double distance(float x)
{
    return fabs((double)x);
}

static float distance_slope(float x)
{
    return (float)((x > 0) - (x < 0));
}

static void distances(const struct loss_call *call, size_t sample)
{
    differences(call, sample, distance, distance_slope);
}

static void nothing(const struct loss_call *call, size_t sample)
{
    double sum = 0;

    for (size_t e = sample; e < call->batch->features * call->batch->positions * call->count; e += call->count) {
        sum += 0 * (double)call->output[e]; /* NaN where that is no number */
        if (call->gradient)
            call->gradient[e] = 0;
    }
    call->batch->samples[sample] = (struct loss_sample){ .loss = sum };
}

static void masks(const struct loss_call *call, size_t sample)
{
    struct loss_batch *b = call->batch;
    const size_t elements = b->features * b->positions;
    const struct masked masked = { .masks = call->output + sample,
                                   .targets = b->values + sample,
                                   .sounds = b->sounds,
                                   .numbers = elements / b->sounds,
                                   .stride = call->count,
                                   .plane = elements * call->count };

    b->samples[sample] =
        (struct loss_sample){ .loss = masked_loss(&masked, call->gradient ? call->gradient + sample : NULL) };
}

/* ---- the table ---- */

static const struct loss losses[] = {
    { "cross-entropy", TARGETS_CLASS, .joined = true, .smooths = true, .sample = cross_entropy },
    { "binary-cross-entropy", TARGETS_SET, .joined = true, .smooths = true, .sample = binary },
    { "dice", TARGETS_SET, .sample = dice },
    { "mse", TARGETS_NUMBERS, .squares = true, .sample = squares },
    { "l1", TARGETS_NUMBERS, .sample = distances },
    { "none", TARGETS_NUMBERS, .sample = nothing },
    { "sequence-cross-entropy", TARGETS_WORDS, .smooths = true, .group = words },
    { "ctc", TARGETS_LABELS, .group = labels_in_order },
    { "masked-snr", TARGETS_SPECTRA, .sample = masks },
};

/* No --loss: labels are none of its targets. */
static const struct loss loss_of_taught = { "taught", TARGETS_TAUGHT, .joined = true, .sample = taught };

const struct loss *loss_taught(const struct loss *loss)
{
    return loss->targets == TARGETS_CLASS ? &loss_of_taught : loss;
}

const struct loss *loss_at(size_t index)
{
    return index < ARRAY_SIZE(losses) ? &losses[index] : NULL;
}

const struct loss *loss_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
        if (!strcmp(losses[i].name, name))
            return &losses[i];
    }
    return NULL;
}

/* Whether there is a number for each word that the model knows, at each position from which it reads words. */
static bool gives_words(const struct model *model)
{
    const struct shape *output = model_output(model);

    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        if (layer->kind->indexed && layer->weight.columns == output->dimension[0] &&
            shape_elements(model_value_shape(model, layer->inputs[0])) * output->dimension[0] == shape_elements(output))
            return true;
    }
    return false;
}

/* What the last layer makes of its numbers: one class of several, labels, words, or numbers. */
static enum loss_targets targets_of(const struct model *model)
{
    switch (model->layers[model->layer_count - 1].kind->distribution) {
    case DISTRIBUTION_CATEGORICAL:
        return TARGETS_CLASS;
    case DISTRIBUTION_BERNOULLI:
        return TARGETS_SET;
    case DISTRIBUTION_NONE:
        break;
    }
    return gives_words(model) ? TARGETS_WORDS : TARGETS_NUMBERS;
}

int loss_of_model(const struct model *model, const struct loss *wish, const struct loss **out, uint32_t *value,
                  struct reason *why)
{
    static const char *const layers[] = { [TARGETS_CLASS] = "a softmax", [TARGETS_SET] = "a sigmoid" };
    const struct layer *last = &model->layers[model->layer_count - 1];
    enum loss_targets targets = targets_of(model);
    size_t i = 0;

    while (losses[i].targets != targets)
        i++;
    *out = wish ? wish : &losses[i];
    if ((*out)->targets == TARGETS_WORDS && targets != TARGETS_WORDS)
        return refuse(why, WISP_E_FORMAT,
                      "layer %s: the loss %s needs a number for each word of an embedding, at each of its positions, "
                      "and no softmax",
                      last->name, (*out)->name);
    if ((*out)->targets == TARGETS_LABELS && targets != TARGETS_NUMBERS && targets != TARGETS_WORDS)
        return refuse(why, WISP_E_FORMAT, "layer %s: the loss %s takes the softmax itself, this is a %s", last->name,
                      (*out)->name, last->kind->name);
    if ((*out)->targets <= TARGETS_SET && (*out)->targets != targets)
        return refuse(why, WISP_E_FORMAT, "layer %s: the loss %s needs %s as the last layer, this is a %s", last->name,
                      (*out)->name, layers[(*out)->targets], last->kind->name);
    *value = (*out)->joined ? last->inputs[0] : model_value(model, model->layer_count - 1);
    return 0;
}

/* ---- batches ---- */

/* What a loss needs besides targets. */
static int make_room(struct loss_batch *batch)
{
    const size_t groups = (batch->max + LOSS_GROUP - 1) / LOSS_GROUP;
    const bool labels = batch->loss->targets == TARGETS_LABELS;

    if (!labels && batch->loss->targets != TARGETS_WORDS)
        return 0;
    batch->panels =
        memory_zalloc(batch->features * (labels ? batch->positions : 1), groups * LOSS_GROUP * sizeof *batch->panels);
    if (!labels)
        return batch->panels ? 0 : -ENOMEM;
    batch->room_group = ctc_room(batch->positions, batch->positions);
    batch->room = memory_alloc(batch->room_group, groups * sizeof *batch->room);
    batch->lengths = memory_alloc(batch->max, sizeof *batch->lengths);
    for (size_t i = 0; batch->lengths && i < batch->max; i++)
        batch->lengths[i] = (uint32_t)batch->positions;
    return batch->panels && batch->room && batch->lengths ? 0 : -ENOMEM;
}

int loss_batch_init(struct loss_batch *batch, const struct loss *loss, const struct shape *output, size_t max)
{
    size_t elements = shape_elements(output), features = output->dimension[0];
    bool classes = loss->targets == TARGETS_CLASS || loss_is_of_words(loss);

    *batch = (struct loss_batch){ .loss = loss,
                                  .features = features,
                                  .positions = elements / features,
                                  .max = max,
                                  .temperature = 1,
                                  .sounds = 1,
                                  .threshold = 0.5f,
                                  .kernels = kernels_find("auto") };
    batch->samples = memory_alloc(max, sizeof *batch->samples);
    batch->weights = memory_alloc(features, sizeof *batch->weights);
    if (classes)
        batch->classes = memory_zalloc(batch->positions, max * sizeof *batch->classes);
    else
        batch->values = memory_zalloc(elements * loss_planes(loss), max * sizeof *batch->values);
    for (size_t c = 0; batch->weights && c < features; c++)
        batch->weights[c] = 1;
    if (batch->samples && batch->weights && (classes ? (void *)batch->classes : batch->values) && !make_room(batch))
        return 0;
    loss_batch_deinit(batch);
    return -ENOMEM;
}

void loss_batch_deinit(struct loss_batch *batch)
{
    free(batch->weights);
    free(batch->classes);
    free(batch->values);
    free(batch->panels);
    free(batch->room);
    free(batch->lengths);
    free(batch->samples);
    *batch = LOSS_BATCH_NULL;
}

static void run_part(void *argument, unsigned part, unsigned parts)
{
    const struct loss_call *call = argument;
    const struct loss *loss = call->batch->loss;
    unsigned long long begin, end;

    pool_share(call->count, LOSS_GROUP, part, parts, &begin, &end);
    for (size_t sample = begin; loss->sample && sample < end; sample++)
        loss->sample(call, sample);
    for (size_t sample = begin; loss->group && sample < end; sample += LOSS_GROUP)
        loss->group(call, sample, MIN((size_t)LOSS_GROUP, end - sample));
}

void loss_run(struct loss_batch *batch, const float *output, size_t count, float smoothing, float *gradient,
              struct pool *pool)
{
    struct loss_call call = { batch, output, count, smoothing, gradient };

    pool_run(pool, run_part, &call);
}
