/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds that look at pictures: convolution, pooling, normalisation.
 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "harness.h"
#include "support/test.h"

/* ---- windows ---- */

/* Parameters of kinds with windows. */
struct sides {
    size_t kernel_height, kernel_width, stride, padding;
};

/* The input under place (ky, kx) of the window at (y, x) of channel c; NULL: in the padding. */
static const double *under(const struct reference_run *run, const struct sides *s, size_t c, size_t y, size_t x,
                           size_t ky, size_t kx)
{
    const size_t height = run->inputs[0].dimension[1], width = run->inputs[0].dimension[2];
    const size_t in_y = y * s->stride + ky - s->padding, in_x = x * s->stride + kx - s->padding;

    /* What is below 0 has become very large. */
    return in_y < height && in_x < width ? run->in[0] + ((c * height + in_y) * width + in_x) * run->batch : NULL;
}

/* Calls `function` with the place of every output of the layer. */
static void each_output(const struct reference_run *run, const struct sides *s,
                        void (*function)(const struct reference_run *run, const struct sides *s, size_t c, size_t y,
                                         size_t x, double *out))
{
    const uint32_t *out = run->layer->shape.dimension;

    for (size_t c = 0; c < out[0]; c++) {
        for (size_t y = 0; y < out[1]; y++) {
            for (size_t x = 0; x < out[2]; x++)
                function(run, s, c, y, x, run->out + ((c * out[1] + y) * out[2] + x) * run->batch);
        }
    }
}

static void convolve(const struct reference_run *run, const struct sides *s, size_t c, size_t y, size_t x, double *out)
{
    const struct csr *w = &run->layer->weight;
    const size_t taps = s->kernel_height * s->kernel_width, channels = w->columns / taps;
    const size_t first = c / (w->rows / (run->inputs[0].dimension[0] / channels)) * channels;

    for (size_t b = 0; b < run->batch; b++)
        out[b] = run->vectors[0] ? run->vectors[0][c] : 0;
    for (uint64_t k = w->starts[c]; k < w->starts[c + 1]; k++) {
        const uint32_t column = csr_column(w, k);
        const double *in = under(run, s, first + column / taps, y, x, column % taps / s->kernel_width,
                                 column % taps % s->kernel_width);

        for (size_t b = 0; in && b < run->batch; b++)
            out[b] += run->weight[k] * in[b];
    }
}

static void reference_conv2d(const struct reference_run *run)
{
    const double *p = run->layer->parameters;
    const struct sides s = { (size_t)p[1], (size_t)p[2], (size_t)p[3], (size_t)p[4] };

    each_output(run, &s, convolve);
}

