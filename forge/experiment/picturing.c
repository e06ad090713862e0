/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/json/json_memory.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/data/pairs/pairs.h"
#include "forge/data/pairs/partners.h"
#include "forge/experiment/picturing.h"
#include "forge/plan/lineage.h"
#include "sparse/graph/halves.h"

/* What goes without saying for a processing type whose answers are pictures. */
static const struct picture_type {
    const char *type;
    const char *loss;    /* NULL: what suits the last layer */
    const char *degrade; /* of pictures that have no partners; NULL: they have */
    bool whole;          /* a picture goes through in one, for what it shows is one thing */
} types[] = {
    { "image.enhancement", NULL, "dark=0.25", false },
    { "image.denoising", NULL, "noise=25", false },
    { "image.super-resolution", "l1", "small=2", false },
    { "image.segmentation", NULL, NULL, false },
    { "image.style", NULL, "oil=4", false },
    { "image.generation", NULL, "drawing=1", true },
    { "image.compression", "mse", "none", false },
};

/* NULL: nothing does. */
static const struct picture_type *find_type(const char *processing)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (!strcmp(types[i].type, processing))
            return &types[i];
    }
    return NULL;
}

/* Tiles are turned when they are learned, so they are squares. */
static bool restores(const struct experiment *s)
{
    const struct picture_type *type = find_type(s->model->processing);

    return s->pictures && type && !type->whole && s->loss->targets == TARGETS_NUMBERS &&
           s->data->pairs->width == s->data->pairs->height;
}

void picturing_settle(const struct experiment *s, struct recipe_options *options)
{
    options->pictures = s->pictures || s->sounds;
    options->compresses = s->pictures && model_has_halves(s->model);
    options->restores = restores(s);
}

const struct loss *picturing_loss(const char *processing)
{
    const struct picture_type *type = find_type(processing);

    return type && type->loss ? loss_find(type->loss) : NULL;
}

static const struct layer_kind *last_kind(const struct model *model)
{
    return model->layers[model->layer_count - 1].kind;
}

bool picturing_is(const struct experiment *s)
{
    const struct shape *in = &s->model->signature.inputs[s->words.source].shape, *out = model_output(s->model);

    return !s->teacher && (s->loss->targets == TARGETS_NUMBERS || s->loss->targets == TARGETS_SET) &&
           last_kind(s->model)->distribution != DISTRIBUTION_CATEGORICAL && in->rank == 3 && out->rank == 3 &&
           out->dimension[1] * out->dimension[2] > 1;
}

static bool is_picture(const json_t *object)
{
    const char *answer = json_string_value(json_object_get(object, "answer"));

    return answer && !strcmp(answer, "picture");
}

/* What a sigmoid gives is of 0 to 1, as bytes are without mean and deviation. */
static void say_answer(const struct experiment *s, json_t *object)
{
    const bool mask = s->loss->targets == TARGETS_SET;

    json_object_set_new(object, "answer", json_string(mask ? "mask" : "picture"));
    if (mask || last_kind(s->model)->distribution != DISTRIBUTION_BERNOULLI || json_object_get(object, "mean"))
        return;
    json_object_set_new(object, "mean", json_integer(0));
    json_object_set_new(object, "deviation", json_integer(1));
}

/* The answer is said, and the loss follows it, or fits it. */
static int follow_answer(struct experiment *s, const struct experiment_options *o, const json_t *object,
                         struct reason *why)
{
    if (!o->loss && is_picture(object) && s->loss->targets == TARGETS_SET)
        s->loss = loss_find("mse");
    if (!is_picture(object) || s->loss->targets == TARGETS_NUMBERS)
        return 0;
    return refuse(why, WISP_E_INVALID,
                  "--loss %s is of masks, but %s says of itself that it gives pictures; --loss mse or l1 are of "
                  "those, or --media says what it is to give",
                  s->loss->name, o->model);
}

/* Of what network's answers is put together from tiles, the description says so. */
static void say_fit(const struct experiment *s, json_t *object)
{
    const struct picture_type *type = find_type(s->model->processing);

    if (!json_object_get(object, "fit") && (!type || !type->whole))
        json_object_set_new(object, "fit", json_string("tiles"));
}

