/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/size.h"
#include "harness.h"
#include "support/test.h"

enum { NEAREST, BILINEAR };

static void reference_nearest(const struct reference_run *run)
{
    const struct shape *shape = &run->layer->shape;
    const size_t height = shape->dimension[1], width = shape->dimension[2],
                 factor = height / run->inputs[0].dimension[1];

    for (size_t e = 0; e < shape_elements(shape); e++) {
        size_t c = e / (height * width), y = e / width % height / factor, x = e % width / factor;
        size_t from = (c * run->inputs[0].dimension[1] + y) * run->inputs[0].dimension[2] + x;

        for (size_t b = 0; b < run->batch; b++)
            run->out[e * run->batch + b] = run->in[0][from * run->batch + b];
    }
}

/* The pixel at a place of the input's grid, of which no pixel lies beyond the edge. */
static double pixel_at(const struct reference_run *run, size_t c, size_t y, size_t x, size_t b)
{
    const uint32_t *in = run->inputs[0].dimension;

    return run->in[0][((c * in[1] + y) * in[2] + x) * run->batch + b];
}

/* Of an input pixel at distance d, 1 - d along each side; an output pixel beyond the outermost middles is on them. */
static void reference_bilinear(const struct reference_run *run)
{
    const uint32_t *in = run->inputs[0].dimension, *out = run->layer->shape.dimension;
    const double factor = run->layer->parameters[0];

    for (size_t i = 0; i < shape_elements(&run->layer->shape) * run->batch; i++) {
        const size_t e = i / run->batch, c = e / ((size_t)out[1] * out[2]);
        const double at_y = fmin(fmax(((double)(e / out[2] % out[1]) + 0.5) / factor - 0.5, 0), in[1] - 1);
        const double at_x = fmin(fmax(((double)(e % out[2]) + 0.5) / factor - 0.5, 0), in[2] - 1);

        run->out[i] = 0;
        for (size_t y = 0; y < in[1]; y++) {
            for (size_t x = 0; x < in[2]; x++)
                run->out[i] += fmax(1 - fabs(at_y - (double)y), 0) * fmax(1 - fabs(at_x - (double)x), 0) *
                               pixel_at(run, c, y, x, i % run->batch);
        }
    }
}

static void test_upsample(void **state)
{
    static const struct shape inputs[] = { { 3, { 3, 5, 2 } }, { 3, { 2, 1, 3 } } };

    (void)state;
    for (size_t i = 0; i < 8 * ARRAY_SIZE(inputs); i++) {
        const bool bilinear = i / 4 % 2;

        check_layer(&(struct layer_case){ .kind = "upsample",
                                          .parameters = { (double)(i % 4 + 1), bilinear ? BILINEAR : NEAREST },
                                          .inputs = { inputs[i / 8] },
                                          .input_count = 1,
                                          .reference = bilinear ? reference_bilinear : reference_nearest });
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_upsample) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
