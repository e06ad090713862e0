/* SPDX-License-Identifier: Apache-2.0
 *
 * Pooling of a channel, against walks over each window in double, for random windows; ties, NaN, and paddings; the
 * same bits for a sample alone and among others.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/layers/pooling.h"
#include "support/test.h"

static struct window make_window(struct rng *rng)
{
    struct window w = { .kernel_height = 1 + (uint32_t)rng_below(rng, 4), .stride = 1 + (uint32_t)rng_below(rng, 4) };

    w.kernel_width = w.kernel_height;
    w.top = w.left = (uint32_t)rng_below(rng, w.kernel_height);
    w.height = w.kernel_height + (uint32_t)rng_below(rng, 9);
    w.width = w.kernel_width + (uint32_t)rng_below(rng, 9);
    w.out_height = (w.height + 2 * w.top - w.kernel_height) / w.stride + 1;
    w.out_width = (w.width + 2 * w.left - w.kernel_width) / w.stride + 1;
    return w;
}

/* Few different values, so that there are ties. */
static float *make_floats(struct rng *rng, size_t count)
{
    float *floats = memory_alloc(count, sizeof *floats);

    assert_non_null(floats);
    for (size_t i = 0; i < count; i++)
        floats[i] = (float)rng_below(rng, 9) / 4 - 1;
    return floats;
}

/* The element under a tap; -1: in the padding. */
static int64_t element_of(const struct window *w, uint32_t p, uint32_t tap)
{
    int64_t y = (int64_t)(p / w->out_width) * w->stride + tap / w->kernel_width - w->top;
    int64_t x = (int64_t)(p % w->out_width) * w->stride + tap % w->kernel_width - w->left;

    return y < 0 || x < 0 || y >= w->height || x >= w->width ? -1 : y * w->width + x;
}

/* What one window makes of sample `b`. */
struct expected {
    double sum, largest;
    uint16_t tap;
};

static struct expected expect(const struct window *w, const float *in, size_t batch, uint32_t p, size_t b)
{
    struct expected e = { .sum = 0, .largest = -INFINITY };

    for (uint32_t tap = 0; tap < window_taps(w); tap++) {
        const int64_t at = element_of(w, p, tap);

        if (at < 0)
            continue;
        e.sum += (double)in[(size_t)at * batch + b];
        if ((double)in[(size_t)at * batch + b] > e.largest) {
            e.largest = (double)in[(size_t)at * batch + b];
            e.tap = (uint16_t)tap;
        }
    }
    return e;
}

/* Both gradients of one window, added up. */
static void expect_back(const struct window *w, uint32_t p, uint16_t largest, double g, size_t batch, size_t b,
                        double *of_max, double *of_average)
{
    of_max[(size_t)element_of(w, p, largest) * batch + b] += g;
    for (uint32_t tap = 0; tap < window_taps(w); tap++) {
        const int64_t at = element_of(w, p, tap);

        if (at >= 0)
            of_average[(size_t)at * batch + b] += g / (double)window_taps(w);
    }
}

static void assert_close(const float *found, const double *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(fabs((double)found[i] - wanted[i]) <= 1e-5);
}

static void check_window(struct rng *rng, size_t batch)
{
    const struct window w = make_window(rng);
    const size_t ins = (size_t)w.height * w.width * batch, outs = window_positions(&w) * batch;
    float *in = make_floats(rng, ins), *g = make_floats(rng, outs), *max = make_floats(rng, outs);
    float *average = make_floats(rng, outs), *scratch = make_floats(rng, outs);
    float *back_max = make_floats(rng, ins), *back_average = make_floats(rng, ins);
    double *wanted_max = calloc(ins, sizeof(double)), *wanted_average = calloc(ins, sizeof(double));
    uint16_t *taps = calloc(outs, sizeof *taps);
    const struct kernels *kernels;

    pooling_max_taps(&w, in, batch, max, taps);
    pooling_average(&w, in, batch, average);
    for (uint32_t i = 0; i < outs; i++) {
        const struct expected e = expect(&w, in, batch, i / (uint32_t)batch, i % batch);

        assert_true((double)max[i] == e.largest);
        assert_int_equal(taps[i], e.tap);
        assert_true(fabs((double)average[i] - e.sum / (double)window_taps(&w)) < 1e-6);
        expect_back(&w, i / (uint32_t)batch, e.tap, (double)g[i], batch, i % batch, wanted_max, wanted_average);
    }
    memcpy(scratch, max, outs * sizeof *max);
    for (size_t i = 0; (kernels = kernels_at(i)); i++) {
        pooling_max(&w, kernels, in, batch, max);
        assert_memory_equal(scratch, max, outs * sizeof *max);
    }
    pooling_max_backward(&w, taps, g, batch, back_max);
    pooling_average_backward(&w, g, batch, back_average);
    assert_close(back_max, wanted_max, ins);
    assert_close(back_average, wanted_average, ins);
    free(in), free(g), free(max), free(average), free(scratch), free(back_max), free(back_average);
    free(wanted_max), free(wanted_average), free(taps);
}

static void test_against_double(void **state)
{
    struct rng rng = rng_make(3, 1);

    (void)state;
    for (int i = 0; i < 300; i++)
        check_window(&rng, (size_t[]){ 1, 2, 17, 32 }[i % 4]);
}

static void test_a_sample_alone(void **state)
{
    struct rng rng = rng_make(3, 2);

    (void)state;
    for (int i = 0; i < 100; i++) {
        const struct window w = make_window(&rng);
        const size_t elements = (size_t)w.height * w.width, outs = window_positions(&w), batch = 5;
        float *in = memory_alloc(elements, batch * sizeof *in), *out = memory_alloc(outs, batch * sizeof *out);
        float *alone = memory_alloc(elements, sizeof *in), *answer = memory_alloc(outs, sizeof *out);

        for (size_t k = 0; k < elements * batch; k++)
            in[k] = rng_normal(&rng);
        for (size_t k = 0; k < elements; k++)
            alone[k] = in[k * batch + 3];
        pooling_average(&w, in, batch, out);
        pooling_average(&w, alone, 1, answer);
        for (size_t k = 0; k < outs; k++)
            assert_memory_equal(&answer[k], &out[k * batch + 3], sizeof *out);
        free(in), free(out), free(alone), free(answer);
    }
}

static void test_nan_is_the_largest(void **state)
{
    const struct window w = { 2, 3, 1, 2, 2, 2, 1, 0, 0 };
    const float in[] = { 1, NAN, 5, 7, 2, 3 };
    float out[2];
    uint16_t taps[1];
    const struct window one = { 1, 2, 1, 1, 2, 2, 1, 1, 1 };

    (void)state;
    pooling_max(&w, kernels_at(0), in, 1, out);
    assert_true(isnan(out[0]) && isnan(out[1]));
    /* -infinity under every tap: the first that lies on the picture. */
    pooling_max_taps(&one, (const float[]){ -INFINITY, -INFINITY }, 1, out, taps);
    assert_true(isinf(out[0]) && out[0] < 0);
    assert_int_equal(taps[0], 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_double),
        cmocka_unit_test(test_a_sample_alone),
        cmocka_unit_test(test_nan_is_the_largest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
