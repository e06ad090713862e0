/* SPDX-License-Identifier: Apache-2.0
 *
 * How near recordings that a network gives are to those that are wanted, recording by recording: the scale-invariant
 * signal-to-distortion ratio (SI-SDR, Le Roux et al. 2019), in decibels. With a = <e, s> / <s, s>, e the estimate and s
 * the target, it is 10 log10(|a s|^2 / |a s - e|^2); held within 100 to either side.
 */
#ifndef FORGE_DATA_RECORDINGS_LIKENESS_H
#define FORGE_DATA_RECORDINGS_LIKENESS_H

#include "forge/data/recordings/recordings.h"

double si_sdr(const float *estimate, const float *target, size_t count);

/* Of a pair's inputs as they are, the nearest to the target. */
double likeness_best_input(const struct recording_pair *pair, uint32_t inputs);

struct likeness {
    const struct dataset *set;
    const struct media *media;
    struct media_masking *masking; /* of the recording at hand */
    float *masks, *estimate;       /* of a block; of that recording, as far as it is done */
    size_t done;
    double *of; /* each recording; NaN where its target is silent */
};

/* -ENOMEM. */
int likeness_init(struct likeness *likeness, const struct dataset *set, const struct media *media);
void likeness_deinit(struct likeness *likeness); /* idempotent */

/* Of the samples which[0 … count), which are all samples in their order, call by call: the masks as a network gives
 * them, samples innermost. WISP_E_INVALID where one is no finite number; -ENOMEM. */
int likeness_add(struct likeness *likeness, const uint32_t *which, size_t count, const float *masks,
                 struct reason *why);

struct likeness_figures {
    size_t recordings;      /* whose target is not silent */
    double si_sdr, input;   /* means over them; of the input as it is, the best of several */
    double lowest;          /* the lowest, */
    uint32_t lowest_sample; /* and a sample of that recording */
};

struct likeness_figures likeness_figures(const struct likeness *likeness);

#endif
