/* SPDX-License-Identifier: Apache-2.0
 *
 * A second loss, of samples without labels: that a model under noise disagrees with itself under other noise (the Pi
 * model of Laine and Aila 2017), or with the moving average of its weights (mean teacher; Tarvainen and Valpola 2017).
 * What it is to say is taken as given; the gradient is p - q at the logits, added with a weight that rises over the
 * first third of the steps, as exp(-5 (1 - x)^2) from x = 0 to 1.
 *
 * With recipe.confidence only what is said at least so surely is learned, as a label, and with recipe.strong of the
 * sample under that noise (FixMatch of Sohn et al. 2020): the gradient is p less the label, over all samples, and has
 * its weight from the first step on.
 *
 * Each step of a training takes as many unlabelled samples as its batches have at most, or so many times as
 * recipe.unlabelled_batches says, in an order of their own. All
 * of it follows from the step, so a checkpoint has nothing of it.
 */
#ifndef FORGE_UNLABELLED_DISAGREEMENT_H
#define FORGE_UNLABELLED_DISAGREEMENT_H

#include "forge/train/trainer.h"

struct disagreement;

/* Of the recipe and batches of a training whose loss is of classes. The samples are borrowed. -ENOMEM. */
int disagreement_new(const struct trainer_setup *setup, const uint32_t *unlabelled, size_t count,
                     struct disagreement **out);
struct disagreement *disagreement_free(struct disagreement *disagreement); /* accepts NULL; returns NULL */

/* trainer_setup.add. */
int disagreement_add(void *disagreement, struct trainer *trainer, size_t count, struct reason *why);

#endif
