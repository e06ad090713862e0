/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "support/test.h"

static void reference(const struct reference_run *run)
{
    for (uint64_t i = 0; i < shape_elements(&run->layer->shape) * run->batch; i++)
        run->out[i] = run->in[0][i] < 0 ? run->in[0][i] * run->layer->parameters[0] : run->in[0][i];
}

static void test_leaky_relu(void **state)
{
    (void)state;
    for (int tenths = 0; tenths <= 10; tenths += 2)
        check_layer(&(struct layer_case){ .kind = "leaky_relu",
                                          .parameters = { tenths / 10.0 },
                                          .inputs = { { 3, { 3, 9, 5 } } },
                                          .input_count = 1,
                                          .reference = reference });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_leaky_relu) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
