/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "support/test.h"

static void reference(const struct reference_run *run)
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

static void test_upsample(void **state)
{
    (void)state;
    for (int factor = 1; factor <= 4; factor++)
        check_layer(&(struct layer_case){ .kind = "upsample",
                                          .parameters = { factor },
                                          .inputs = { { 3, { 3, 5, 2 } } },
                                          .input_count = 1,
                                          .reference = reference });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_upsample) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
