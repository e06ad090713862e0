/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a trained model does better than guessing, on the validation samples and not on those it was trained on, and
 * what may help when it does not: the advice follows from how it fails.
 */
#ifndef FORGE_EXPERIMENT_GUESSING_H
#define FORGE_EXPERIMENT_GUESSING_H

#include "forge/train/trainer.h"

/* One warning, or none. Says nothing of a run that was interrupted or held no sample back. */
void guessing_warn(const char *verb, const struct model *model, const struct recipe *recipe,
                   const struct trainer_result *result);

#endif
