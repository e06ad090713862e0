/* SPDX-License-Identifier: Apache-2.0
 *
 * How many of decoded sequences are right, by the numbers of their words.
 */
#ifndef FORGE_DECODING_SCORES_H
#define FORGE_DECODING_SCORES_H

#include <jansson.h>
#include <stdio.h>

#include "forge/decoding/decode.h"

struct decoding_scores {
    uint64_t sequences, exact; /* exact: word by word, to the end */
    uint64_t words, said;      /* of targets, and of answers */
    uint64_t right;            /* at the same place in both */
};

/* decode_see() of a struct decoding_scores, which it adds to. */
void decoding_scores_see(void *scores, const struct decoded *decoded);

void decoding_scores_print(const struct decoding_scores *scores, FILE *to);
/* {"sequences", "exact_match", "words", "said", "right"} */
json_t *decoding_scores_json(const struct decoding_scores *scores);

#endif
