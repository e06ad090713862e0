/* SPDX-License-Identifier: Apache-2.0
 *
 * ROUGE (Lin 2004), as Google's rouge-score has it without stemming: the F1 of n-grams of one and two tokens, and of
 * the longest common subsequence; means over the texts.
 */
#ifndef FORGE_METRICS_ROUGE_H
#define FORGE_METRICS_ROUGE_H

#include <stdbool.h>

#include "forge/metrics/tokens.h"

struct rouge {
    double one, two, longest; /* sums */
    uint64_t texts;
};

/* Another pair of texts, of TOKENS_ALNUM. -ENOMEM. */
int rouge_add(struct rouge *rouge, const struct tokens *said, const struct tokens *wanted);

/* Which of the first text's tokens stand on a longest common subsequence; NULL: how many do is enough. -ENOMEM. */
int rouge_common(const struct tokens *a, const struct tokens *b, bool *on_it, size_t *length);

#endif
