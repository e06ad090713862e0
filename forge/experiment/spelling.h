/* SPDX-License-Identifier: Apache-2.0
 *
 * Vocabularies of a model's texts: its description of them says that there are to be some ("vocabulary": true), and the
 * training samples say which pieces they have.
 */
#ifndef FORGE_EXPERIMENT_SPELLING_H
#define FORGE_EXPERIMENT_SPELLING_H

#include "forge/data/dataset.h"
#include "forge/experiment/split.h"
#include "sparse/graph/model.h"

/* Embeddings of fewer words have theirs hashed: bytes alone would take half of them. */
enum { SPELLING_FEATURES_MIN = 2 * 259 };

/* Gives the description an answer: a text of so many numbers, of so many different ones. -ENOMEM. */
int spelling_answer(char **json, uint32_t features, unsigned long long sequence, struct reason *why);

/* Learns what is called for, the input's of the texts and the answer's of the targets, and puts it into the model's
 * description. -ENOMEM. */
int spelling_learn(struct model *model, const struct dataset *data, const struct split *split, struct reason *why);

#endif