static void test_conv2d(void **state)
{
    static const struct {
        struct shape input;
        double parameters[6], density;
    } cases[] = {
        { { 3, { 3, 7, 9 } }, { 5, 3, 3, 1, 1, 1 }, 0.5 },  { { 3, { 4, 8, 8 } }, { 6, 3, 3, 2, 1, 2 }, 0.6 },
        { { 3, { 4, 5, 6 } }, { 7, 1, 1, 1, 0, 1 }, 0.5 },  { { 3, { 2, 6, 5 } }, { 3, 1, 1, 2, 0, 1 }, 1 },
        { { 3, { 3, 4, 30 } }, { 6, 2, 5, 1, 1, 3 }, 0.3 }, { { 3, { 1, 3, 3 } }, { 2, 3, 3, 1, 0, 1 }, 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct layer_case c = { .kind = "conv2d",
                                .inputs = { cases[i].input },
                                .input_count = 1,
                                .density = cases[i].density,
                                .reference = reference_conv2d };

        for (size_t p = 0; p < 6; p++)
            c.parameters[p] = cases[i].parameters[p];
        check_layer(&c);
    }
}

/* ---- over a length ---- */

static void reference_conv1d(const struct reference_run *run)
{
    const double *p = run->layer->parameters;
    const size_t kernel = (size_t)p[1], stride = (size_t)p[2], padding = (size_t)p[3], groups = (size_t)p[4];
    const size_t channels = run->inputs[0].dimension[0] / groups, length = run->inputs[0].dimension[1];
    const size_t outputs = run->layer->shape.dimension[1], batch = run->batch;
    const struct csr *w = &run->layer->weight;

    for (uint32_t o = 0; o < w->rows; o++) {
        for (size_t i = 0; i < outputs * batch; i++) {
            double *out = run->out + o * outputs * batch + i;

            *out = run->vectors[0][o];
            for (uint64_t k = w->starts[o]; k < w->starts[o + 1]; k++) {
                const size_t channel = o / (w->rows / groups) * channels + csr_column(w, k) / kernel;
                const size_t at = i / batch * stride + csr_column(w, k) % kernel - padding;

                if (at < length)
                    *out += run->weight[k] * run->in[0][(channel * length + at) * batch + i % batch];
            }
        }
    }
}

static void test_conv1d(void **state)
{
    static const struct {
        struct shape input;
        double parameters[5], density;
    } cases[] = {
        { { 2, { 3, 40 } }, { 5, 5, 1, 2, 1 }, 0.5 }, { { 2, { 4, 33 } }, { 6, 4, 3, 1, 2 }, 0.6 },
        { { 2, { 6, 21 } }, { 6, 3, 1, 1, 6 }, 0.7 }, { { 2, { 4, 17 } }, { 7, 1, 1, 0, 1 }, 0.5 },
        { { 2, { 1, 50 } }, { 3, 9, 7, 8, 1 }, 1 },   { { 2, { 3, 6 } }, { 4, 6, 1, 0, 1 }, 0.6 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct layer_case c = { .kind = "conv1d",
                                .inputs = { cases[i].input },
                                .input_count = 1,
                                .density = cases[i].density,
                                .reference = reference_conv1d };

        for (size_t p = 0; p < 5; p++)
            c.parameters[p] = cases[i].parameters[p];
        check_layer(&c);
    }
}

/* ---- the transpose ---- */

/* What an input element sends along connection k of row o. */
static void spread_element(const struct reference_run *run, uint32_t o, uint64_t k, size_t y, size_t x)
{
    const double *p = run->layer->parameters;
    const struct sides s = { (size_t)p[1], (size_t)p[2], (size_t)p[3], (size_t)p[4] };
    const uint32_t *in = run->inputs[0].dimension, *out = run->layer->shape.dimension;
    const size_t taps = s.kernel_height * s.kernel_width, column = csr_column(&run->layer->weight, k);
    const size_t out_y = y * s.stride + column % taps / s.kernel_width - s.padding;
    const size_t out_x = x * s.stride + column % taps % s.kernel_width - s.padding;
    const double *from = run->in[0] + ((column / taps * in[1] + y) * in[2] + x) * run->batch;

    if (out_y >= out[1] || out_x >= out[2]) /* what is below 0 has become very large */
        return;
    for (size_t b = 0; b < run->batch; b++)
        run->out[((o * out[1] + out_y) * out[2] + out_x) * run->batch + b] += run->weight[k] * from[b];
}

static void reference_deconv2d(const struct reference_run *run)
{
    const struct csr *w = &run->layer->weight;
    const uint32_t *in = run->inputs[0].dimension, *out = run->layer->shape.dimension;
    const size_t plane = (size_t)out[1] * out[2] * run->batch;

    for (uint32_t o = 0; o < out[0]; o++) {
        for (size_t i = 0; i < plane; i++)
            run->out[o * plane + i] = run->vectors[0][o];
        for (uint64_t k = w->starts[o]; k < w->starts[o + 1]; k++) {
            for (size_t position = 0; position < (size_t)in[1] * in[2]; position++)
                spread_element(run, o, k, position / in[2], position % in[2]);
        }
    }
}

/* The U-Net's, the autoencoder's and the upscaler's; one that leaves elements without connections, one that is cropped.
 */
static void test_deconv2d(void **state)
{
    static const struct {
        struct shape input;
        double parameters[6], density;
    } cases[] = {
        { { 3, { 4, 3, 5 } }, { 3, 2, 2, 2, 0, 0 }, 0.6 }, { { 3, { 5, 4, 4 } }, { 3, 3, 3, 2, 1, 1 }, 0.4 },
        { { 3, { 3, 3, 4 } }, { 2, 9, 9, 4, 4, 3 }, 0.1 }, { { 3, { 4, 3, 3 } }, { 2, 2, 1, 3, 0, 1 }, 0.8 },
        { { 3, { 3, 5, 6 } }, { 4, 3, 3, 1, 1, 0 }, 0.5 }, { { 3, { 2, 4, 3 } }, { 3, 2, 3, 2, 2, 0 }, 1 },
        { { 3, { 3, 1, 7 } }, { 5, 1, 1, 1, 0, 0 }, 0.7 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct layer_case c = { .kind = "deconv2d",
                                .inputs = { cases[i].input },
                                .input_count = 1,
                                .density = cases[i].density,
                                .reference = reference_deconv2d };

        for (size_t p = 0; p < 6; p++)
            c.parameters[p] = cases[i].parameters[p];
        check_layer(&c);
    }
}

/* ---- pooling ---- */

static struct sides sides_of_pool(const struct reference_run *run)
{
    const double *p = run->layer->parameters;

    return (struct sides){ (size_t)p[0], (size_t)p[0], p[1] > 0 ? (size_t)p[1] : (size_t)p[0], (size_t)p[2] };
}

static void find_largest(const struct reference_run *run, const struct sides *s, size_t c, size_t y, size_t x,
                         double *out)
{
    for (size_t b = 0; b < run->batch; b++) {
        out[b] = -INFINITY;
        for (size_t k = 0; k < s->kernel_height * s->kernel_width; k++) {
            const double *in = under(run, s, c, y, x, k / s->kernel_width, k % s->kernel_width);

            out[b] = in ? fmax(out[b], in[b]) : out[b];
        }
    }
}

static void average(const struct reference_run *run, const struct sides *s, size_t c, size_t y, size_t x, double *out)
{
    const size_t taps = s->kernel_height * s->kernel_width;

    for (size_t b = 0; b < run->batch; b++) {
        out[b] = 0;
        for (size_t k = 0; k < taps; k++) {
            const double *in = under(run, s, c, y, x, k / s->kernel_width, k % s->kernel_width);

            out[b] += in ? in[b] / (double)taps : 0;
        }
    }
}

static void reference_max_pool(const struct reference_run *run)
{
    const struct sides s = sides_of_pool(run);

    each_output(run, &s, find_largest);
}

static void reference_average_pool(const struct reference_run *run)
{
    const struct sides s = sides_of_pool(run);

    each_output(run, &s, average);
}

static void reference_global_pool(const struct reference_run *run)
{
    const size_t channels = run->inputs[0].dimension[0], positions = shape_elements(&run->inputs[0]) / channels;

    for (size_t i = 0; i < channels * run->batch; i++) {
        run->out[i] = 0;
        for (size_t p = 0; p < positions; p++)
            run->out[i] +=
                run->in[0][(i / run->batch * positions + p) * run->batch + i % run->batch] / (double)positions;
    }
}

static void test_pools(void **state)
{
    static const double parameters[][3] = { { 2, 2, 0 }, { 3, 2, 1 }, { 3, 1, 2 }, { 2, 3, 0 } };
    const struct shape picture = { 3, { 5, 7, 8 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
        struct layer_case c = { .kind = "max_pool", .inputs = { picture }, .input_count = 1 };

        for (size_t p = 0; p < 3; p++)
            c.parameters[p] = parameters[i][p];
        c.reference = reference_max_pool;
        check_layer(&c);
        c.kind = "average_pool";
        c.reference = reference_average_pool;
        check_layer(&c);
    }
    check_layer(&(struct layer_case){
        .kind = "global_pool", .inputs = { picture }, .input_count = 1, .reference = reference_global_pool });
    check_layer(&(struct layer_case){
        .kind = "global_pool", .inputs = { { 2, { 3, 1 } } }, .input_count = 1, .reference = reference_global_pool });
}

/* ---- normalisation ---- */

static void reference_batch_norm(const struct reference_run *run)
{
    const size_t count = shape_elements(&run->inputs[0]) / run->inputs[0].dimension[0] * run->batch;

    for (size_t c = 0; c < run->inputs[0].dimension[0]; c++) {
        const double *x = run->in[0] + c * count;
        double mean = run->vectors[2][c], variance = run->vectors[3][c];

        if (run->mode == LAYER_TRAIN && count > 1) {
            mean = variance = 0;
            for (size_t i = 0; i < count; i++)
                mean += x[i] / (double)count;
            for (size_t i = 0; i < count; i++)
                variance += (x[i] - mean) * (x[i] - mean) / (double)count;
        }
        for (size_t i = 0; i < count; i++)
            run->out[c * count + i] =
                (x[i] - mean) / sqrt(variance + run->layer->parameters[0]) * run->vectors[0][c] + run->vectors[1][c];
    }
}

static void test_batch_norm(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){ .kind = "batch_norm",
                                      .parameters = { 1e-3, 0.1 },
                                      .inputs = { { 3, { 3, 4, 5 } } },
                                      .input_count = 1,
                                      .reference = reference_batch_norm });
    check_layer(&(struct layer_case){ .kind = "batch_norm",
                                      .parameters = { 1e-3, 0.1 },
                                      .inputs = { { 1, { 9 } } },
                                      .input_count = 1,
                                      .reference = reference_batch_norm });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d), cmocka_unit_test(test_conv1d),     cmocka_unit_test(test_deconv2d),
        cmocka_unit_test(test_pools),  cmocka_unit_test(test_batch_norm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
