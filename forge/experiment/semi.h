/* SPDX-License-Identifier: Apache-2.0
 *
 * Semi-supervised training: labels for some of the samples, and the others by what a model makes of them. After a first
 * training on the labels alone, round after round the model sees each unlabelled sample several times under other noise
 * (forge/unlabelled/opinions.h); what its passes agree on, balanced over the classes, becomes labels
 * (forge/unlabelled/pseudo_labels.h), of more samples from round to round, and a new model, with the first weights, is
 * trained on both. Of pictures the model learns instead, in one training, what it is sure of when it sees them as they
 * are (forge/unlabelled/disagreement.h). The samples held back for validation have labels of the data's, and none else.
 */
#ifndef FORGE_EXPERIMENT_SEMI_H
#define FORGE_EXPERIMENT_SEMI_H

#include <jansson.h>

#include "base/options.h"
#include "forge/experiment/experiment.h"
#include "forge/experiment/split.h"
#include "forge/train/recipe.h"

struct semi {
    uint64_t labelled; /* samples whose labels are used; 0: all that have one */
    uint64_t rounds, passes;
    double agreement; /* fraction of the passes that have to say the same */
    bool rounds_given, passes_given, agreement_given;
};

/* --labelled, --rounds, --passes, --agreement; --unlabelled is the experiment's. */
void semi_option_rows(struct option_table *table, struct semi *semi);
/* Whether the options belong together. WISP_E_INVALID. */
int semi_check_options(const struct semi *semi, const struct experiment_options *options,
                       const struct recipe_options *recipe, struct reason *why);

/* What suits the data where no option says how to learn of samples without labels: of pictures no rounds, but
 * what is said of one by a model that is sure of it, learned of the same picture, varied more. */
void semi_settle(struct semi *semi, const struct experiment *experiment, struct recipe_options *options,
                 struct recipe *recipe);

/* Whether these data have labels for it, and something else. WISP_E_INVALID. */
int semi_check(const struct semi *semi, const struct experiment *experiment, struct reason *why);

/* What decides the bits of a run. New reference; NULL: out of memory. */
json_t *semi_json(const struct semi *semi, const struct split *split);

#endif
