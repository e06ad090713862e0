/* SPDX-License-Identifier: Apache-2.0
 *
 * The models that ship: what their files hold is what models.json and the cards say. With WISP_DATA (a folder with the
 * data sets that docs/training.md names) the accuracy of some is measured again, too.
 */
#include <dirent.h>
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

enum { BYTES_MAX = 4000000, BYTES_MAX_ALL = 30000000 };

/* Whose accuracy is measured again here; the others' by scripts/make-models --check. */
static const struct {
    const char *name, *data, *columns;
} measured[] = {
    { "fashion", "fashion-mnist", "" },
    { "langid", "langid-pud", " --label-column 1 --text-column 3" },
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

static const char *word(const json_t *object, const char *key)
{
    if (!json_is_string(json_object_get(object, key)))
        fail_msg("models.json has no string '%s'", key);
    return json_string_value(json_object_get(object, key));
}

/* The figures of the sparsity that ships. */
static const json_t *row_that_ships(const json_t *figures)
{
    const double sparsity = number(figures, "sparsity");
    const char *key;
    json_t *row;

    json_object_foreach(json_object_get(figures, "rows"), key, row)
    {
        if (fabs(strtod(key, NULL) - sparsity) < 1e-9)
            return row;
    }
    fail_msg("models.json has no row of sparsity %g", sparsity);
    return NULL;
}

static bool as_good(const json_t *figures, double value, double limit)
{
    return json_is_true(json_object_get(figures, "more_is_better")) ? value >= limit : value <= limit;
}

static void check_file(const char *name, const json_t *figures)
{
    const json_t *row = row_that_ships(figures);
    struct media *media;
    struct model *model;
    struct reason why;

    assert_ok(model_read(file_of(name, ".safetensors"), &model, &why), why);
    assert_string_equal(model->name, name);
    assert_string_equal(model->processing, word(figures, "processing"));
    assert_int_equal(model_connections(model), number(row, "connections"));
    assert_int_equal(model_potential(model), number(row, "potential"));
    assert_true(fabs(1 - (double)model_connections(model) / (double)model_potential(model) -
                     number(figures, "sparsity")) < 2e-4);
    assert_ok(media_parse(model->media, &media, &why), why);
    assert_int_equal(media_elements(media), shape_elements(&model->signature.inputs[0].shape));
    media_free(media);
    model_free(model);
}

static void test_files_are_what_the_figures_say(void **state)
{
    json_t *all = json_load_file(source_path("models/models.json"), 0, NULL), *figures;
    const char *name;
    double bytes = 0;

    (void)state;
    assert_non_null(all);
    json_object_foreach(all, name, figures)
    {
        struct stat status;

        assert_int_equal(stat(file_of(name, ".safetensors"), &status), 0);
        assert_int_equal(status.st_size, number(row_that_ships(figures), "bytes"));
        assert_true(status.st_size <= BYTES_MAX);
        bytes += (double)status.st_size;
        assert_true(as_good(figures, number(figures, "value"), number(figures, "floor")));
        check_file(name, figures);
    }
    assert_true(bytes <= BYTES_MAX_ALL);
    json_decref(all);
}

/* One of each processing type, at least half of whose connections are left out. */
static void test_each_type_has_a_model(void **state)
{
    static const char *const types[] = {
        "image.classification", "image.enhancement", "image.denoising",  "image.super-resolution",
        "image.segmentation",   "image.compression", "image.style",      "image.generation",
        "text.classification",  "text.semantics",    "text.translation", "text.summarisation",
        "text.keywords",        "audio.recognition", "audio.denoising",  "audio.synthesis",
    };
    json_t *all = json_load_file(source_path("models/models.json"), 0, NULL), *figures;
    const char *name;

    (void)state;
    assert_non_null(all);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        bool found = false;

        json_object_foreach(all, name, figures)
        {
            found |= !strcmp(word(figures, "processing"), types[i]) && number(figures, "sparsity") >= 0.5;
        }
        if (!found)
            fail_msg("no model is for %s", types[i]);
    }
    json_decref(all);
}

/* Each model that ships has figures, and the other way round. */
static void test_every_file_has_figures(void **state)
{
    json_t *all = json_load_file(source_path("models/models.json"), 0, NULL);
    DIR *folder = opendir(source_path("models"));
    size_t files = 0;

    (void)state;
    assert_non_null(all);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        const char *ending = strstr(entry->d_name, ".safetensors");
        char name[256];

        if (!ending)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(ending - entry->d_name), entry->d_name);
        if (!json_object_get(all, name))
            fail_msg("models.json has nothing of %s", entry->d_name);
        files++;
    }
    closedir(folder);
    assert_int_equal(files, json_object_size(all));
    json_decref(all);
}

static void card_has(const char *name, const char *card, const char *text)
{
    if (!strstr(card, text))
        fail_msg("models/%s.md does not say '%s'", name, text);
}

static void test_cards_have_the_figures(void **state)
{
    json_t *all = json_load_file(source_path("models/models.json"), 0, NULL), *figures;
    const char *name;

    (void)state;
    assert_non_null(all);
    json_object_foreach(all, name, figures)
    {
        char row[256];
        size_t size;
        char *card = slurp(file_of(name, ".md"), &size);

        if (!strcmp(word(figures, "metric"), "accuracy")) {
            snprintf(row, sizeof row, "| test accuracy | %.2f %%", 100 * number(figures, "value"));
            card_has(name, card, row);
        }
        snprintf(row, sizeof row, "| file | %lld,", (long long)(number(row_that_ships(figures), "bytes") / 1000));
        if (number(row_that_ships(figures), "bytes") < 1e6)
            card_has(name, card, row);
        snprintf(row, sizeof row, "| licence | %s |", word(figures, "licence"));
        card_has(name, card, row);
        card_has(name, card, "| baseline: ");
        card_has(name, card, "Rebuild: ");
        free(card);
    }
    json_decref(all);
}

/* On the same test set the same accuracy; on another one (some hold only a part of it) still the floor. */
static void check(const json_t *result, const json_t *figures)
{
    if (!strcmp(word(result, "data_hash"), word(row_that_ships(figures), "test_hash")))
        assert_true(fabs(number(result, "accuracy") - number(figures, "value")) < 1e-9);
    assert_true(number(result, "accuracy") >= number(figures, "floor"));
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
    for (size_t i = 0; i < ARRAY_SIZE(measured); i++) {
        static struct ran ran;
        char command[1024];
        json_t *result;

        snprintf(command, sizeof command, "eval %s --data %s/%s%s --json", file_of(measured[i].name, ".safetensors"),
                 data, measured[i].data, measured[i].columns);
        forge_run(&ran, folder, command);
        if (ran.status)
            fail_msg("%s", ran.err);
        result = json_loads(ran.out, 0, NULL);
        check(result, json_object_get(all, measured[i].name));
        json_decref(result);
    }
    json_decref(all);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_what_the_figures_say),
        cmocka_unit_test(test_each_type_has_a_model),
        cmocka_unit_test(test_every_file_has_figures),
        cmocka_unit_test(test_cards_have_the_figures),
        cmocka_unit_test(test_accuracy_is_what_was_written_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
