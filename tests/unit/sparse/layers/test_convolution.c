/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution and what it stands on: forward against one chain of fmaf() an output, to the bit, and forward and
 * backward against a dense double-precision one, over random shapes, strides, paddings, groups and batches, on every
 * table, and cut into parts.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "sparse/layers/convolution.h"
#include "support/test.h"

struct trial {
    struct window window;
    uint32_t channels, groups, rows;
    size_t batch;
    struct csr weight;
    float *bias, *in, *out_gradient;
    size_t ins, outs; /* floats */
};

static float *make_floats(size_t count, uint64_t stream)
{
    struct rng rng = rng_make(3, stream);
    float *floats = memory_alloc(count, sizeof *floats);

    assert_non_null(floats);
    for (size_t i = 0; i < count; i++)
        floats[i] = rng_normal(&rng);
    return floats;
}

static uint32_t below(struct rng *rng, uint32_t limit)
{
    return (uint32_t)rng_below(rng, limit);
}

static struct trial make_trial(struct rng *rng, uint32_t number, size_t batch)
{
    struct trial t = { .groups = 1 + below(rng, 3), .batch = batch };
    struct window *w = &t.window;
    struct reason why;
    uint32_t columns;

    w->kernel_height = 1 + below(rng, 4);
    w->kernel_width = 1 + below(rng, 4);
    w->stride = 1 + below(rng, 3);
    w->top = below(rng, w->kernel_height);
    w->left = below(rng, w->kernel_width);
    w->height = w->kernel_height + below(rng, 9);
    w->width = w->kernel_width + below(rng, 40);
    w->out_height = (w->height + 2 * w->top - w->kernel_height) / w->stride + 1;
    w->out_width = (w->width + 2 * w->left - w->kernel_width) / w->stride + 1;
    t.channels = t.groups * (1 + below(rng, 3));
    t.rows = t.groups * (1 + below(rng, 6));
    columns = t.channels / t.groups * (uint32_t)window_taps(w);
    assert_ok(sample_connections(t.rows, columns, (uint64_t)t.rows * columns * (1 + below(rng, 4)) / 4, 5, number,
                                 &t.weight, &why),
              why);
    sample_weights(&t.weight, 1, 5, number);
    t.ins = (size_t)t.channels * w->height * w->width * batch;
    t.outs = t.rows * window_positions(w) * batch;
    t.bias = make_floats(t.rows, number);
    t.in = make_floats(t.ins, number + 1000);
    t.out_gradient = make_floats(t.outs, number + 2000);
    return t;
}

static void free_trial(struct trial *t)
{
    csr_deinit(&t->weight);
    free(t->bias);
    free(t->in);
    free(t->out_gradient);
}

static struct convolution convolution_of(const struct trial *t, const struct kernels *kernels, unsigned parts)
{
    return (struct convolution){ .kernels = kernels,
                                 .weight = &t->weight,
                                 .bias = t->bias,
                                 .window = t->window,
                                 .channels = t->channels,
                                 .groups = t->groups,
                                 .batch = t->batch,
                                 .parts = parts };
}

static struct weights *weights_of(const struct trial *t, const struct kernels *kernels, bool packed)
{
    struct weights *weights;

    if (packed && t->groups == 1)
        assert_int_equal(weights_new(kernels, &t->weight, 1, 1024, NULL, &weights), 0);
    else
        assert_int_equal(weights_borrow(kernels, &t->weight, &weights), 0);
    return weights;
}

/* Element that connection `column` of row `r` reads at position (y, x); SIZE_MAX: in the padding. */
static size_t element_of(const struct trial *t, uint32_t r, uint32_t column, uint32_t y, uint32_t x)
{
    const struct window *w = &t->window;
    const uint32_t taps = (uint32_t)window_taps(w), tap = column % taps;
    const uint32_t channel = r / (t->rows / t->groups) * (t->channels / t->groups) + column / taps;
    const int64_t in_y = (int64_t)y * w->stride + tap / w->kernel_width - w->top;
    const int64_t in_x = (int64_t)x * w->stride + tap % w->kernel_width - w->left;

    if (in_y < 0 || in_x < 0 || in_y >= w->height || in_x >= w->width)
        return SIZE_MAX;
    return ((size_t)channel * w->height + (size_t)in_y) * w->width + (size_t)in_x;
}

typedef void connection_function(const struct trial *t, uint64_t k, size_t out, size_t element, void *argument);

/* Calls `function` for each connection at each position and sample, outputs in order, ascending columns within one. */
static void each_use(const struct trial *t, connection_function *function, void *argument)
{
    const struct window *w = &t->window;

    for (uint32_t r = 0; r < t->rows; r++) {
        for (uint32_t p = 0; p < window_positions(w); p++) {
            for (uint64_t k = t->weight.starts[r]; k < t->weight.starts[r + 1]; k++) {
                const size_t e = element_of(t, r, csr_column(&t->weight, k), p / w->out_width, p % w->out_width);

                for (size_t b = 0; b < t->batch; b++)
                    function(t, k, (r * window_positions(w) + p) * t->batch + b, e == SIZE_MAX ? e : e * t->batch + b,
                             argument);
            }
        }
    }
}

static void chain_step(const struct trial *t, uint64_t k, size_t out, size_t element, void *argument)
{
    float *y = argument;

    y[out] = fmaf(t->weight.values[k], element == SIZE_MAX ? 0 : t->in[element], y[out]);
}

static float *chains_of(const struct trial *t)
{
    float *y = memory_alloc(t->outs, sizeof *y);

    assert_non_null(y);
    for (size_t i = 0; i < t->outs; i++)
        y[i] = t->bias[i / (window_positions(&t->window) * t->batch)];
    each_use(t, chain_step, y);
    return y;
}

