/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp show --kernels: each layer of a file is timed for each class of batches, and beside it its dense twin. How fast
 * anything is does not count here.
 */
#include "support/test.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "support/both_loops.h"
#include "support/command.h"
#include "system/alpha.h"

enum { CLASSES = 7 };

static struct outcome said;

static json_t *show(const char *model, const char *option)
{
    const struct command command = { .words = { "wisp", "show", model, "--json", option } };
    json_t *json;

    command_run(&command, &said);
    assert_string_equal(said.err, "");
    assert_int_equal(said.status, 0);
    json = json_loads(said.out, 0, NULL);
    assert_non_null(json);
    return json;
}

static void check_times(const json_t *model)
{
    const json_t *layers = json_object_get(model, "layers"), *layer, *time;
    unsigned twins = 0;
    const char *name;
    size_t i;

    assert_true(json_array_size(layers) > 1);
    json_array_foreach(layers, i, layer)
    {
        json_t *times = json_object_get(layer, "times");

        assert_int_equal(json_object_size(times), CLASSES);
        json_object_foreach(times, name, time)
        {
            assert_true(json_real_value(json_object_get(time, "us")) > 0);
            if (json_integer_value(json_object_get(layer, "potential")))
                assert_true(json_real_value(json_object_get(time, "dense_us")) > 0);
            else
                assert_null(json_object_get(time, "dense_us"));
        }
        twins += json_integer_value(json_object_get(layer, "potential")) > 0;
    }
    assert_true(twins > 0);
}

static void a_file_is_timed(void **state)
{
    json_t *model = show(bed.alpha, "--kernels");

    (void)state;
    check_times(model);
    json_decref(model);
    model = show(bed.alpha, NULL);
    assert_null(json_object_get(json_array_get(json_object_get(model, "layers"), 0), "times"));
    json_decref(model);
}

static void it_is_printed_for_a_person(void **state)
{
    const struct command command = { .words = { "wisp", "show", bed.alpha, "-k" } };

    (void)state;
    command_run(&command, &said);
    assert_int_equal(said.status, 0);
    assert_non_null(strstr(said.out, "5-7"));
    assert_non_null(strstr(said.out, " / "));
}

/* A convolution says how it is run, by samples. */
static void convolutions_say_how_they_run(void **state)
{
    static const char *const ways[] = { "tiles", "views",    "direct",   "dense8", "block8",
                                        "csr",   "window32", "window64", "sell16", "dense16" };
    json_t *model = show(source_path("models/clothes.safetensors"), NULL), *layers = json_object_get(model, "layers"),
           *layer, *value;
    size_t index, convolutions = 0, tiled = 0;
    const char *key;

    (void)state;
    json_array_foreach(layers, index, layer)
    {
        if (strcmp(json_string_value(json_object_get(layer, "kind")), "conv2d") != 0)
            continue;
        convolutions++;
        assert_string_equal(json_string_value(json_object_get(json_object_get(layer, "formats"), "1")),
                            json_string_value(json_object_get(layer, "kernel_one")));
        json_object_foreach(json_object_get(layer, "formats"), key, value)
        {
            bool known = false;

            for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
                known |= strstr(json_string_value(value), ways[w]) != NULL;
            assert_true(known);
            tiled += strstr(json_string_value(value), "tiles") != NULL;
        }
    }
    assert_true(convolutions > 1);
    assert_true(tiled > 0);
    json_decref(model);
}

/* Rectifiers have no call of their own: the layer before each does it. */
static void layers_say_what_they_end_with(void **state)
{
    json_t *model = show(source_path("models/clothes.safetensors"), NULL), *layers = json_object_get(model, "layers"),
           *layer;
    size_t index, ends = 0, rectifiers = 0;

    (void)state;
    json_array_foreach(layers, index, layer)
    {
        const json_t *behind = json_array_get(layers, index + 1);
        const json_t *last = json_array_get(json_object_get(layer, "ends_with"), 0);

        rectifiers += !strcmp(json_string_value(json_object_get(layer, "kind")), "relu");
        if (!last)
            continue;
        ends++;
        assert_string_equal(json_string_value(json_object_get(behind, "kind")), "relu");
        assert_string_equal(json_string_value(last), json_string_value(json_object_get(behind, "name")));
    }
    assert_true(ends > 1);
    assert_int_equal(ends, rectifiers);
    json_decref(model);
}

static void what_is_served_is_not_timed(void **state)
{
    const struct command command = { .words = { "wisp", "show", "image", "-k" } };

    (void)state;
    command_run(&command, &said);
    assert_int_equal(said.status, 2);
    assert_non_null(strstr(said.err, "give its path"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_timed),
        cmocka_unit_test(it_is_printed_for_a_person),
        cmocka_unit_test(convolutions_say_how_they_run),
        cmocka_unit_test(layers_say_what_they_end_with),
        cmocka_unit_test(what_is_served_is_not_timed),
    };

    loop_now = "auto"; /* nothing here depends on it */
    return cmocka_run_group_tests(tests, bed_make, bed_remove);
}
