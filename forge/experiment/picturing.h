/* SPDX-License-Identifier: Apache-2.0
 *
 * Models that answer a picture with a picture or a mask: which those are, what their description says of the answer,
 * and the pairs of pictures that they learn.
 */
#ifndef FORGE_EXPERIMENT_PICTURING_H
#define FORGE_EXPERIMENT_PICTURING_H

#include "forge/experiment/experiment.h"
#include "forge/train/recipe.h"

/* By the model and its loss: takes and gives channels of pixels, numbers or each a probability, which no teacher says.
 */
bool picturing_is(const struct experiment *experiment);

/* Says in the model's description of its input what the answer is, where it does not: a mask after a sigmoid, unless a
 * loss of numbers is wished, else a picture; and that it goes in tiles, where it does not say how else. Where it does
 * and no loss is wished, the loss follows. */
int picturing_describe(struct experiment *experiment, const struct experiment_options *options, struct reason *why);

/* The set's pictures to pairs, as the options and the description say. */
int picturing_pair(const struct experiment *experiment, const struct experiment_options *options, struct dataset *set,
                   struct reason *why);

/* Of an open experiment: what its recipe is to suit. */
void picturing_settle(const struct experiment *experiment, struct recipe_options *options);

/* Of a processing type whose answers are pictures: the loss that it has whatever the last layer is. NULL: none. */
const struct loss *picturing_loss(const char *processing);

#endif
