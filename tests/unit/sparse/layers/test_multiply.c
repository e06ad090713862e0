/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness.h"
#include "support/test.h"

/* The second input's channel over and over, until it is as long as the first's. */
static void reference(const struct reference_run *run)
{
    const uint64_t channels = run->inputs[0].dimension[0], first = shape_elements(&run->inputs[0]) / channels,
                   second = shape_elements(&run->inputs[1]) / channels;

    for (uint64_t e = 0; e < channels * first; e++) {
        const double *factor = run->in[1] + (e / first * second + e % first % second) * run->batch;

        for (size_t b = 0; b < run->batch; b++)
            run->out[e * run->batch + b] = run->in[0][e * run->batch + b] * factor[b];
    }
}

static void check(struct shape first, struct shape second)
{
    check_layer(&(struct layer_case){
        .kind = "multiply", .inputs = { first, second }, .input_count = 2, .reference = reference });
}

static void test_multiply(void **state)
{
    (void)state;
    check((struct shape){ 1, { 5 } }, (struct shape){ 1, { 5 } });
    check((struct shape){ 3, { 2, 7, 8 } }, (struct shape){ 3, { 2, 7, 8 } }); /* 7 * 8 * 32: more than a block */
    check((struct shape){ 3, { 4, 3, 5 } }, (struct shape){ 1, { 4 } });
    check((struct shape){ 3, { 4, 3, 5 } }, (struct shape){ 3, { 4, 1, 1 } });
    check((struct shape){ 2, { 3, 6 } }, (struct shape){ 1, { 3 } });
}

static void test_what_does_not_fit(void **state)
{
    static const struct shape pairs[][2] = {
        { { 3, { 4, 3, 5 } }, { 3, { 4, 5, 3 } } },
        { { 3, { 4, 3, 5 } }, { 1, { 3 } } },
        { { 1, { 4 } }, { 3, { 4, 3, 5 } } },
        { { 3, { 4, 3, 5 } }, { 3, { 1, 3, 5 } } },
    };
    const struct layer layer = { .kind = layer_kind_find("multiply"), .input_count = 2 };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct layer_plan plan;
        struct reason why;

        assert_int_equal(layer_plan(&layer, pairs[i], &plan, &why), WISP_E_FORMAT);
        assert_non_null(strstr(why.text, "its inputs have different shapes"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multiply),
        cmocka_unit_test(test_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
