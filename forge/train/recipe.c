/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/size.h"
#include "forge/train/adversarial/adversarial_loss.h"
#include "forge/train/recipe.h"

void shuffle(uint32_t *numbers, size_t count, uint64_t seed, uint64_t stream)
{
    struct rng rng = rng_make(seed, stream);

    for (size_t i = count; i > 1; i--) {
        size_t j = rng_below(&rng, i);
        uint32_t swapped = numbers[i - 1];

        numbers[i - 1] = numbers[j];
        numbers[j] = swapped;
    }
}

float recipe_rate(const struct recipe *recipe, uint64_t step, uint64_t steps, uint64_t per_epoch)
{
    const struct schedule *schedule = recipe->schedule ? recipe->schedule : schedule_at(0);
    double warm = recipe->warmup * (double)per_epoch;

    if ((double)step < warm)
        return (float)(recipe->rate * schedule->first * (double)(step + 1) / (warm + 1));
    return (float)(recipe->rate * schedule->factor(((double)step - warm) / ((double)steps - warm)));
}

static const char *const averages[] = { [AVERAGE_EMA] = "ema", [AVERAGE_LAST] = "last" };

int average_parse(const char *text, struct average *out, struct reason *why)
{
    if (parse_amount(text, averages[AVERAGE_EMA], &out->amount) && out->amount > 0 && out->amount < 1)
        out->kind = AVERAGE_EMA;
    else if (parse_amount(text, averages[AVERAGE_LAST], &out->amount) && out->amount >= 1 && out->amount <= 1e6 &&
             out->amount == (double)(uint64_t)out->amount)
        out->kind = AVERAGE_LAST;
    else
        return refuse(why, WISP_E_INVALID,
                      "--average '%s': give ema=D, a factor a step between 0 and 1, or last=E, a number of epochs",
                      text);
    return 0;
}

static uint64_t steps_per_epoch(const struct recipe *recipe, size_t samples)
{
    return (samples + recipe->batch - 1) / recipe->batch;
}

uint64_t recipe_steps(const struct recipe *recipe, size_t samples)
{
    uint64_t all = recipe->epochs ? recipe->epochs * steps_per_epoch(recipe, samples) : UINT64_MAX;

    return recipe->steps ? MIN(recipe->steps, all) : all;
}

void recipe_fit(struct recipe *recipe, size_t samples)
{
    uint64_t steps = recipe_steps(recipe, samples), per_epoch = MAX(steps_per_epoch(recipe, samples), 1);

    recipe->epochs = (steps + per_epoch - 1) / per_epoch;
    if (recipe->warmup * (double)per_epoch >= (double)steps)
        recipe->warmup = 0;
}

static const struct adversarial_loss *adversarial_of(const struct recipe *recipe)
{
    return recipe->adversarial_loss ? recipe->adversarial_loss : adversarial_loss_at(0);
}

struct recipe recipe_bare(const struct recipe *recipe)
{
    struct recipe bare = *recipe;

    bare.minutes = bare.until_accuracy = 0;
    bare.patience = 0;
    bare.average.kind = AVERAGE_NONE;
    bare.regrowth.method = NULL;
    return bare;
}

