/* SPDX-License-Identifier: Apache-2.0
 *
 * How good a gist the words make that a network would keep: of each text (kept.h) the GIST_WORDS words (with a letter
 * or a number in them) that are kept most probably, in their order, against the gist that people wrote; and, for a
 * comparison, the words that it begins with.
 */
#ifndef FORGE_DATA_GISTS_H
#define FORGE_DATA_GISTS_H

#include "forge/data/dataset.h"
#include "forge/metrics/rouge.h"

enum { GIST_WORDS = 8 };

struct gist_scores {
    const struct dataset *data;
    size_t positions; /* of the network's output, [labels][positions][samples] */
    size_t kept;      /* which of the labels */
    struct rouge chosen, first;
};

/* Of a batch's samples; the argument is a struct gist_scores. -ENOMEM. */
int gists_add(void *scores, const uint32_t *which, size_t count, const float *output);

#endif