int picturing_describe(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    cleanup_json json_t *object = json_from_string(s->model->media, 0, NULL);
    const char *answer = json_string_value(json_object_get(object, "answer"));
    int result = 0;
    char *text;

    if (!object)
        return 0;
    if (answer && strcmp(answer, "none") != 0)
        result = follow_answer(s, o, object, why);
    else
        say_answer(s, object);
    if (result)
        return result;
    say_fit(s, object);
    text = json_to_text(object, JSON_FORM);
    if (!text)
        return refuse_errno(why, -ENOMEM, "media");
    free(s->model->media);
    s->model->media = text;
    return 0;
}

/* How many times as high and wide as its input the model's picture is. */
static int find_scale(const struct experiment *s, const struct experiment_options *o, uint32_t *scale,
                      struct reason *why)
{
    const struct shape *in = &s->model->signature.inputs[s->words.source].shape, *out = model_output(s->model);
    const uint32_t *i = in->dimension, *k = out->dimension;

    *scale = k[1] / i[1];
    if (k[0] != 1 && k[0] != 3)
        return refuse(why, WISP_E_FORMAT, "%s gives %u channels; a picture has 1 or 3", o->model, k[0]);
    if (!*scale || k[1] != *scale * i[1] || k[2] != *scale * i[2])
        return refuse(why, WISP_E_FORMAT,
                      "%s gives %u x %u pixels for %u x %u; pairs of pictures have one size, or the target a whole "
                      "number of times that of the input",
                      o->model, k[2], k[1], i[2], i[1]);
    return 0;
}

/* What was asked for; or, of pictures of which none is said to be one of a pair, what their type is there to undo. */
static const char *choose_degradation(const struct experiment *s, const struct experiment_options *o,
                                      const struct dataset *set, const char *root)
{
    const struct picture_type *type = find_type(s->model->processing);

    if (o->degrade || !type || !type->degrade || partners_are_named(set, root))
        return o->degrade;
    if (!o->quiet)
        warn_user(s->verb, "the pictures are no pairs: they are made into them by --degrade %s, as for %s",
                  type->degrade, type->type);
    return type->degrade;
}

/* A target would be taken for one more picture, of which an input is made. */
static int check_alone(const struct experiment_options *o, const struct dataset *set, const char *root,
                       struct reason *why)
{
    struct partners both;

    if (!o->degrade || !partners_are_there(set, root, &both))
        return 0;
    return refuse(
        why, WISP_E_INVALID,
        "--degrade makes inputs of pictures that have none, and %s stands beside %s: leave it out, or name the "
        "folder of one of both",
        set->names[both.target], set->names[both.input]);
}

static int read_degradation(const struct experiment_options *o, const char *how, struct pairs_wish *wish,
                            struct reason *why)
{
    uint32_t made;
    int result = how ? degradation_parse(how, &wish->degrading, why) : 0;

    if (result || !how)
        return result;
    made = degradation_scale(&wish->degrading);
    if (made == wish->scale)
        return 0;
    return refuse(why, WISP_E_INVALID,
                  "--degrade %s: its inputs have 1/%u of the size, but %s gives %u times what it takes", how, made,
                  o->model, wish->scale);
}

static bool has_inputs_size(const struct experiment *s)
{
    const struct shape *in = &s->model->signature.inputs[s->words.source].shape;
    uint32_t dimensions[4];

    media_shape(s->media, dimensions);
    return dimensions[0] == in->dimension[0] && dimensions[1] == in->dimension[1] && dimensions[2] == in->dimension[2];
}

int picturing_pair(const struct experiment *s, const struct experiment_options *o, struct dataset *set,
                   struct reason *why)
{
    struct pairs_wish wish = { .media = s->media,
                               .channels = model_output(s->model)->dimension[0],
                               .skip_bad = o->skip_bad };
    size_t length = strlen(o->data);
    cleanup_free char *root = NULL;
    int result;

    if (!has_inputs_size(s))
        return refuse(why, WISP_E_FORMAT, "%s: its media description is of pictures of another form than its input",
                      o->model);
    while (length > 1 && o->data[length - 1] == '/')
        length--;
    wish.root = root = strndup(o->data, length);
    if (!root)
        return refuse_errno(why, -ENOMEM, "%s", o->data);
    result = check_alone(o, set, root, why);
    if (!result)
        result = find_scale(s, o, &wish.scale, why);
    if (!result)
        result = read_degradation(o, choose_degradation(s, o, set, root), &wish, why);
    if (result)
        return result;
    result = pairs_make(set, &wish, why);
    return result ? refuse_in(why, result, "%s (%s)", o->data, o->split) : 0;
}
