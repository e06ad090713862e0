/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds that multiply every element by a weight, or take all features of a position together: linear, projection,
 * softmax.
 */
#include <math.h>

#include "harness.h"
#include "support/test.h"

/* Of samples, or of positions and samples alike. */
static void reference_product(const struct reference_run *run)
{
    const struct csr *w = &run->layer->weight;
    const uint64_t columns = shape_elements(&run->layer->shape) / w->rows * run->batch;

    for (uint32_t r = 0; r < w->rows; r++) {
        for (uint64_t c = 0; c < columns; c++) {
            double sum = run->vectors[0][r];

            for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++)
                sum += run->weight[k] * run->in[0][csr_column(w, k) * columns + c];
            run->out[r * columns + c] = sum;
        }
    }
}

static void reference_softmax(const struct reference_run *run)
{
    const uint64_t features = run->inputs[0].dimension[0];
    const uint64_t columns = shape_elements(&run->inputs[0]) / features * run->batch;

    for (uint64_t c = 0; c < columns; c++) {
        double sum = 0;

        for (uint64_t f = 0; f < features; f++)
            sum += exp(run->in[0][f * columns + c]);
        for (uint64_t f = 0; f < features; f++)
            run->out[f * columns + c] = exp(run->in[0][f * columns + c]) / sum;
    }
}

static void test_linear(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){ .kind = "linear",
                                      .parameters = { 37 },
                                      .inputs = { { 2, { 3, 7 } } },
                                      .input_count = 1,
                                      .density = 0.3,
                                      .reference = reference_product });
    check_layer(&(struct layer_case){ .kind = "linear",
                                      .parameters = { 5 },
                                      .inputs = { { 1, { 40 } } },
                                      .input_count = 1,
                                      .density = 1,
                                      .reference = reference_product });
}

static void test_projection(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){ .kind = "projection",
                                      .parameters = { 21 },
                                      .inputs = { { 2, { 13, 5 } } },
                                      .input_count = 1,
                                      .density = 0.3,
                                      .reference = reference_product });
    check_layer(&(struct layer_case){ .kind = "projection",
                                      .parameters = { 4 },
                                      .inputs = { { 3, { 6, 2, 3 } } },
                                      .input_count = 1,
                                      .density = 1,
                                      .reference = reference_product });
}

static void test_softmax(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){
        .kind = "softmax", .inputs = { { 1, { 10 } } }, .input_count = 1, .reference = reference_softmax });
    check_layer(&(struct layer_case){
        .kind = "softmax", .inputs = { { 3, { 4, 3, 5 } } }, .input_count = 1, .reference = reference_softmax });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_projection),
        cmocka_unit_test(test_softmax),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
