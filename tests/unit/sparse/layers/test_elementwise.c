/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds that work on each element alone.
 */
#include <math.h>

#include "harness.h"
#include "support/test.h"

static void map(const struct reference_run *run, double (*function)(double))
{
    for (uint64_t i = 0; i < shape_elements(&run->layer->shape) * run->batch; i++)
        run->out[i] = function(run->in[0][i]);
}

static double rectify(double x)
{
    return x > 0 ? x : 0;
}

static double squash(double x)
{
    return 1 / (1 + exp(-x));
}

static double gauss(double x)
{
    return x * 0.5 * erfc(-x / sqrt(2));
}

static double gauss_by_tanh(double x)
{
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static void reference_relu(const struct reference_run *run)
{
    map(run, rectify);
}

static void reference_sigmoid(const struct reference_run *run)
{
    map(run, squash);
}

static void reference_tanh(const struct reference_run *run)
{
    map(run, tanh);
}

static void reference_gelu(const struct reference_run *run)
{
    map(run, gauss);
}

static void reference_gelu_tanh(const struct reference_run *run)
{
    map(run, gauss_by_tanh);
}

static void test_elementwise(void **state)
{
    static const struct {
        const char *kind;
        void (*reference)(const struct reference_run *);
        double parameter;
    } kinds[] = {
        { "relu", reference_relu, 0 }, { "sigmoid", reference_sigmoid, 0 }, { "tanh", reference_tanh, 0 },
        { "gelu", reference_gelu, 0 }, { "gelu", reference_gelu_tanh, 1 },
    };

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        /* A few elements, and more than a part's grain. */
        check_layer(&(struct layer_case){ .kind = kinds[k].kind,
                                          .parameters = { kinds[k].parameter },
                                          .inputs = { { 1, { 7 } } },
                                          .input_count = 1,
                                          .scale = 2,
                                          .reference = kinds[k].reference });
        check_layer(&(struct layer_case){ .kind = kinds[k].kind,
                                          .parameters = { kinds[k].parameter },
                                          .inputs = { { 3, { 3, 9, 5 } } },
                                          .input_count = 1,
                                          .reference = kinds[k].reference });
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_elementwise) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
