/* SPDX-License-Identifier: Apache-2.0
 *
 * Models that answer a recording with a recording: what their media description says, and the pairs of recordings that
 * they learn.
 */
#ifndef FORGE_EXPERIMENT_SOUNDING_H
#define FORGE_EXPERIMENT_SOUNDING_H

#include "forge/experiment/experiment.h"

/* Whether the model's media and its loss are of spectra that go back to sound. WISP_E_FORMAT where only one of them is,
 * or what the network gives has not the form of what it takes. */
int sounding_check(struct experiment *experiment, const struct experiment_options *options, struct reason *why);

/* The set's recordings to pairs, as the options say. */
int sounding_pair(const struct experiment *experiment, const struct experiment_options *options, struct dataset *set,
                  struct reason *why);

#endif
