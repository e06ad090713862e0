/* SPDX-License-Identifier: Apache-2.0
 *
 * A recipe: everything that decides a training run besides the model and the data. Same recipe, same data, same model:
 * same bits, whatever the number of threads and the machine. So its functions use IEEE-exact operations only.
 */
#ifndef FORGE_TRAIN_RECIPE_H
#define FORGE_TRAIN_RECIPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/options.h"
#include "forge/train/augment/augment.h"
#include "forge/train/balance.h"
#include "forge/train/loss.h"
#include "forge/train/optimizer.h"
#include "forge/train/schedule.h"
#include "forge/train/topology/pruning.h"
#include "forge/train/topology/regrowth.h"

/* What is evaluated and saved in place of the weights as they are. */
enum average_kind {
    AVERAGE_NONE,
    AVERAGE_EMA,  /* moving exponentially by this factor a step */
    AVERAGE_LAST, /* the mean after each of the last so many epochs */
};

struct average {
    enum average_kind kind;
    double amount;
};

/* "ema=0.999", "last=5". WISP_E_INVALID, and says what there is. */
int average_parse(const char *text, struct average *out, struct reason *why);

struct adversarial_loss; /* forge/train/adversarial/adversarial_loss.h */

struct recipe {
    const struct optimizer *optimizer; /* NULL: the first there is */
    const struct loss *loss;           /* NULL: the one that suits the model's last layer */
    const struct schedule *schedule;   /* NULL: the first there is */
    uint64_t epochs, batch, seed;
    /* Ends besides the epochs, whichever comes first; 0: none. Accuracy and patience (epochs without a better one) are
     * on the validation samples. */
    uint64_t steps, patience;
    double minutes, until_accuracy;
    double rate, momentum, decay;
    bool rate_auto; /* the rate is the usual one, and to be searched from there */
    enum rate_by_density by_density;
    enum balance balance;
    double warmup; /* epochs over which the rate rises linearly from 0 */
    double clip;   /* the longest gradient, as a whole; 0: any */
    double label_smoothing;
    double disagreement;         /* weight of what samples without labels are said of differently; 0: none */
    bool mean_teacher;           /* compared with the average of the weights */
    double confidence;           /* from which on what is said is a label, and learned; 0: all is, as it is said */
    uint64_t unlabelled_batches; /* a step, each of as many samples as a batch has; 0 is 1 */
    struct augment strong;       /* of samples without labels when they are learned; nothing: as `augment` */
    double temperature;          /* by which a teacher's answers are softened; 0: as they are */
    double input_dropout;
    double adversarial; /* weight of the loss that the generator has by an adversary; 0: there is none */
    const struct adversarial_loss *adversarial_loss; /* NULL: the first there is */
    double validation; /* fraction of the data that is held back to choose the epoch, or only to see what was learned */
    bool keep_last;    /* the last epoch, whichever was the best */
    struct augment augment;
    struct average average;
    struct regrowth regrowth;
    bool dense; /* all connections that the layers can have, whatever the model has */
    struct pruning pruning;
    uint64_t candidates;
    bool halving; /* of which the worse half stops, round by round */
};

/* Streams of random numbers that a run draws from; the low bits say which epoch or sample. */
enum recipe_stream {
    STREAM_SPLIT = 16,
    STREAM_SHUFFLE,
    STREAM_AUGMENT,
    STREAM_DROPOUT,
    STREAM_LAYERS,
    STREAM_REGROW,
    STREAM_DISAGREEMENT,
    STREAM_LATENT,
    STREAM_ADVERSARY,
    STREAM_NOISE,
    STREAM_LENGTHS
};

static inline uint64_t recipe_stream(enum recipe_stream purpose, uint64_t epoch, uint64_t sample)
{
    return (uint64_t)purpose << 56 | (epoch & 0xffffff) << 32 | (sample & 0xffffffff);
}

/* A random order of `count` numbers, in place. */
void shuffle(uint32_t *numbers, size_t count, uint64_t seed, uint64_t stream);

/* The learning rate of update `step` of `steps`, of which `per_epoch` make an epoch. */
float recipe_rate(const struct recipe *recipe, uint64_t step, uint64_t steps, uint64_t per_epoch);

/* Updates in the whole run, over which the schedule stretches, with so many samples to train on. */
uint64_t recipe_steps(const struct recipe *recipe, size_t samples);
/* What follows from the number of samples: how many epochs the steps are, and no warm-up that would last to the end. */
void recipe_fit(struct recipe *recipe, size_t samples);

/* For a run beside the one that counts: without ends but its steps, averages, and connections that move. */
struct recipe recipe_bare(const struct recipe *recipe);

/* What decides its bits up to any moment. New reference; NULL: out of memory. */
json_t *recipe_json(const struct recipe *recipe);
/* Adds the ends that do not: what comes before them is the same without. */
void recipe_ends_json(const struct recipe *recipe, json_t *object);

/* The options of a recipe, with the defaults as values; what they say is read by recipe_from_options() afterwards. */
struct recipe_options {
    struct recipe recipe;
    struct option_word rate_word;
    const char *optimizer, *schedule, *augment, *strong, *balance, *keep, *average, *by_density, *regrow, *prune;
    const char *adversarial_loss;
    bool pictures;   /* not an option: pictures are answered with pictures, or sounds with sounds */
    bool compresses; /* not an option: the pictures are rounded on their way */
    bool restores;   /* not an option: of pictures squares are put right, each by itself */
    bool batch_given, rate_given, decay_given, epochs_given, validation_given, warmup_given, candidates_given;
};

void recipe_option_rows(struct option_table *table, struct recipe_options *options);
/* WISP_E_INVALID, and says which option. */
int recipe_from_options(const struct recipe_options *options, struct recipe *out, struct reason *why);

/* What is done with data of this kind when nobody says anything. */
struct recipe recipe_usual(enum media_kind kind);

/* Gives what the options leave open the values that suit so many samples of this kind. WISP_E_INVALID for a rate that
 * was meant for another optimiser than the one that nobody named. */
int recipe_settle(const struct recipe_options *options, enum media_kind kind, size_t samples, struct recipe *recipe,
                  struct reason *why);

/* Whether a loss can be minimised so. WISP_E_INVALID when classes are to be balanced that it does not have. */
int recipe_check(const struct recipe *recipe, const struct loss *loss, struct reason *why);

#endif
