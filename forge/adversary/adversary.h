/* SPDX-License-Identifier: Apache-2.0
 *
 * An adversary of a network that is trained, in the field's words a discriminator: of one number, above 0 for what it
 * takes for real (Goodfellow et al. 2014). Both are trained in turn, in one step of the network's trainer. The
 * adversary goes forward and back on the targets, then on what the network gives, and steps by the sum of both mean
 * losses; then forward on the latter once more, and back to its input, from where the recipe's weight takes the
 * gradient to the network's output. What the adversary learns without a gradient, statistics, is put back after that.
 *
 * It reads what the network gives; with a second input, what that was given as well (as Isola et al. 2017 have it). It
 * has a trainer of its own, by the same recipe, that goes along with the network's (trainer_setup.beside): so the bits
 * are the same for any number of threads, and ranks and checkpoints have both.
 */
#ifndef FORGE_ADVERSARY_ADVERSARY_H
#define FORGE_ADVERSARY_ADVERSARY_H

#include "forge/train/trainer.h"

struct adversary;

/* For the training that *setup is of, which becomes one against it; all but its hooks is filled in. `model` is
 * borrowed, trained in place, and ends with the weights of the epoch that the network's are of. WISP_E_FORMAT: it is no
 * adversary of this network, and says what does not fit. As trainer_new(). */
int adversary_new(struct trainer_setup *setup, struct model *model, struct adversary **out, struct reason *why);
struct adversary *adversary_free(struct adversary *adversary); /* accepts NULL; returns NULL */

size_t adversary_memory(const struct adversary *adversary); /* as trainer_memory() */

#endif
