/* SPDX-License-Identifier: Apache-2.0
 *
 * What train and eval have in common: a model, the description of its input, a split of the data in the model's
 * classes, threads and kernels; opened in this order, and each checked against the ones before.
 */
#ifndef FORGE_EXPERIMENT_EXPERIMENT_H
#define FORGE_EXPERIMENT_EXPERIMENT_H

#include "base/options.h"
#include "base/pool.h"
#include "forge/data/dataset.h"
#include "forge/labels/labels.h"
#include "forge/train/batches.h"
#include "forge/train/loss.h"
#include "sparse/graph/model.h"
#include "sparse/kernels/kernels.h"

struct experiment_options {
    const char *model, *data, *split, *processing, *media, *labels, *label_column, *text_column;
    const char *label_separator, *target_columns, *loss;
    const char *model_path; /* the model's file, where `model` is only what it is called; NULL */
    const char *unlabelled; /* a data set besides, whose labels are not read; NULL */
    const char *degrade;    /* how inputs are made of clean pictures or recordings, the targets; NULL: they are there */
    const char *noise;      /* recordings that are mixed with clean ones; NULL */
    const char *adversary, *save_adversary; /* a model to train against, and where it goes; NULL */
    const char *teacher; /* a trained model, in the place of the data's labels, which are not read; NULL */
    uint64_t threads;
    uint64_t beam; /* that a model which decodes is to have, if nobody says otherwise; 0: as it has it */
    bool blas, skip_bad, quiet;
    bool told;   /* these data were read before, and what of them cannot be read was said */
    bool trains; /* what is wanted is training, not only running */
};

struct experiment {
    const char *verb;
    struct model *model; /* with processing type, media and labels as they will be; to train, without its weights */
    struct media *media;
    bool media_guessed;    /* nobody has said it */
    struct model *teacher; /* NULL: none */
    struct media *teacher_media;
    bool pictures, sounds;   /* the data are pairs of pictures, or of recordings */
    struct model *adversary; /* as it is before any training, in this file; NULL: none */
    const char *adversary_path;
    struct batches_noise noise;
    size_t classes; /* when opening failed because the model has another number of outputs: as many as would do; or 0 */
    struct dataset *data;       /* without labels, with a teacher; with samples without labels at its end */
    const struct loss *loss;    /* that suits the model and the data, or was wished for */
    struct batches_words words; /* where the loss is of words */
    struct media *target_media; /* of pairs whose targets the model's description says nothing of; or NULL */
    const struct kernels *kernels;
    struct pool *pool;
};

/* --data and what says how to read it, --processing, --media, --labels, --threads, --blas; to train --teacher. */
void experiment_option_rows(struct option_table *table, struct experiment_options *options);

/* That what is written, NULL where nothing is, has names of its own, and none of what is read: WISP_E_INVALID. The
 * model may be trained in place. */
int experiment_spare(const struct experiment_options *options, const char *output, const char *checkpoint,
                     const char *plot, struct reason *why);

/* Close in any case. WISP_E_INVALID: an option; WISP_E_FORMAT: the model or the data, or one does not fit the other;
 * -errno. What is only to be warned of goes to stderr in the verb's name. */
int experiment_open(struct experiment *experiment, const char *verb, const struct experiment_options *options,
                    struct reason *why);
void experiment_close(struct experiment *experiment); /* idempotent */

/* What the training samples say of that description (media_complete()), and what it is then. */
struct split;
int experiment_complete(struct experiment *experiment, const struct split *split, struct reason *why);

/* The samples of an open experiment, as its model takes them. */
int experiment_batches(const struct experiment *experiment, bool keep, struct batches **out, struct reason *why);

/* The training samples of an open experiment's data, where those are of another split and there are any; NULL: there
 * are none. */
struct dataset *experiment_training(const struct experiment *experiment, const struct experiment_options *options);

/* Whether a recipe suits the samples, and a loss. WISP_E_INVALID. */
int experiment_check_recipe(const struct experiment *experiment, const struct recipe *recipe, const struct loss *loss,
                            struct reason *why);

/* Gives the model, freshly read from the same file, the experiment's processing type, media and labels. -ENOMEM. */
int experiment_dress(const struct experiment *experiment, struct model *model);

#endif
