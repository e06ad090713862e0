/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "support/test.h"

static void reference(const struct reference_run *run)
{
    for (uint64_t e = 0; e < shape_elements(&run->layer->shape); e++) {
        for (size_t b = 0; b < run->batch; b++)
            run->out[e * run->batch + b] = run->in[0][e * run->batch + b] + run->vectors[0][e];
    }
}

static void test_position(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){
        .kind = "position", .inputs = { { 2, { 19, 7 } } }, .input_count = 1, .reference = reference });
    check_layer(&(struct layer_case){
        .kind = "position", .inputs = { { 3, { 2, 3, 5 } } }, .input_count = 1, .reference = reference });
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_position) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
