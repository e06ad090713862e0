/* SPDX-License-Identifier: Apache-2.0
 *
 * slice, along each axis: at the beginning, in the middle, at the end, and all of it.
 */
#include <string.h>

#include "harness.h"
#include "support/test.h"

enum { AXIS, BEGIN, COUNT };

static void reference_slice(const struct reference_run *run)
{
    const double *parameters = run->layer->parameters;
    const struct shape *in = &run->inputs[0];
    size_t to = 0;

    for (size_t e = 0; e < shape_elements(in); e++) {
        size_t index = e;

        for (uint32_t i = in->rank - 1; i > (uint32_t)parameters[AXIS]; i--)
            index /= in->dimension[i];
        index %= in->dimension[(uint32_t)parameters[AXIS]];
        if ((double)index < parameters[BEGIN] || (double)index >= parameters[BEGIN] + parameters[COUNT])
            continue;
        memcpy(run->out + to++ * run->batch, run->in[0] + e * run->batch, run->batch * sizeof *run->out);
    }
}

static void check(double axis, double begin, double count, struct shape shape)
{
    check_layer(&(struct layer_case){ .kind = "slice",
                                      .parameters = { axis, begin, count },
                                      .inputs = { shape },
                                      .input_count = 1,
                                      .reference = reference_slice });
}

static void test_axes(void **state)
{
    (void)state;
    check(0, 0, 3, (struct shape){ 2, { 8, 6 } });
    check(0, 5, 3, (struct shape){ 2, { 8, 6 } });
    check(0, 2, 1, (struct shape){ 1, { 4 } });
    check(1, 5, 1, (struct shape){ 2, { 8, 6 } });
    check(1, 1, 2, (struct shape){ 3, { 3, 4, 5 } });
    check(2, 3, 2, (struct shape){ 3, { 3, 4, 5 } });
    check(3, 0, 2, (struct shape){ 4, { 2, 3, 2, 2 } });
}

static void assert_refused(double axis, double begin, double count, const char *part)
{
    const struct layer_kind *kind = layer_kind_find("slice");
    const double parameters[LAYER_PARAMETERS_MAX] = { axis, begin, count };
    const struct shape shape = { 2, { 8, 6 } };
    struct layer_plan plan;
    struct reason why;

    assert_int_equal(kind->plan(parameters, &shape, 1, &plan, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, part));
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    assert_refused(2, 0, 1, "axis 2 is not one of its input's 2");
    assert_refused(0, 8, 1, "1 from 8 on are more than the 8 along axis 0");
    assert_refused(1, 4, 3, "3 from 4 on are more than the 6 along axis 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_axes), cmocka_unit_test(test_what_does_not_fit) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
