/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts that are learned word by word: at each position a model has read the words so far, and is to give the next.
 * Words are numbers from 1 on; 0 is what stands before the first and behind the last.
 *
 * Of a text alone the model reads the words as they are, as a client will give them. Of a pair it reads the source, and
 * the target moved on by one position (teacher forcing, Williams and Zipser 1989), so that the first word is to be
 * given as well. What there is no room for is not learned: what would follow the last position.
 */
#ifndef FORGE_TRAIN_SEQUENCE_H
#define FORGE_TRAIN_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An activation, [position][sample]: the words that are read. */
struct sequence {
    float *words;
    size_t positions, count; /* of samples */
    size_t looked_at;        /* positions, from the first on, at which a word is to be given */
    bool moved;              /* 0 stands before the first */
};

void sequence_move(struct sequence *sequence);

/* Words that are labels without positions: from the bits of floats, as they are read, to whole numbers; -1 behind the
 * last. */
void sequence_labels(int32_t *labels, size_t count);

/* What is to be given at each position that is looked at: a word, or 0 where the text ends; -1 behind that. */
void sequence_targets(const struct sequence *sequence, int32_t *out);

#endif
