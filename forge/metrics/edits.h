/* SPDX-License-Identifier: Apache-2.0
 *
 * How many tokens have to be changed, left out or put in to make one text of another (Levenshtein 1966). Over all
 * tokens that are wanted it is the word error rate, or, of characters, the character error rate.
 */
#ifndef FORGE_METRICS_EDITS_H
#define FORGE_METRICS_EDITS_H

#include "forge/metrics/tokens.h"

/* -ENOMEM. */
int edits_count(const struct tokens *said, const struct tokens *wanted, size_t *out);

#endif
