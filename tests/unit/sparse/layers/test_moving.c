/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds that move and add values: add, concat, reshape, tokens.
 */
#include <string.h>

#include "harness.h"
#include "support/test.h"

static void reference_add(const struct reference_run *run)
{
    for (uint64_t i = 0; i < shape_elements(&run->layer->shape) * run->batch; i++) {
        run->out[i] = 0;
        for (uint32_t j = 0; j < run->layer->input_count; j++)
            run->out[i] += run->in[j][i];
    }
}

/* One input after the other, which for one is a plain copy. */
static void reference_concat(const struct reference_run *run)
{
    double *to = run->out;

    for (uint32_t j = 0; j < run->layer->input_count; j++) {
        uint64_t count = shape_elements(&run->inputs[j]) * run->batch;

        memcpy(to, run->in[j], count * sizeof *to);
        to += count;
    }
}

static void test_add(void **state)
{
    const struct shape shape = { 3, { 2, 5, 11 } };

    (void)state;
    check_layer(&(struct layer_case){
        .kind = "add", .inputs = { shape, shape }, .input_count = 2, .reference = reference_add });
    check_layer(&(struct layer_case){
        .kind = "add", .inputs = { shape, shape, shape, shape }, .input_count = 4, .reference = reference_add });
}

static void test_concat(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){ .kind = "concat",
                                      .inputs = { { 3, { 2, 4, 9 } }, { 3, { 1, 4, 9 } }, { 3, { 5, 4, 9 } } },
                                      .input_count = 3,
                                      .reference = reference_concat });
    check_layer(&(struct layer_case){
        .kind = "concat", .inputs = { { 1, { 1 } }, { 1, { 6 } } }, .input_count = 2, .reference = reference_concat });
}

static void test_reshape(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){ .kind = "reshape",
                                      .parameters = { 3, 4, 10 },
                                      .inputs = { { 1, { 120 } } },
                                      .input_count = 1,
                                      .reference = reference_concat });
}

static void test_tokens(void **state)
{
    (void)state;
    check_layer(&(struct layer_case){
        .kind = "tokens", .inputs = { { 3, { 6, 5, 4 } } }, .input_count = 1, .reference = reference_concat });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_concat),
        cmocka_unit_test(test_reshape),
        cmocka_unit_test(test_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
