/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "support/test.h"

static void reference(const struct reference_run *run)
{
    const double slope = run->layer->parameters[0], sign = (int)run->layer->parameters[1] % 2 ? 1 : -1;

    for (uint64_t i = 0; i < shape_elements(&run->layer->shape) * run->batch; i++)
        run->out[i] = run->in[0][i] < 0 ? run->in[0][i] * sign * slope : run->in[0][i];
}

static void test_all_relu(void **state)
{
    (void)state;
    for (int layer = 1; layer <= 3; layer++) {
        for (int tenths = 0; tenths <= 10; tenths += 5)
            check_layer(&(struct layer_case){ .kind = "all_relu",
                                              .parameters = { tenths / 10.0, layer },
                                              .inputs = { { 3, { 3, 9, 5 } } },
                                              .input_count = 1,
                                              .reference = reference });
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_relu) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