json_t *recipe_json(const struct recipe *recipe)
{
    const struct optimizer *optimizer = recipe->optimizer ? recipe->optimizer : optimizer_at(0);
    const struct schedule *schedule = recipe->schedule ? recipe->schedule : schedule_at(0);
    json_t *object = json_pack(
        "{s:s s:I s:I s:f s:s s:f s:f s:s s:f s:f s:f s:f s:I}", "optimizer", optimizer->title, "epochs",
        (json_int_t)recipe->epochs, "batch", (json_int_t)recipe->batch, "rate", recipe->rate, "rate_by_density",
        rate_by_density_name(recipe->by_density), "momentum", recipe->momentum, "decay", recipe->decay, "schedule",
        schedule->name, "warmup", recipe->warmup, "label_smoothing", recipe->label_smoothing, "input_dropout",
        recipe->input_dropout, "validation", recipe->validation, "seed", (json_int_t)recipe->seed);

    if (object && recipe->steps)
        json_object_set_new(object, "steps", json_integer((json_int_t)recipe->steps));
    if (object && recipe->clip > 0)
        json_object_set_new(object, "clip", json_real(recipe->clip));
    if (object && recipe->disagreement > 0)
        json_object_set_new(object, recipe->mean_teacher ? "disagreement_with_average" : "disagreement",
                            json_real(recipe->disagreement));
    if (object && recipe->confidence > 0)
        json_object_set_new(object, "confidence", json_real(recipe->confidence));
    if (object && recipe->unlabelled_batches)
        json_object_set_new(object, "unlabelled_batches", json_integer((json_int_t)recipe->unlabelled_batches));
    if (object && augment_is_on(&recipe->strong))
        json_object_set_new(object, "strong_augment", augment_json(&recipe->strong));
    if (object && recipe->adversarial > 0)
        json_object_set_new(object, "adversarial",
                            json_pack("{s:f}", adversarial_of(recipe)->name, recipe->adversarial));
    if (object && recipe->temperature > 0)
        json_object_set_new(object, "temperature", json_real(recipe->temperature));
    if (object && recipe->average.kind)
        json_object_set_new(object, "average",
                            json_pack("{s:f}", averages[recipe->average.kind], recipe->average.amount));
    if (object && recipe->loss && recipe->loss != loss_at(0))
        json_object_set_new(object, "loss", json_string(recipe->loss->name));
    if (object && recipe->keep_last)
        json_object_set_new(object, "keep", json_string("last"));
    if (object && recipe->balance > BALANCE_NONE)
        json_object_set_new(object, "balance", json_string(balance_name(recipe->balance)));
    if (object && recipe->dense)
        json_object_set_new(object, "dense", json_true());
    if (object && recipe->pruning.method)
        json_object_set_new(object, "prune", pruning_json(&recipe->pruning));
    if (object && recipe->regrowth.method)
        json_object_set_new(object, "regrow", regrowth_json(&recipe->regrowth));
    if (object && augment_is_on(&recipe->augment))
        json_object_set_new(object, "augment", augment_json(&recipe->augment));
    return object;
}

void recipe_ends_json(const struct recipe *recipe, json_t *object)
{
    if (recipe->minutes > 0)
        json_object_set_new(object, "minutes", json_real(recipe->minutes));
    if (recipe->until_accuracy > 0)
        json_object_set_new(object, "until_accuracy", json_real(recipe->until_accuracy));
    if (recipe->patience)
        json_object_set_new(object, "patience", json_integer((json_int_t)recipe->patience));
    if (recipe->halving)
        json_object_set_new(object, "halving", json_true());
}

#define RATE_OF_ADAM_MAX 0.05

static const struct recipe usual = { .epochs = 10,
                                     .batch = 128,
                                     .seed = 1,
                                     .rate = 0.05,
                                     .momentum = 0.9,
                                     .decay = 5e-4,
                                     .by_density = RATE_BY_DENSITY_FULL,
                                     .warmup = 1,
                                     .validation = 0.1,
                                     .candidates = 1 };

static const struct augment as_they_are = { .amount = { 0 } };
static const struct augment varied = { .amount = {
                                           [AUGMENT_SPEED] = 0.1, [AUGMENT_NOISE] = 15, [AUGMENT_MASK] = 0.15 } };

static const struct augment turned = { .amount = { [AUGMENT_FLIP] = 0.5, [AUGMENT_TURN] = 0.75 } };

/* What suits which data; docs/training.md, docs/results/text.md and docs/results/sound.md have the measurements. A
 * text's tensor has length 1, spread over hundreds of features of which each batch has few: momentum by itself moves
 * their weights hardly at all at the rate that pictures take. By AdamW they are learned in few epochs, at whose end the
 * rate is 0; which of them is the best on a few hundred samples is chance, and a twentieth shows as well whether
 * anything was learned. Recordings are few, and of few voices: they are learned the same way, each varied anew in every
 * epoch. Pictures that are answered with pictures are few, too, and large: a loss of all their pixels diverges at the
 * rate that classes take. A network that compresses begins far off, and the first gradients, if they count as they are,
 * make AdamW's steps small for a thousand updates: they are clipped. Where pictures are put right tile by
 * tile, thousands of small steps on few crops are worth more than few on many, at a rate at which the root of the
 * density is divided by, for by all of it they diverge (docs/results/pictures.md). What its loss does not know are the
 * bits, so no epoch is the best (docs/results/compression.md). */
