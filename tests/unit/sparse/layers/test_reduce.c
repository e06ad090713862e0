/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "harness.h"
#include "support/test.h"

enum { MEAN, SUM, LARGEST };
enum { POSITIONS, CHANNELS, ALL, HEIGHT, WIDTH };

/* Element by element: where each goes, by its coordinates. */
static void reference(const struct reference_run *run)
{
    const struct shape *in = &run->inputs[0], *out = &run->layer->shape;
    const size_t per_out = shape_elements(in) / shape_elements(out);
    const double by = run->layer->parameters[0];

    for (uint64_t i = 0; i < shape_elements(out) * run->batch; i++)
        run->out[i] = by == LARGEST ? -INFINITY : 0;
    for (uint64_t e = 0; e < shape_elements(in); e++) {
        uint64_t to = 0, left = e, at[SHAPE_RANK_MAX] = { 0 };

        for (uint32_t d = in->rank; d-- > 0; left /= in->dimension[d])
            at[d] = left % in->dimension[d];
        for (uint32_t d = 0; d < in->rank; d++)
            to = to * out->dimension[d] + MIN(at[d], out->dimension[d] - 1);
        for (size_t b = 0; b < run->batch; b++) {
            const double x = run->in[0][e * run->batch + b];
            double *y = &run->out[to * run->batch + b];

            *y = by == LARGEST ? fmax(*y, x) : by == SUM ? *y + x : *y + x / (double)per_out;
        }
    }
}

static void check(double by, double over, struct shape input)
{
    check_layer(&(struct layer_case){
        .kind = "reduce", .parameters = { by, over }, .inputs = { input }, .input_count = 1, .reference = reference });
}

static void test_reduce(void **state)
{
    (void)state;
    for (int by = MEAN; by <= LARGEST; by++) {
        for (int over = POSITIONS; over <= WIDTH; over++) {
            check(by, over, (struct shape){ 3, { 3, 4, 5 } });
            check(by, over, (struct shape){ 3, { 2, 3, 12 } }); /* inner runs of 36 * 32 floats: more than a stretch */
        }
        for (int over = POSITIONS; over <= ALL; over++) {
            check(by, over, (struct shape){ 2, { 3, 5 } });
            check(by, over, (struct shape){ 1, { 6 } });
        }
    }
}

static void test_shapes(void **state)
{
    static const struct {
        double over;
        struct shape in, out;
    } cases[] = {
        { POSITIONS, { 3, { 3, 4, 5 } }, { 3, { 3, 1, 1 } } }, { CHANNELS, { 3, { 3, 4, 5 } }, { 3, { 1, 4, 5 } } },
        { ALL, { 3, { 3, 4, 5 } }, { 3, { 1, 1, 1 } } },       { HEIGHT, { 3, { 3, 4, 5 } }, { 3, { 3, 1, 5 } } },
        { WIDTH, { 3, { 3, 4, 5 } }, { 3, { 3, 4, 1 } } },     { POSITIONS, { 2, { 3, 4 } }, { 2, { 3, 1 } } },
        { CHANNELS, { 2, { 3, 4 } }, { 2, { 1, 4 } } },        { POSITIONS, { 1, { 3 } }, { 1, { 3 } } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct layer layer = { .kind = layer_kind_find("reduce"),
                                     .parameters = { SUM, cases[i].over },
                                     .input_count = 1 };
        struct shape made;
        struct reason why;

        assert_ok(layer_shape(&layer, &cases[i].in, &made, &why), why);
        assert_true(shape_equal(&made, &cases[i].out));
    }
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    for (int over = HEIGHT; over <= WIDTH; over++) {
        const struct layer layer = { .kind = layer_kind_find("reduce"), .parameters = { SUM, over }, .input_count = 1 };
        const struct shape input = { 2, { 3, 4 } };
        struct shape made;
        struct reason why;

        assert_int_equal(layer_shape(&layer, &input, &made, &why), WISP_E_FORMAT);
        assert_non_null(strstr(why.text, "3 dimensions (channels, height, width), not of 2"));
    }
}

/* A NaN is the largest there is, wherever it stands. */
static void test_a_nan_is_not_swallowed(void **state)
{
    (void)state;
    for (size_t at = 0; at < 5; at++) {
        const struct layer layer = { .kind = layer_kind_find("reduce"),
                                     .parameters = { LARGEST, POSITIONS },
                                     .input_count = 1 };
        float x[] = { 1, 5, 2, 4, 3 }, y = 0;
        const struct tensor in = { .data = x, .shape = { 2, { 1, 5 } }, .elements = 5, .batch = 1 };
        const struct tensor out = { .data = &y, .shape = { 2, { 1, 1 } }, .elements = 1, .batch = 1 };
        const struct tensor *const list[] = { &in };

        x[at] = NAN;
        layer.kind->forward(
            &(struct layer_run){ .layer = &layer, .kernels = kernels_at(0), .in = list, .out = &out, .parts = 1 });
        assert_true(isnan(y));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_what_does_not_fit),
        cmocka_unit_test(test_a_nan_is_not_swallowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