static void *scratch_of(const struct trial *t, bool backward)
{
    size_t floats;
    float *scratch;

    assert_true(backward ? convolution_scratch_backward(&t->window, t->rows, t->weight.columns, t->weight.count,
                                                        t->batch, &floats)
                         : convolution_scratch(&t->window, t->rows, t->weight.columns, t->batch, &floats));
    /* As small as it says, so that a sanitizer sees what is written past it; and full of what would be noticed. */
    scratch = malloc(floats * sizeof *scratch);
    assert_non_null(scratch);
    for (size_t i = 0; i < floats; i++)
        scratch[i] = NAN;
    return scratch;
}

static void test_forward_is_one_chain(void **state)
{
    static const size_t batches[] = { 1, 2, 7, 32, 600 };
    struct rng rng = rng_make(7, 7);

    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        struct trial t = make_trial(&rng, i, batches[i % ARRAY_SIZE(batches)]);
        float *wanted = chains_of(&t), *found = memory_alloc(t.outs, sizeof *found);
        const struct kernels *kernels;

        for (size_t k = 0; (kernels = kernels_at(k)); k++) {
            struct weights *weights = weights_of(&t, kernels, i % 4 == 0);

            for (unsigned parts = 1; parts <= 3; parts++) {
                struct convolution c = convolution_of(&t, kernels, parts);

                c.weights = weights;
                memset(found, 0xff, t.outs * sizeof *found);
                for (c.part = 0; c.part < parts; c.part++) {
                    float *scratch = scratch_of(&t, false);

                    convolution_forward(&c, t.in, found, scratch);
                    free(scratch);
                }
                assert_memory_equal(found, wanted, t.outs * sizeof *found);
            }
            weights_free(weights);
        }
        free(wanted);
        free(found);
        free_trial(&t);
    }
}

/* Gradients in double, and the sums of their terms' magnitudes. */
struct reference {
    double *in, *in_size, *weight, *weight_size, *bias, *bias_size;
};

static void reference_step(const struct trial *t, uint64_t k, size_t out, size_t element, void *argument)
{
    struct reference *r = argument;
    const double g = (double)t->out_gradient[out], w = (double)t->weight.values[k];

    if (element == SIZE_MAX)
        return;
    r->in[element] += w * g;
    r->in_size[element] += fabs(w * g);
    r->weight[k] += g * (double)t->in[element];
    r->weight_size[k] += fabs(g * (double)t->in[element]);
}

static struct reference reference_of(const struct trial *t)
{
    struct reference r = { calloc(t->ins, sizeof(double)),          calloc(t->ins, sizeof(double)),
                           calloc(t->weight.count, sizeof(double)), calloc(t->weight.count, sizeof(double)),
                           calloc(t->rows, sizeof(double)),         calloc(t->rows, sizeof(double)) };

    each_use(t, reference_step, &r);
    for (size_t i = 0; i < t->outs; i++) {
        const size_t row = i / (window_positions(&t->window) * t->batch);

        r.bias[row] += (double)t->out_gradient[i];
        r.bias_size[row] += fabs((double)t->out_gradient[i]);
    }
    return r;
}

static void assert_close(const float *found, const double *wanted, const double *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(fabs((double)found[i] - wanted[i]) <= 1e-5 * sizes[i] + 1e-12))
            fail_msg("element %zu is %.9g, and should be %.9g", i, (double)found[i], wanted[i]);
    }
}

struct gradients {
    float *in, *weight, *bias;
};

static struct gradients back_all(const struct trial *t, const struct kernels *kernels, unsigned parts, bool in)
{
    struct convolution c = convolution_of(t, kernels, parts);
    struct gradients g = { memory_alloc(t->ins, sizeof(float)), memory_alloc(t->weight.count, sizeof(float)),
                           memory_alloc(t->rows, sizeof(float)) };
    const struct convolution_back back = { t->in, t->out_gradient, in ? g.in : NULL, g.weight, g.bias };

    memset(g.in, 0xff, t->ins * sizeof(float));
    memset(g.weight, 0xff, t->weight.count * sizeof(float));
    for (c.part = 0; c.part < parts; c.part++) {
        float *scratch = scratch_of(t, true);

        convolution_backward(&c, &back, scratch);
        free(scratch);
    }
    return g;
}

static void free_gradients(struct gradients *g)
{
    free(g->in);
    free(g->weight);
    free(g->bias);
}

static void test_backward_against_double(void **state)
{
    static const size_t batches[] = { 1, 3, 16, 33, 520 };
    struct rng rng = rng_make(8, 8);

    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        struct trial t = make_trial(&rng, i, batches[i % ARRAY_SIZE(batches)]);
        struct reference r = reference_of(&t);
        struct gradients first = back_all(&t, kernels_find("scalar"), 1, true);
        const struct kernels *kernels;

        assert_close(first.in, r.in, r.in_size, t.ins);
        assert_close(first.weight, r.weight, r.weight_size, t.weight.count);
        assert_close(first.bias, r.bias, r.bias_size, t.rows);
        for (size_t k = 0; (kernels = kernels_at(k)); k++) {
            for (unsigned parts = 1; parts <= 3; parts++) {
                struct gradients g = back_all(&t, kernels, parts, parts != 2);

                if (parts != 2)
                    assert_memory_equal(g.in, first.in, t.ins * sizeof(float));
                assert_memory_equal(g.weight, first.weight, t.weight.count * sizeof(float));
                assert_memory_equal(g.bias, first.bias, t.rows * sizeof(float));
                free_gradients(&g);
            }
        }
        free_gradients(&first);
        for (double **p = (double **)&r; p < (double **)(&r + 1); p++)
            free(*p);
        free_trial(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward_is_one_chain),
        cmocka_unit_test(test_backward_against_double),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
