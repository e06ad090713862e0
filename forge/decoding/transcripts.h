/* SPDX-License-Identifier: Apache-2.0
 *
 * How far from what is said those labels are that a beam of prefixes finds (media/transcript/search.h), as the wisp
 * command does: edits a label, and how many samples are right as a whole.
 */
#ifndef FORGE_DECODING_TRANSCRIPTS_H
#define FORGE_DECODING_TRANSCRIPTS_H

#include <jansson.h>
#include <stdio.h>

#include "forge/train/loss.h"

struct transcripts {
    const struct loss_batch *loss; /* of labels in their order: the targets of the samples at hand */
    uint32_t beam;
    uint64_t samples, exact, labels, edits;
    uint32_t *said; /* room for one sample */
    double *room;
};

/* -ENOMEM; transcripts_deinit() is due all the same. */
int transcripts_init(struct transcripts *transcripts, const struct loss_batch *loss, uint32_t beam);
void transcripts_deinit(struct transcripts *transcripts);

/* As struct evaluator has it watched: what a network gave for `count` samples. -ENOMEM. */
int transcripts_see(void *transcripts, const uint32_t *which, size_t count, const float *output);

void transcripts_print(const struct transcripts *transcripts, FILE *to);
/* {"beam", "error_rate", "edits", "exact_match"} */
json_t *transcripts_json(const struct transcripts *transcripts);

#endif
