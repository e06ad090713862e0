/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "harness.h"
#include "support/test.h"

static void reference(const struct reference_run *run)
{
    for (uint64_t i = 0; i < shape_elements(&run->layer->shape) * run->batch; i++)
        run->out[i] = run->in[0][i] * fmin(fmax(run->in[0][i] / 6 + 0.5, 0), 1);
}

/* All three of its pieces; and more elements than are done at once. */
static void test_hard_swish(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){
        .kind = "hard_swish", .inputs = { { 1, { 7 } } }, .input_count = 1, .scale = 4, .reference = reference });
    check_layer(&(struct layer_case){
        .kind = "hard_swish", .inputs = { { 3, { 3, 9, 5 } } }, .input_count = 1, .scale = 4, .reference = reference });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_hard_swish) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
