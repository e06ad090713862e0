/* SPDX-License-Identifier: Apache-2.0
 *
 * pixel_shuffle, and pixel_unshuffle, which takes apart what it makes.
 */
#include <string.h>

#include "harness.h"
#include "support/test.h"

/* out[c][y * r + i][x * r + j] = in[(c * r + i) * r + j][y][x] */
static void reference(const struct reference_run *run)
{
    const struct shape *in = &run->inputs[0];
    const size_t r = (size_t)run->layer->parameters[0], height = in->dimension[1], width = in->dimension[2];

    for (size_t e = 0; e < shape_elements(in); e++) {
        size_t c = e / (height * width) / (r * r), i = e / (height * width) / r % r, j = e / (height * width) % r;
        size_t y = e / width % height, x = e % width, to = (c * height * r + y * r + i) * width * r + x * r + j;

        for (size_t b = 0; b < run->batch; b++)
            run->out[to * run->batch + b] = run->in[0][e * run->batch + b];
    }
}

/* out[(c * r + i) * r + j][y][x] = in[c][y * r + i][x * r + j] */
static void reference_apart(const struct reference_run *run)
{
    const struct shape *out = &run->layer->shape;
    const size_t r = (size_t)run->layer->parameters[0], height = out->dimension[1], width = out->dimension[2];

    for (size_t e = 0; e < shape_elements(out); e++) {
        size_t c = e / (height * width) / (r * r), i = e / (height * width) / r % r, j = e / (height * width) % r;
        size_t y = e / width % height, x = e % width, from = (c * height * r + y * r + i) * width * r + x * r + j;

        for (size_t b = 0; b < run->batch; b++)
            run->out[e * run->batch + b] = run->in[0][from * run->batch + b];
    }
}

static void test_pixel_unshuffle(void **state)
{
    (void)state;
    for (uint32_t factor = 1; factor <= 3; factor++)
        check_layer(&(struct layer_case){ .kind = "pixel_unshuffle",
                                          .parameters = { factor },
                                          .inputs = { { 3, { 2, 3 * factor, 5 * factor } } },
                                          .input_count = 1,
                                          .reference = reference_apart });
}

static void test_pixel_shuffle(void **state)
{
    (void)state;
    for (uint32_t factor = 1; factor <= 3; factor++)
        check_layer(&(struct layer_case){ .kind = "pixel_shuffle",
                                          .parameters = { factor },
                                          .inputs = { { 3, { 2 * factor * factor, 3, 5 } } },
                                          .input_count = 1,
                                          .reference = reference });
}

static void test_what_does_not_fit(void **state)
{
    const struct layer layer = { .kind = layer_kind_find("pixel_shuffle"), .parameters = { 3 }, .input_count = 1 };
    const struct layer apart = { .kind = layer_kind_find("pixel_unshuffle"), .parameters = { 3 }, .input_count = 1 };
    const struct shape shape = { 3, { 12, 4, 4 } };
    struct layer_plan plan;
    struct reason why;

    (void)state;
    assert_int_equal(layer_plan(&layer, &shape, &plan, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "12 channels are no multiple of 9, its factor 3 squared"));
    assert_int_equal(layer_plan(&apart, &shape, &plan, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "4 x 4 pixels are no squares of 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixel_shuffle),
        cmocka_unit_test(test_pixel_unshuffle),
        cmocka_unit_test(test_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
