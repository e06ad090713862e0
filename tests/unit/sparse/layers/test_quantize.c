/* SPDX-License-Identifier: Apache-2.0
 *
 * quantize: whole numbers, noise in training, and what bits cost, by the finite differences of a reference in double.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "harness.h"
#include "support/test.h"

static double noise_of(const struct layer_random *random, uint64_t element, uint64_t sample)
{
    uint32_t block[4];

    rng_block(random->seed, random->stream, element << 32 | sample / 4, block);
    return (double)(int32_t)block[sample % 4] / 0x1p32;
}

static void reference(const struct reference_run *run)
{
    for (uint64_t e = 0; e < shape_elements(&run->layer->shape); e++) {
        for (size_t b = 0; b < run->batch; b++) {
            const uint64_t i = e * run->batch + b;

            run->out[i] = run->mode == LAYER_TRAIN ? run->in[0][i] + noise_of(&run->random, e, run->random.first + b)
                                                   : nearbyint(run->in[0][i]);
        }
    }
}

static void test_quantize(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){
        .kind = "quantize", .inputs = { { 3, { 3, 5, 4 } } }, .input_count = 1, .scale = 3, .reference = reference });
}

/* ---- bits ---- */

enum { CHANNELS = 6, POSITIONS = 8, SAMPLES = 3, NUMBERS = CHANNELS * POSITIONS * SAMPLES };

static double below(double x, double scale)
{
    return x < 0 ? exp(x / scale) / 2 : 1 - exp(-x / scale) / 2;
}

static double bits(double y, double log_scale)
{
    const double scale = exp(log_scale), distance = fabs(y); /* the lower tail has all its digits */

    return -log2(below(0.5 - distance, scale) - below(-0.5 - distance, scale));
}

struct priced {
    struct layer layer;
    float in[NUMBERS], out[NUMBERS], gradient[NUMBERS], scales[CHANNELS], in_gradient[NUMBERS],
        scale_gradient[CHANNELS];
};

static struct priced priced_new(double price)
{
    struct priced p = { .layer = { .kind = layer_kind_find("quantize"), .parameters = { price }, .input_count = 1 } };
    struct rng rng = rng_make(3, 0);

    for (size_t c = 0; c < CHANNELS; c++) {
        p.scales[c] = (float)c - 2.5f;
        for (size_t i = 0; i < POSITIONS * SAMPLES; i++)
            p.in[c * POSITIONS * SAMPLES + i] = 1.5f * expf(p.scales[c]) * rng_normal(&rng);
    }
    for (size_t i = 0; i < NUMBERS; i++)
        p.gradient[i] = rng_normal(&rng);
    return p;
}

static void priced_run(struct priced *p, unsigned parts)
{
    const struct shape shape = { 3, { CHANNELS, 2, POSITIONS / 2 } };
    const struct tensor in = { .data = p->in, .shape = shape, .elements = NUMBERS / SAMPLES, .batch = SAMPLES };
    const struct tensor out = { .data = p->out, .shape = shape, .elements = NUMBERS / SAMPLES, .batch = SAMPLES };
    const struct tensor *const list[] = { &in };
    float *in_gradient[] = { p->in_gradient }, *vector_gradient[LAYER_VECTORS_MAX] = { p->scale_gradient };
    const bool accumulate[] = { false };
    struct layer_back back = { .run = { .layer = &p->layer,
                                        .kernels = kernels_at(0),
                                        .in = list,
                                        .out = &out,
                                        .mode = LAYER_TRAIN,
                                        .random = { 9, 1, 0 },
                                        .parts = parts },
                               .out_gradient = p->gradient,
                               .in_gradient = in_gradient,
                               .accumulate = accumulate,
                               .vector_gradient = vector_gradient };

    p->layer.vectors[0] = (struct vector){ .data = p->scales, .count = CHANNELS };
    for (back.run.part = 0; back.run.part < parts; back.run.part++)
        p->layer.kind->forward(&back.run);
    for (back.run.part = 0; back.run.part < parts; back.run.part++)
        p->layer.kind->backward(&back);
}

static void assert_near(double got, double right, double least)
{
    if (!(fabs(got - right) <= 1e-3 * fabs(right) + least))
        fail_msg("is %g, and must be %g", got, right);
}

/* Near 1/2 two formulas meet, and differences go over the edge. */
static void test_what_bits_cost(void **state)
{
    const double price = 0.75, step = 1e-5;
    struct priced p = priced_new(price);

    (void)state;
    priced_run(&p, 1);
    for (size_t c = 0; c < CHANNELS; c++) {
        const double scale = (double)p.scales[c];
        double sum = 0;

        for (size_t i = c * POSITIONS * SAMPLES; i < (c + 1) * POSITIONS * SAMPLES; i++) {
            const double y = (double)p.out[i], share = price / POSITIONS;

            sum += share * (bits(y, scale + step) - bits(y, scale - step)) / (2 * step);
            assert_near((double)p.in_gradient[i],
                        (double)p.gradient[i] + share * (bits(y + step, scale) - bits(y - step, scale)) / (2 * step),
                        1e-4);
        }
        assert_near((double)p.scale_gradient[c], sum, 1e-3);
    }
}

/* Numbers far out, and scales of which nobody can say anything, give slopes that are numbers. */
static void test_far_out(void **state)
{
    static const float numbers[] = { 0, 0.5f, -0.5f, 1e4f, -1e4f, 1e30f };
    static const float scales[] = { -100, -3, 0, 12, 100 };
    struct priced p = priced_new(1);

    (void)state;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        for (size_t k = 0; k < NUMBERS; k++) {
            p.in[k] = numbers[k % (sizeof numbers / sizeof *numbers)];
            p.scales[k % CHANNELS] = scales[i];
        }
        priced_run(&p, 1);
        for (size_t k = 0; k < NUMBERS; k++)
            assert_true(isfinite(p.in_gradient[k]));
        for (size_t c = 0; c < CHANNELS; c++)
            assert_true(isfinite(p.scale_gradient[c]));
    }
}

static void test_parts(void **state)
{
    struct priced one = priced_new(0.75), many = one;

    (void)state;
    priced_run(&one, 1);
    priced_run(&many, 5);
    assert_memory_equal(one.in_gradient, many.in_gradient, sizeof one.in_gradient);
    assert_memory_equal(one.scale_gradient, many.scale_gradient, sizeof one.scale_gradient);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantize),
        cmocka_unit_test(test_what_bits_cost),
        cmocka_unit_test(test_far_out),
        cmocka_unit_test(test_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
