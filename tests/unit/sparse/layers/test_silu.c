/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "harness.h"
#include "support/test.h"

static void reference(const struct reference_run *run)
{
    for (uint64_t i = 0; i < shape_elements(&run->layer->shape) * run->batch; i++)
        run->out[i] = run->in[0][i] / (1 + exp(-run->in[0][i]));
}

/* A few elements, with large ones; and more than are done at once. */
static void test_silu(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){
        .kind = "silu", .inputs = { { 1, { 7 } } }, .input_count = 1, .scale = 8, .reference = reference });
    check_layer(&(struct layer_case){
        .kind = "silu", .inputs = { { 3, { 3, 9, 5 } } }, .input_count = 1, .reference = reference });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_silu) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