static const struct default_value {
    const char *optimizer;
    enum media_kind kind;
    bool pictures;                   /* that are answered with pictures, or sounds with sounds */
    bool usual;                      /* of its kind, the one to take when nobody says */
    uint64_t batch, epochs, updates; /* more epochs where these have fewer updates */
    double rate, decay, validation;
    bool keep_last;
    const struct augment *augment;
    bool compresses; /* pictures that a layer rounds on their way */
    double clip;
    enum rate_by_density by_density; /* where nobody says: */
    bool restores;                   /* pictures that are put right in tiles */
} defaults[] = {
    { "adamw", MEDIA_IMAGE, true, true, 1, 10, 12000, 0.002, 0, 0, true, &turned, true, 0.2, RATE_BY_DENSITY_ROOT,
      false },
    { "adamw", MEDIA_IMAGE, true, true, 4, 6, 2400, 0.01, 1e-4, 0.1, false, &turned, false, 0, RATE_BY_DENSITY_ROOT,
      true },
    { "sgd", MEDIA_IMAGE, false, true, 128, 10, 0, 0.05, 5e-4, 0.1, false, .augment = &as_they_are },
    { "adamw", MEDIA_IMAGE, false, false, 128, 10, 0, 0.001, 0.01, 0.1, false, .augment = &as_they_are },
    { "sgd", MEDIA_IMAGE, true, false, 128, 10, 0, 0.05, 5e-4, 0.1, false, .augment = &as_they_are },
    { "adamw", MEDIA_IMAGE, true, true, 8, 10, 1000, 0.003, 1e-4, 0.1, false, .augment = &as_they_are },
    { "sgd", MEDIA_AUDIO, false, false, 128, 10, 0, 0.05, 5e-4, 0.1, false, .augment = &as_they_are },
    { "adamw", MEDIA_AUDIO, false, true, 32, 10, 1000, 0.004, 0.01, 0.05, true, .augment = &varied },
    { "sgd", MEDIA_AUDIO, true, false, 128, 10, 0, 0.05, 5e-4, 0.1, false, .augment = &as_they_are },
    { "adamw", MEDIA_AUDIO, true, true, 16, 10, 1300, 0.003, 0.01, 0.1, false, .augment = &as_they_are },
    { "sgd", MEDIA_TEXT, false, false, 128, 10, 0, 0.5, 1e-6, 0.1, false, .augment = &as_they_are },
    { "adamw", MEDIA_TEXT, false, true, 32, 4, 500, 0.001, 0.01, 0.05, true, .augment = &as_they_are },
};

enum { EPOCHS_MAX = 50 }; /* of those that nobody asked for */

static uint64_t enough_epochs(const struct default_value *p, uint64_t batch, size_t samples)
{
    uint64_t epochs = samples ? (p->updates * batch + samples - 1) / samples : 0;

    return MAX(p->epochs, MIN(epochs, (uint64_t)EPOCHS_MAX));
}

/* By the optimiser that somebody named, or the usual one. Every kind has a row of each. */
static const struct default_value *find_defaults(const struct recipe_options *options, enum media_kind kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
        const struct default_value *p = &defaults[i];

        if (p->kind == kind && p->pictures == options->pictures && (!p->compresses || options->compresses) &&
            (!p->restores || options->restores) &&
            (options->optimizer ? !strcmp(options->optimizer, p->optimizer) : p->usual))
            return p;
    }
    return defaults;
}

int recipe_settle(const struct recipe_options *options, enum media_kind kind, size_t samples, struct recipe *recipe,
                  struct reason *why)
{
    const struct default_value *p = find_defaults(options, kind);

