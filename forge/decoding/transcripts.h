/* SPDX-License-Identifier: Apache-2.0
 *
 * How far from what is said those labels are that a beam of prefixes finds (media/transcript/search.h), as the wisp
 * command does: edits a label, and how many samples are right as a whole. Where labels have names, both are texts, too,
 * and the edits a character and a word of those are counted.
 */
#ifndef FORGE_DECODING_TRANSCRIPTS_H
#define FORGE_DECODING_TRANSCRIPTS_H

#include <jansson.h>
#include <stdio.h>

#include "forge/train/loss.h"

struct transcripts_edits {
    uint64_t edits, wanted;
};

struct transcripts {
    const struct loss_batch *loss; /* of labels in their order: the targets of the samples at hand */
    char *const *labels;           /* borrowed; NULL: they have no names */
    bool words;                    /* they are words, between which there are spaces, and no characters */
    uint32_t beam;
    uint64_t samples, exact, label_count, edits;
    struct transcripts_edits characters_of_texts, words_of_texts;
    uint32_t *said; /* room for one sample */
    double *room;
};

/* `labels`: a name for each feature, of which the first stands for no unit; NULL: there are none. -ENOMEM;
 * transcripts_deinit() is due all the same. */
int transcripts_init(struct transcripts *transcripts, const struct loss_batch *loss, char *const *labels,
                     uint32_t beam);
void transcripts_deinit(struct transcripts *transcripts);

/* As struct evaluator has it watched: what a network gave for `count` samples. -ENOMEM. */
int transcripts_see(void *transcripts, const uint32_t *which, size_t count, const float *output);

void transcripts_print(const struct transcripts *transcripts, FILE *to);
/* {"beam", "error_rate", "edits", "exact_match"} */
json_t *transcripts_json(const struct transcripts *transcripts);

/* The same of texts: a line, and {"beam", "character_error_rate", "word_error_rate"}; nothing, and NULL, where labels
 * have no names. */
void transcripts_print_texts(const struct transcripts *transcripts, FILE *to);
json_t *transcripts_texts_json(const struct transcripts *transcripts);

#endif
