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

static void test_elementwise(void **state)
{
    static const struct {
        const char *kind;
        void (*reference)(const struct reference_run *);
    } kinds[] = {
        { "relu", reference_relu },
        { "sigmoid", reference_sigmoid },
        { "tanh", reference_tanh },
        { "gelu", reference_gelu },
    };

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        /* A few elements, and more than a part's grain. */
        check_layer(&(struct layer_case){ .kind = kinds[k].kind,
                                          .inputs = { { 1, { 7 } } },
                                          .input_count = 1,
                                          .scale = 2,
                                          .reference = kinds[k].reference });
        check_layer(&(struct layer_case){ .kind = kinds[k].kind,
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