    recipe->optimizer = optimizer_find(p->optimizer);
    recipe->batch = options->batch_given ? recipe->batch : p->batch;
    recipe->rate = options->rate_given && !recipe->rate_auto ? recipe->rate : p->rate;
    recipe->decay = options->decay_given ? recipe->decay : p->decay;
    if (!options->epochs_given)
        recipe->epochs = recipe->steps ? 0 : enough_epochs(p, recipe->batch, samples);
    recipe->keep_last = options->keep ? !strcmp(options->keep, "last") : p->keep_last && !recipe->patience;
    if (p->clip > 0 && recipe->clip == 0)
        recipe->clip = p->clip;
    if (!options->by_density && (p->compresses || p->restores))
        recipe->by_density = p->by_density;
    recipe->validation = options->validation_given ? recipe->validation : p->validation;
    if (!options->augment)
        recipe->augment = *p->augment;
    if (recipe->epochs && recipe->warmup >= (double)recipe->epochs)
        recipe->warmup = 0;
    if (!options->optimizer && recipe->optimizer->adaptive && recipe->rate > RATE_OF_ADAM_MAX)
        return refuse(why, WISP_E_INVALID,
                      "--rate %g is a rate of gradient descent, but %s are trained by %s, whose rates are about %g; "
                      "give another, or --optimizer sgd",
                      recipe->rate,
                      kind == MEDIA_TEXT    ? "texts"
                      : kind == MEDIA_AUDIO ? "sounds"
                                            : "pictures of pictures",
                      p->optimizer, p->rate);
    if (recipe->disagreement == 0 && (recipe->confidence > 0 || recipe->unlabelled_batches || options->strong))
        return refuse(
            why, WISP_E_INVALID,
            "--confidence, --strong-augment and --unlabelled-batches say how --disagreement learns of samples "
            "without labels; give it, as --disagreement 1");
    return augment_check(&recipe->augment, kind, why) || augment_check(&recipe->strong, kind, why) ? WISP_E_INVALID : 0;
}

int recipe_check(const struct recipe *recipe, const struct loss *loss, struct reason *why)
{
    if (loss->targets != TARGETS_TAUGHT && recipe->temperature > 0)
        return refuse(why, WISP_E_INVALID, "--temperature is for the classes that a --teacher says");
    if (loss->targets == TARGETS_TAUGHT && recipe->balance > BALANCE_NONE)
        return refuse(why, WISP_E_INVALID, "--balance counts labels, and with --teacher none are read; leave it out");
    if (loss->targets == TARGETS_TAUGHT && recipe->label_smoothing > 0)
        return refuse(why, WISP_E_INVALID,
                      "--label-smoothing is for labels; a teacher's answers are softened by --temperature");
    if (loss->targets == TARGETS_WORDS && recipe->input_dropout > 0)
        return refuse(why, WISP_E_INVALID,
                      "--input-dropout would end a text that is learned word by word; --augment drop leaves words out");
    if (recipe->adversarial > 0 && recipe->label_smoothing > 0 && !adversarial_of(recipe)->smooths)
        return refuse(why, WISP_E_INVALID, "--label-smoothing smooths what an adversary takes for real; %s has none",
                      adversarial_of(recipe)->name);
    if (!loss->smooths && recipe->label_smoothing > 0 && recipe->adversarial == 0)
        return refuse(why, WISP_E_INVALID, "--label-smoothing is for cross-entropies of labels; the loss %s has none",
                      loss->name);
    if (loss->targets != TARGETS_CLASS && recipe->balance > BALANCE_NONE)
        return refuse(why, WISP_E_INVALID, "--balance is for classes; the loss %s has none", loss->name);
    return 0;
}

struct recipe recipe_usual(enum media_kind kind)
{
    const struct recipe_options nothing = { .recipe = usual };
    struct recipe recipe = usual;

    recipe_settle(&nothing, kind, 0, &recipe, NULL);
    return recipe;
}

/* What is saved of what was trained, and what it is chosen by. */
static void choice_rows(struct option_table *table, struct recipe_options *options)
{
    struct recipe *r = &options->recipe;
    struct option_row *row;

    option_real(table, "validation", 0, &r->validation, "F",
                "fraction held back to choose the epoch; 0.1, texts and sounds 0.05", 0, 0.9)
        ->given = &options->validation_given;
    option_text(table, "keep", 0, &options->keep, "EPOCH",
                "best or last; if absent, last of texts and sounds by adamw, else best");
    row = option_count(table, "candidates", 0, &r->candidates, "K",
                       "samplings to train; the best is kept; as the model was built, or 1", 1, 1000);
    row->given = &options->candidates_given;
    option_flag(table, "halving", 0, &r->halving, "the worse half of the candidates stops, round by round");
    option_count(table, "seed", 'S', &r->seed, "N", "order, split and augmentation; 1 if absent", 0, 0);
}

