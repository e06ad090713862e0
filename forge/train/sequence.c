/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "forge/train/sequence.h"

void sequence_move(struct sequence *sequence)
{
    float *words = sequence->words;
    const size_t count = sequence->count;

    memmove(words + count, words, (sequence->positions - 1) * count * sizeof *words);
    memset(words, 0, count * sizeof *words);
    sequence->moved = true;
}

void sequence_targets(const struct sequence *sequence, int32_t *out)
{
    const float *words = sequence->words;
    const size_t count = sequence->count, length = sequence->positions * count;

    for (size_t i = 0; i < sequence->looked_at * count; i++) {
        const bool begins = sequence->moved && i < count;
        const bool is_next = i + count < length && (begins || words[i] != 0);

        out[i] = is_next ? (int32_t)words[i + count] : -1;
    }
}

void sequence_labels(int32_t *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float word;

        memcpy(&word, &labels[i], sizeof word);
        labels[i] = word > 0 ? (int32_t)word : -1;
    }
}
