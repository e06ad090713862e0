/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/experiment/semi.h"
#include "base/size.h"
#include "forge/unlabelled/opinions.h"

void semi_option_rows(struct option_table *table, struct semi *semi)
{
    *semi = (struct semi){ .rounds = 2, .passes = 5, .agreement = 0.8 };
    option_count(table, "labelled", 0, &semi->labelled, "N", "use so many labels of the data; the rest is unlabelled",
                 1, UINT32_MAX);
    option_count(table, "rounds", 0, &semi->rounds, "R", "trainings on labels of the model's own, after the first; 2",
                 0, 100)
        ->given = &semi->rounds_given;
    option_count(table, "passes", 0, &semi->passes, "P", "times that a model sees each unlabelled sample; 5", 1,
                 OPINION_PASSES_MAX)
        ->given = &semi->passes_given;
    option_real(table, "agreement", 0, &semi->agreement, "F", "fraction of them that must say the same; 0.8", 0, 1)
        ->given = &semi->agreement_given;
}

int semi_check_options(const struct semi *semi, const struct experiment_options *o, const struct recipe_options *recipe,
                       struct reason *why)
{
    const bool wanted = semi->labelled || o->unlabelled;

    if (wanted && o->teacher)
        return refuse(why, WISP_E_INVALID,
                      "--teacher learns from all samples without labels; --labelled and --unlabelled are for training "
                      "without one");
    if (!wanted &&
        (semi->rounds_given || semi->passes_given || semi->agreement_given || recipe->recipe.disagreement > 0))
        return refuse(why, WISP_E_INVALID,
                      "--rounds, --passes, --agreement and --disagreement are for samples without labels: name them by "
                      "--unlabelled, "
                      "or use some of the labels only by --labelled");
    if (wanted && recipe->recipe.halving)
        return refuse(why, WISP_E_INVALID,
                      "--halving compares candidates within one training, and samples without labels take several");
    return 0;
}

/* docs/results/semi.md has what each is worth; flips are left out, since not everything may be mirrored. */
static const struct augment strong = {
    .amount = { [AUGMENT_SHIFT] = 1, [AUGMENT_CUTOUT] = 0.3, [AUGMENT_GRAIN] = 30, [AUGMENT_COLOUR] = 0.3 }
};

#define CONFIDENCE 0.7
#define AVERAGE    0.999

enum { UPDATES = 2500, BATCH = 64 };

static void learn_what_is_sure(struct recipe_options *options, struct recipe *recipe)
{
    recipe->disagreement = 1;
    recipe->confidence = recipe->confidence > 0 ? recipe->confidence : CONFIDENCE;
    if (!options->strong)
        recipe->strong = strong;
    if (!options->average) {
        recipe->average = (struct average){ AVERAGE_EMA, AVERAGE };
        recipe->mean_teacher = true;
    }
    if (!options->batch_given)
        recipe->batch = BATCH;
    if (!options->epochs_given && !recipe->steps)
        recipe->steps = UPDATES;
    options->batch_given = true;
}

void semi_settle(struct semi *semi, const struct experiment *s, struct recipe_options *options, struct recipe *recipe)
{
    const bool wanted = semi->labelled || s->data->rest;
    const bool rounds = semi->rounds_given || semi->passes_given || semi->agreement_given;

    if (!wanted || rounds || s->data->kind != MEDIA_IMAGE)
        return;
    semi->rounds = 0;
    if (recipe->disagreement == 0)
        learn_what_is_sure(options, recipe);
    options->recipe = *recipe;
}

static size_t classes_with_samples(const struct dataset *data, size_t samples)
{
    size_t found = 0;

    for (size_t c = 0; c < data->label_count; c++) {
        for (size_t i = 0; i < samples; i++) {
            if (data->classes[i] == c) {
                found++;
                break;
            }
        }
    }
    return found;
}

int semi_check(const struct semi *semi, const struct experiment *s, struct reason *why)
{
    const size_t known = s->data->rest ? s->data->own : s->data->count;
    const size_t classes = classes_with_samples(s->data, known);

    if (!semi->labelled && !s->data->rest)
        return 0;
    if (s->loss->targets != TARGETS_CLASS || shape_elements(model_output(s->model)) != s->data->label_count)
        return refuse(
            why, WISP_E_INVALID,
            "--labelled and --unlabelled are for one class of several a sample: end the network in a softmax");
    if (semi->labelled > known)
        return refuse(why, WISP_E_INVALID, "--labelled %llu: the data have %zu labels",
                      (unsigned long long)semi->labelled, known);
    if (semi->labelled && semi->labelled < classes)
        return refuse(why, WISP_E_INVALID, "--labelled %llu: there are %zu classes, and each needs a label",
                      (unsigned long long)semi->labelled, classes);
    if (semi->labelled == known && !s->data->rest && (semi->rounds || !semi->rounds_given))
        return refuse(why, WISP_E_INVALID, "--labelled %zu: these are all samples, and none is without a label", known);
    return 0;
}

json_t *semi_json(const struct semi *semi, const struct split *split)
{
    const size_t labelled = split->train_count + split->validation_count;

    return json_pack("{s:I s:I s:I s:I s:f}", "labelled", (json_int_t)labelled, "unlabelled",
                     (json_int_t)split->unlabelled_count, "rounds", (json_int_t)semi->rounds, "passes",
                     (json_int_t)semi->passes, "agreement", semi->agreement);
}
