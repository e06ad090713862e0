/* SPDX-License-Identifier: Apache-2.0
 *
 * N-grams of tokens, as BLEU and ROUGE count them.
 */
#ifndef FORGE_METRICS_NGRAMS_H
#define FORGE_METRICS_NGRAMS_H

#include "forge/metrics/tokens.h"

static inline size_t ngrams_count(const struct tokens *tokens, size_t n)
{
    return tokens->count < n ? 0 : tokens->count - n + 1;
}

/* How many they share: of each as many as the one has that has fewer. -ENOMEM. */
int ngrams_shared(const struct tokens *a, const struct tokens *b, size_t n, size_t *out);

#endif