/* What becomes of samples, and of what is said of them. */
static void sample_rows(struct option_table *table, struct recipe_options *options)
{
    struct recipe *r = &options->recipe;

    option_real(table, "label-smoothing", 0, &r->label_smoothing, "F", "mass moved from the label to all; 0", 0, 1)
        ->below = true;
    option_real(table, "temperature", 0, &r->temperature, "T",
                "softens a teacher's classes; 2 if absent, 1 is as they are", 0.1, 100);
    option_real(table, "disagreement", 0, &r->disagreement, "W",
                "weight of a loss: unlabelled samples are said of differently under noise", 1e-6, 1e6);
    option_flag(table, "mean-teacher", 0, &r->mean_teacher, "compare with the averaged weights; with --average ema=D");
    option_real(table, "confidence", 0, &r->confidence, "P",
                "of unlabelled samples learn, as labels, only what is said with this probability", 1e-6, 1)
        ->below = true;
    option_text(table, "strong-augment", 0, &options->strong, "LIST",
                "when they are learned; what is said of them is said as --augment has it");
    option_count(table, "unlabelled-batches", 0, &r->unlabelled_batches, "K", "of unlabelled samples a step; 1", 1,
                 100);
    option_real(table, "adversarial", 0, &r->adversarial, "W",
                "weight of what is lost against an --adversary; 1 if absent", 1e-6, 1e6);
    option_text(table, "adversarial-loss", 0, &options->adversarial_loss, "LOSS", "logistic (if absent) or hinge");
    option_real(table, "input-dropout", 0, &r->input_dropout, "F", "fraction of inputs dropped in training; 0", 0, 1)
        ->below = true;
    option_text(table, "augment", 0, &options->augment, "LIST",
                "as shift=2,flip=0.5, or none; 'help' prints what there is");
}

void recipe_option_rows(struct option_table *table, struct recipe_options *options)
{
    struct recipe *r = &options->recipe;
    struct option_row *row;

    *r = usual;
    option_count(table, "epochs", 'e', &r->epochs, "N",
                 "times through the data; 10 if absent, 4 for texts, of few texts or sounds more; or as --steps says",
                 1, 1e6)
        ->given = &options->epochs_given;
    option_count(table, "steps", 0, &r->steps, "N", "end after so many batches", 1, 1e12);
    option_real(table, "minutes", 0, &r->minutes, "M", "end after so many minutes", 0.001, 1e6);
    option_real(table, "until-accuracy", 0, &r->until_accuracy, "A", "end at this validation accuracy", 1e-6, 1);
    option_count(table, "patience", 0, &r->patience, "E", "end after E epochs without a better validation", 1, 1e6);
    option_text(table, "optimizer", 0, &options->optimizer, "O",
                "sgd or adamw; if absent, sgd for pictures, else adamw");
    option_count(table, "batch", 'b', &r->batch, "N",
                 "samples a step; if absent 128, 32 for texts and sounds, 8 for pairs of pictures", 1, 65536)
        ->given = &options->batch_given;
    row = option_real(table, "rate", 'r', &r->rate, "R",
                      "learning rate, or auto; if absent, sgd 0.05 (texts 0.5), adamw 0.001 (sounds 0.004)", 0, 1000);
    row->given = &options->rate_given;
    options->rate_word = (struct option_word){ "auto", &r->rate_auto };
    row->word = &options->rate_word;
    option_text(table, "rate-by-density", 0, &options->by_density, "HOW",
                "how a layer's rate grows as its density falls: full (if absent), root or none");
    option_real(table, "momentum", 0, &r->momentum, "M", "Nesterov's, or AdamW's beta1; 0.9 if absent", 0, 1)->below =
        true;
    option_real(table, "decay", 0, &r->decay, "D", "weight decay; if absent, sgd 0.0005 (texts 1e-6), adamw 0.01", 0, 1)
        ->given = &options->decay_given;
    option_text(table, "balance", 0, &options->balance, "HOW",
                "weights of rare classes: none, root, full, or auto (if absent)");
    option_text(table, "schedule", 0, &options->schedule, "S", "cosine (if absent), one-cycle, step or constant");
    option_real(table, "warmup", 0, &r->warmup, "E", "epochs over which the rate rises; 1 if absent", 0, 1e6)->given =
        &options->warmup_given;
    option_real(table, "clip", 0, &r->clip, "G",
                "longest gradient, by its norm over all weights; if absent any, of what compresses 0.2", 1e-9, 1e9);
    sample_rows(table, options);
    option_text(table, "average", 0, &options->average, "HOW",
                "save averaged weights: ema=D, or last=E epochs; the last ones if absent");
    option_text(table, "regrow", 0, &options->regrow, "HOW",
                "exchange the weakest connections: set or rigl, with ,fraction=F,every=N,until=P");
    option_flag(table, "dense", 0, &r->dense, "train all connections there can be, to compare with");
    option_text(table, "prune", 0, &options->prune, "HOW",
                "keep the best of a dense network's connections: snip=S or snip-ratio=S, the sparsity");
    choice_rows(table, options);
}

