/* SPDX-License-Identifier: Apache-2.0
 *
 * quantize: to whole numbers, the nearest, of two the even one. In training instead a number from -1/2 to 1/2 is added,
 * as probable as any other (Balle, Laparra and Simoncelli 2017), so that there is a gradient: that of the output. Of
 * element e of sample b it is word b % 4 of block e * 2^32 + b / 4 of the layer's random numbers.
 *
 * What is stored costs bits, and `price` is what a bit a position costs in the loss. They are those of a Laplace
 * distribution a channel, around 0, of scale exp(log_scale), which is learnt:
 *
 *   bits = -log2 of the probability of y - 1/2 to y + 1/2
 *
 * Their gradient times the price is added on the way back; the output has no part of it.
 */
#include <math.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/kernels/functions.h"
#include "sparse/layers/chance.h"
#include "sparse/layers/planning.h"

enum { PRICE };
enum { LOG_SCALE };

#define LOG2_E        1.44269504f
#define LOG_SCALE_MIN (-3.0f) /* below, nearly everything is 0 anyway, and slopes are cliffs */
#define LOG_SCALE_MAX 12.0f

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)parameters, (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = inputs[0], .vectors = { inputs[0].dimension[0] } };
    return 0;
}

static void add_noise(const struct layer_run *run, uint64_t element)
{
    const size_t batch = run->out->batch;
    const float *from = run->in[0]->data + element * batch;
    float *to = run->out->data + element * batch;
    uint32_t words[CHANCE_WORDS];

    for (size_t done = 0; done < batch; done += CHANCE_WORDS) {
        const size_t now = MIN((size_t)CHANCE_WORDS, batch - done);

        chance_words(&run->random, element, done, now, words);
        for (size_t b = 0; b < now; b++)
            to[done + b] = from[done + b] + (float)(int32_t)words[b] * 0x1p-32f;
    }
}

static void forward(const struct layer_run *run)
{
    const size_t batch = run->out->batch;
    unsigned long long begin, end;

    pool_share(run->out->elements, 1, run->part, run->parts, &begin, &end);
    if (run->mode == LAYER_TRAIN) {
        for (uint64_t e = begin; e < end; e++)
            add_noise(run, e);
        return;
    }
    for (uint64_t i = begin * batch; i < end * batch; i++)
        run->out->data[i] = rintf(run->in[0]->data[i]);
}

/* How a number's bits change: with it, and with the logarithm of the scale, of which `inverse` is the inverse. */
struct slopes {
    float number, scale;
};

static struct slopes slopes_of(float y, float inverse)
{
    const float distance = fabsf(y), far = (distance + 0.5f) * inverse, near = (distance - 0.5f) * inverse;
    const float e_far = function_exp(-far), e_near = function_exp(-fabsf(near));
    struct slopes s;

    if (near >= 0) { /* the probability is (e^-near - e^-far) / 2 */
        const float p = 1 - function_exp(-inverse), tail = e_near > 0 ? (1 - p) / p : 0;

        s.number = inverse * LOG2_E;
        s.scale = LOG2_E * (inverse * tail - near);
    } else { /* 1 - (e^near + e^-far) / 2 */
        const float p = 1 - (e_near + e_far) / 2;

        s.number = LOG2_E * inverse * (e_near - e_far) / (2 * p);
        s.scale = LOG2_E * (e_near * -near + e_far * far) / (2 * p);
    }
    s.number = y < 0 ? -s.number : s.number;
    return s;
}

static float inverse_scale(const struct layer *layer, size_t channel)
{
    const float *data = layer->vectors[LOG_SCALE].data;
    const float log_scale = data ? data[channel] : 0;

    return function_exp(-fminf(fmaxf(log_scale, LOG_SCALE_MIN), LOG_SCALE_MAX));
}

static void back_channel(const struct layer_back *back, size_t channel, size_t count)
{
    const struct layer_run *run = &back->run;
    const float price = (float)(run->layer->parameters[PRICE] * (double)run->out->batch / (double)count);
    const float inverse = inverse_scale(run->layer, channel);
    const float *y = run->out->data + channel * count, *from = back->out_gradient + channel * count;
    float *to = back->in_gradient[0] ? back->in_gradient[0] + channel * count : NULL;
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        const struct slopes s = slopes_of(y[i], inverse);
        const float gradient = from[i] + price * s.number;

        if (to)
            to[i] = back->accumulate[0] ? to[i] + gradient : gradient;
        sum += (double)s.scale;
    }
    if (back->vector_gradient[LOG_SCALE])
        back->vector_gradient[LOG_SCALE][channel] = price * (float)sum;
}

static void backward(const struct layer_back *back)
{
    const struct tensor *out = back->run.out;
    const size_t channels = out->shape.dimension[0], count = tensor_count(out) / channels;
    unsigned long long begin, end;

    pool_share(channels, 1, back->run.part, back->run.parts, &begin, &end);
    for (size_t c = begin; c < end; c++)
        back_channel(back, c, count);
}

const struct layer_kind layer_quantize = {
    .name = "quantize",
    .inputs_min = 1,
    .inputs_max = 1,
    .quantizes = true,
    .in_place = true,
    .vectors = { [LOG_SCALE] = { .name = "log_scale" } },
    .parameters = { [PRICE] = { "price", 0, 0, 1000, PARAMETER_REAL } },
    .plan = plan,
    .forward = forward,
    .backward = backward,
};
