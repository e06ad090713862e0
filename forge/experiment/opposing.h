/* SPDX-License-Identifier: Apache-2.0
 *
 * --adversary: a second model, to train the first against; and noise, an input of the model's that is called so. Where
 * noise is the one input, the samples are what the model is to make: their description of media is one of its output.
 * So it has no part in the file, but in its lineage.
 */
#ifndef FORGE_EXPERIMENT_OPPOSING_H
#define FORGE_EXPERIMENT_OPPOSING_H

#include "forge/experiment/candidate.h"
#include "forge/experiment/experiment.h"

struct adversary;

/* --adversary and --save-adversary. */
void opposing_option_rows(struct option_table *table, struct experiment_options *options);

/* Reads it into the experiment, whose model is there, and finds what noise goes into. WISP_E_INVALID, WISP_E_FORMAT;
 * -errno. */
int opposing_open(struct experiment *experiment, const struct experiment_options *options, struct reason *why);

/* The loss of one that is trained against another or of noise alone, where none is wished for; NULL: what suits its
 * last layer. WISP_E_INVALID. */
int opposing_loss(const struct experiment *experiment, const struct loss *wish, const struct loss **out,
                  struct reason *why);

/* The model, and which of its inputs or of the adversary's, that the description of media is of. */
const struct model *opposing_described(const struct experiment *experiment, uint32_t *input);

/* Completes a recipe. WISP_E_INVALID: what cannot be done against an adversary. */
int opposing_settle(const struct experiment *experiment, const struct recipe_options *options, struct recipe *recipe,
                    struct reason *why);

/* For a training of a candidate's, which is that of *setup: *model is read anew, and the caller's. Nothing where there
 * is no adversary. As adversary_new(). */
int opposing_begin(const struct experiment *experiment, struct trainer_setup *setup, struct model **model,
                   struct adversary **out, struct reason *why);

/* What a training's lineage says of it, and what is no part of the model's file. -ENOMEM. */
int opposing_describe(const struct experiment *experiment, struct model *model, json_t *training);

#endif
