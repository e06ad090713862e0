/* SPDX-License-Identifier: Apache-2.0
 *
 * --teacher: a trained model beside the one to train. What the pupil's file leaves open, it has as its teacher has it:
 * processing type, names of the outputs, and, where both take as many numbers, how inputs become tensors.
 */
#ifndef FORGE_EXPERIMENT_TEACHING_H
#define FORGE_EXPERIMENT_TEACHING_H

#include "forge/experiment/experiment.h"
#include "forge/unlabelled/teacher.h"

/* Reads it into the experiment, whose model is there. WISP_E_FORMAT: no trained model; -errno. */
int teaching_open(struct experiment *experiment, const struct experiment_options *options, struct reason *why);

/* Of an open experiment: what answers. */
int teaching_begin(const struct experiment *experiment, const struct recipe *recipe, struct teacher **out,
                   struct reason *why);

#endif
