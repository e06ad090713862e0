/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "harness.h"
#include "support/test.h"

static void reference(const struct reference_run *run)
{
    const uint64_t features = run->inputs[0].dimension[0];
    const uint64_t columns = shape_elements(&run->inputs[0]) / features * run->batch;

    for (uint64_t c = 0; c < columns; c++) {
        double sum = 0, squares = 0, mean, deviation;

        for (uint64_t f = 0; f < features; f++)
            sum += run->in[0][f * columns + c];
        mean = sum / (double)features;
        for (uint64_t f = 0; f < features; f++)
            squares += pow(run->in[0][f * columns + c] - mean, 2);
        deviation = sqrt(squares / (double)features + run->layer->parameters[0]);
        for (uint64_t f = 0; f < features; f++)
            run->out[f * columns + c] =
                (run->in[0][f * columns + c] - mean) / deviation * run->vectors[0][f] + run->vectors[1][f];
    }
}

static void test_layer_norm(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){
        .kind = "layer_norm", .inputs = { { 2, { 23, 7 } } }, .input_count = 1, .reference = reference });
    check_layer(&(struct layer_case){
        .kind = "layer_norm", .inputs = { { 1, { 64 } } }, .input_count = 1, .scale = 30, .reference = reference });
    check_layer(&(struct layer_case){ .kind = "layer_norm",
                                      .parameters = { 0.5 },
                                      .inputs = { { 3, { 5, 2, 3 } } },
                                      .input_count = 1,
                                      .scale = 0.1,
                                      .reference = reference });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_layer_norm) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
