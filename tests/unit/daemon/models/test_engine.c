/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine is made of a model's file, whatever is remembered of that model.
 */
#include "support/test.h"

#include <stdio.h>

#include "base/size.h"
#include "daemon/models/engine.h"
#include "sparse/file/model_file.h"
#include "sparse/kernels/choice_cache.h"
#include "support/model.h"

enum { BATCH = 32 };

/* A picture's, and a text's, whose first layer takes what is not 0 of its many features. */
static const struct model_recipe recipes[] = {
    { .name = "small", .processing = "image.classification", .sizes = { 700, 900, 10 }, .density = 0.3, .seed = 1 },
    { .name = "wide", .processing = "text.topic", .sizes = { 32768, 4, 2 }, .density = 0.01, .seed = 2 },
};

/* As if it had been measured before: what runs its batches all the same has memory for them. */
static void remember_apart(struct choice_cache *choices, const struct kernels *kernels, const char *path)
{
    struct model *model = NULL;
    struct reason why;

    assert_ok(model_read(path, &model, &why), why);
    choice_cache_add_apart(choices, kernels, &(struct apart_key){ model->identity, HALF_ENCODER, BATCH });
    model_free(model);
}

static void whatever_is_remembered_it_is_made(void **state)
{
    const struct kernels *kernels = kernels_find("auto");
    const char *folder = scratch_make();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(recipes); i++) {
        char path[300];
        struct engine_setup setup = {
            .path = path, .half = HALF_ENCODER, .batch_max = BATCH, .shards = 2, .threads = 1, .kernels = kernels
        };
        struct engine *engine = NULL;
        struct reason why;
        bool shared;

        snprintf(path, sizeof path, "%s/%s.safetensors", folder, recipes[i].name);
        model_make(path, &recipes[i]);
        assert_int_equal(choice_cache_open(NULL, &setup.choices), 0);
        remember_apart(setup.choices, kernels, path);
        assert_ok(engine_get(&setup, &engine, &shared, &why), why);
        assert_false(shared);
        assert_int_equal(engine->runner_count, 2);
        assert_true(i || forward_is_apart(engine->runners->forward));
        engine_release(engine);
        choice_cache_free(setup.choices);
    }
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(whatever_is_remembered_it_is_made) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