static int read_augments(const struct recipe_options *options, struct recipe *out, struct reason *why)
{
    if (options->strong && augment_parse(options->strong, &out->strong, why))
        return WISP_E_INVALID;
    return options->augment ? augment_parse(options->augment, &out->augment, why) : 0;
}

int recipe_from_options(const struct recipe_options *options, struct recipe *out, struct reason *why)
{
    *out = options->recipe;
    if (options->schedule && !(out->schedule = schedule_find(options->schedule)))
        return refuse(why, WISP_E_INVALID, "--schedule %s: give cosine, one-cycle, step or constant",
                      options->schedule);
    if (options->optimizer && !optimizer_find(options->optimizer))
        return refuse(why, WISP_E_INVALID, "--optimizer %s: give sgd or adamw", options->optimizer);
    if (options->by_density && rate_by_density_find(options->by_density) < 0)
        return refuse(why, WISP_E_INVALID, "--rate-by-density %s: give none, root or full", options->by_density);
    if (options->by_density)
        out->by_density = (enum rate_by_density)rate_by_density_find(options->by_density);
    if (options->adversarial_loss && !(out->adversarial_loss = adversarial_loss_find(options->adversarial_loss)))
        return refuse(why, WISP_E_INVALID, "--adversarial-loss %s: give logistic or hinge", options->adversarial_loss);
    if (options->keep && strcmp(options->keep, "best") != 0 && strcmp(options->keep, "last") != 0)
        return refuse(why, WISP_E_INVALID, "--keep %s: give best or last", options->keep);
    if (options->balance && balance_find(options->balance) < 0)
        return refuse(why, WISP_E_INVALID, "--balance %s: give none, root, full or auto", options->balance);
    out->balance = options->balance ? (enum balance)balance_find(options->balance) : BALANCE_AUTO;
    if (out->patience && options->keep && !strcmp(options->keep, "last"))
        return refuse(why, WISP_E_INVALID,
                      "--patience waits for a better epoch than the best, and --keep last keeps none");
    if (out->schedule && out->schedule->rises && !options->warmup_given)
        out->warmup = 0;
    if ((out->until_accuracy > 0 || out->patience) && out->validation == 0)
        return refuse(why, WISP_E_INVALID,
                      "--until-accuracy and --patience need --validation above 0: they look at what is held back");
    if (out->halving && (out->minutes > 0 || out->until_accuracy > 0 || out->patience))
        return refuse(why, WISP_E_INVALID,
                      "--halving counts epochs: leave out --minutes, --until-accuracy and --patience");
    if (out->candidates > 1 && out->validation == 0)
        return refuse(why, WISP_E_INVALID,
                      "--candidates needs --validation above 0: the best one is chosen on what is held back");
    if (options->average && average_parse(options->average, &out->average, why))
        return WISP_E_INVALID;
    if (out->mean_teacher && (out->disagreement == 0 || out->average.kind != AVERAGE_EMA))
        return refuse(
            why, WISP_E_INVALID,
            "--mean-teacher is what --disagreement compares with: give both, and the average by --average ema=D");
    if (options->prune && pruning_parse(options->prune, &out->pruning, why))
        return WISP_E_INVALID;
    if (options->regrow && out->dense && !options->prune)
        return refuse(why, WISP_E_INVALID,
                      "--regrow moves connections, and a --dense network has no place left for them");
    if (options->regrow && regrowth_parse(options->regrow, &out->regrowth, why))
        return WISP_E_INVALID;
    return read_augments(options, out, why);
}
