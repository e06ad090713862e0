/* SPDX-License-Identifier: Apache-2.0
 *
 * The models that ship: what their files hold is what models.json and the cards say. With WISP_DATA (a folder with the
 * data sets that docs/training.md names) their accuracy is measured again, too.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/size.h"
#include "media/spec/media.h"
#include "process.h"
#include "sparse/file/model_file.h"
#include "support/test.h"

static const struct {
    const char *name, *processing;
    double sparsity, min;
    uint32_t outputs;
    const char *data, *columns;
} shipped[] = {
    { "fashion", "image.classification", 0.95, 0.889, 10, "fashion-mnist", "" },
    { "langid", "text.classification", 0.9, 0.98, 20, "langid-pud", " --label-column 1 --text-column 3" },
    { "digits", "audio.recognition", 0.9, 0.95, 10, NULL, NULL }, /* its test set is made by scripts/make-models */
};

static const char *file_of(const char *name, const char *ending)
{
    char relative[64];

    snprintf(relative, sizeof relative, "models/%s%s", name, ending);
    return source_path(relative);
}

static double number(const json_t *object, const char *key)
{
    if (!json_is_number(json_object_get(object, key)))
        fail_msg("models.json has no number '%s'", key);
    return json_number_value(json_object_get(object, key));
}

static void test_files_are_what_the_figures_say(void **state)
{
    json_t *all = json_load_file(source_path("models/models.json"), 0, NULL);

    (void)state;
    assert_non_null(all);
    assert_int_equal(json_object_size(all), ARRAY_SIZE(shipped));
    for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
        const json_t *figures = json_object_get(all, shipped[i].name);
        struct media *media;
        struct model *model;
        struct stat status;
        struct reason why;

        assert_non_null(figures);
        assert_int_equal(stat(file_of(shipped[i].name, ".safetensors"), &status), 0);
        assert_int_equal(status.st_size, number(figures, "bytes"));
        assert_true(status.st_size < 2000000);
        assert_true(number(figures, "accuracy") >= shipped[i].min);
        assert_ok(model_read(file_of(shipped[i].name, ".safetensors"), &model, &why), why);
        assert_string_equal(model->name, shipped[i].name);
        assert_string_equal(model->processing, shipped[i].processing);
        assert_int_equal(model->label_count, shipped[i].outputs);
        assert_int_equal(model_connections(model), number(figures, "connections"));
        assert_int_equal(model_potential(model), number(figures, "potential"));
        assert_true(fabs(1 - (double)model_connections(model) / (double)model_potential(model) - shipped[i].sparsity) <
                    1e-5);
        assert_ok(media_parse(model->media, &media, &why), why);
        assert_int_equal(media_elements(media), shape_elements(&model->signature.inputs[0].shape));
        media_free(media);
        model_free(model);
    }
    json_decref(all);
}

static void test_cards_have_the_figures(void **state)
{
    json_t *all = json_load_file(source_path("models/models.json"), 0, NULL);

    (void)state;
    assert_non_null(all);
    for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
        const json_t *figures = json_object_get(all, shipped[i].name);
        char row[96];
        size_t size;
        char *card = slurp(file_of(shipped[i].name, ".md"), &size);

        snprintf(row, sizeof row, "| test accuracy | %.2f %%", 100 * number(figures, "accuracy"));
        assert_non_null(strstr(card, row));
        snprintf(row, sizeof row, "| dense network, same shape and recipe | %.2f %%",
                 100 * number(figures, "dense_accuracy"));
        assert_non_null(strstr(card, row));
        assert_non_null(strstr(card, "Rebuild: "));
        free(card);
    }
    json_decref(all);
}

/* On the same test set the same accuracy; on another one (some hold only a part of it) still the floor. */
static void check(const json_t *measured, const json_t *figures, double min)
{
    const char *hash = json_string_value(json_object_get(measured, "data_hash"));

    assert_non_null(hash);
    if (!strcmp(hash, json_string_value(json_object_get(figures, "test_hash"))))
        assert_true(fabs(number(measured, "accuracy") - number(figures, "accuracy")) < 1e-9);
    assert_true(number(measured, "accuracy") >= min);
}

static void test_accuracy_is_what_was_written_down(void **state)
{
    const char *data = getenv("WISP_DATA"), *folder;
    json_t *all;

    (void)state;
    if (!data)
        skip();
    folder = scratch_make();
    all = json_load_file(source_path("models/models.json"), 0, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
        static struct ran ran;
        char command[1024];
        json_t *result;

        if (!shipped[i].data)
            continue;
        snprintf(command, sizeof command, "eval %s --data %s/%s%s --json", file_of(shipped[i].name, ".safetensors"),
                 data, shipped[i].data, shipped[i].columns);
        forge_run(&ran, folder, command);
        if (ran.status)
            fail_msg("%s", ran.err);
        result = json_loads(ran.out, 0, NULL);
        check(result, json_object_get(all, shipped[i].name), shipped[i].min);
        json_decref(result);
    }
    json_decref(all);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_what_the_figures_say),
        cmocka_unit_test(test_cards_have_the_figures),
        cmocka_unit_test(test_accuracy_is_what_was_written_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
