/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json/json_memory.h"
#include "forge/adversary/adversary.h"
#include "forge/experiment/opposing.h"
#include "forge/plan/assemble.h"
#include "forge/plan/lineage.h"
#include "sparse/file/model_file.h"

void opposing_option_rows(struct option_table *table, struct experiment_options *options)
{
    option_text(table, "adversary", 0, &options->adversary, "MODEL",
                "a second network, that learns to tell what is made from what the data say");
    option_text(table, "save-adversary", 0, &options->save_adversary, "FILE", "what became of it; if absent, nothing");
}

static void find_noise(const struct signature *signature, struct batches_noise *out)
{
    *out = (struct batches_noise){ .drawn = false };
    for (uint32_t i = 0; i < signature->input_count; i++) {
        if (!strcmp(signature->inputs[i].name, "noise"))
            *out = (struct batches_noise){ true, signature->input_count == 1, i,
                                           shape_elements(&signature->inputs[i].shape) };
    }
}

static int check_options(const struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    if (o->save_adversary && !o->adversary)
        return refuse(why, WISP_E_INVALID, "--save-adversary needs --adversary, the network to train and save");
    if (o->adversary && (o->teacher || o->unlabelled))
        return refuse(why, WISP_E_INVALID,
                      "--adversary tells what is made from what the data say: leave out --teacher and --unlabelled");
    if (s->noise.alone && !o->trains)
        return refuse(why, WISP_E_FORMAT,
                      "%s makes samples of noise; data say of none what it should have been, so there is nothing to "
                      "evaluate",
                      o->model);
    if (s->noise.alone && !o->adversary)
        return refuse(why, WISP_E_INVALID,
                      "%s makes samples of noise, and learns that of another network alone: name one by --adversary",
                      o->model);
    if (s->noise.drawn && s->model->signature.input_count > 2)
        return refuse(why, WISP_E_FORMAT, "%s has %u inputs; data fill one beside noise", o->model,
                      s->model->signature.input_count);
    return 0;
}

int opposing_open(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    int result;

    find_noise(&s->model->signature, &s->noise);
    result = check_options(s, o, why);
    if (result || !o->adversary)
        return result;
    s->adversary_path = o->adversary;
    result = model_read(o->adversary, &s->adversary, why);
    return result ? refuse_in(why, result, "--adversary") : 0;
}

int opposing_loss(const struct experiment *s, const struct loss *wish, const struct loss **out, struct reason *why)
{
    const struct loss *none = loss_find("none");

    *out = s->noise.alone ? none : wish;
    if (wish == none && !s->adversary)
        return refuse(why, WISP_E_INVALID,
                      "--loss none leaves it to an --adversary what is learned, and there is none");
    if (s->noise.alone && wish && wish != none)
        return refuse(why, WISP_E_INVALID,
                      "--loss %s compares with what the data say, and of noise they say nothing; leave it out",
                      wish->name);
    return 0;
}

const struct model *opposing_described(const struct experiment *s, uint32_t *input)
{
    *input = s->noise.alone ? 0 : s->words.source;
    return s->noise.alone ? s->adversary : s->model;
}

/* What looks at single networks, or at labels. NULL: nothing. */
static const char *refused_option(const struct recipe_options *options, const struct recipe *recipe)
{
    return recipe->candidates > 1            ? "--candidates"
           : recipe->halving                 ? "--halving"
           : recipe->pruning.method          ? "--prune"
           : recipe->rate_auto               ? "--rate auto"
           : recipe->disagreement > 0        ? "--disagreement"
           : options->recipe.temperature > 0 ? "--temperature"
                                             : NULL;
}

/* Nobody can say which epoch was the best. */
static int settle_alone(const struct experiment *s, const struct recipe_options *options, struct recipe *recipe,
                        struct reason *why)
{
    const bool held = options->validation_given && recipe->validation > 0;

    if (recipe->patience || recipe->until_accuracy > 0 || held || (options->keep && !strcmp(options->keep, "best")))
        return refuse(why, WISP_E_INVALID,
                      "--loss none measures nothing on what is held back: leave out --validation, --keep best, "
                      "--patience and --until-accuracy; --steps, --minutes and --epochs end it");
    if (s->noise.alone && recipe->input_dropout > 0)
        return refuse(why, WISP_E_INVALID, "--input-dropout drops of what goes in, and that is noise");
    recipe->validation = 0;
    recipe->keep_last = true;
    return 0;
}

int opposing_settle(const struct experiment *s, const struct recipe_options *options, struct recipe *recipe,
                    struct reason *why)
{
    const char *refused = s->adversary ? refused_option(options, recipe) : NULL;

    if (!s->adversary && (recipe->adversarial > 0 || recipe->adversarial_loss))
        return refuse(why, WISP_E_INVALID, "--adversarial and --adversarial-loss are for an --adversary; name one");
    if (refused)
        return refuse(why, WISP_E_INVALID,
                      "%s is not for a network that is trained against an --adversary; leave it out", refused);
    if (!s->adversary)
        return 0;
    if (recipe->adversarial == 0)
        recipe->adversarial = 1;
    return s->loss == loss_find("none") ? settle_alone(s, options, recipe, why) : 0;
}

int opposing_begin(const struct experiment *s, struct trainer_setup *setup, struct model **model,
                   struct adversary **out, struct reason *why)
{
    int result = s->adversary ? model_read(s->adversary_path, model, why) : 0;

    if (result || !s->adversary)
        return result;
    if (setup->recipe->dense) /* two dense networks are what a pair of sparse ones is compared with */
        result = connect_model(*model, lineage_seed(*model), why);
    return result ? result : adversary_new(setup, *model, out, why);
}

int opposing_describe(const struct experiment *s, struct model *model, json_t *training)
{
    int result = 0;

    if (s->adversary)
        result = json_object_set_new(
            training, "adversary",
            json_pack("{s:s, s:s}", "name", s->adversary->name, "identity", s->adversary->identity));
    if (result || !s->noise.alone)
        return result ? -ENOMEM : 0;
    if (json_object_set_new(training, "media", json_from_string(model->media, 0, NULL)))
        return -ENOMEM;
    free(model->media);
    model->media = NULL;
    return 0;
}
