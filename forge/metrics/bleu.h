/* SPDX-License-Identifier: Apache-2.0
 *
 * BLEU of a corpus (Papineni et al. 2002), as sacrebleu has it: n-grams of 1 to 4 tokens, one reference, the brevity
 * penalty, and for an order of which none is right half, a quarter and so on of what one would be ("exp"). Case counts.
 */
#ifndef FORGE_METRICS_BLEU_H
#define FORGE_METRICS_BLEU_H

#include "forge/metrics/tokens.h"

enum { BLEU_ORDER = 4 };

struct bleu {
    uint64_t correct[BLEU_ORDER], total[BLEU_ORDER];
    uint64_t said, wanted; /* tokens */
};

/* Another pair of texts; all that counts stands in the sums. -ENOMEM. */
int bleu_add(struct bleu *bleu, const struct tokens *said, const struct tokens *wanted);
double bleu_score(const struct bleu *bleu); /* 0 to 100 */

#endif
