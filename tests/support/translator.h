/* SPDX-License-Identifier: Apache-2.0
 *
 * Small models that decode, with random weights: an encoder of "source" and a decoder of "target", of attention or of
 * a recurrent kind. Fails the test when it cannot be.
 */
#ifndef TESTS_SUPPORT_TRANSLATOR_H
#define TESTS_SUPPORT_TRANSLATOR_H

#include "sparse/graph/model.h"

struct translator {
    const char *kind;           /* "attention", "lstm" or "gru" */
    uint32_t source, positions; /* of both inputs */
    uint32_t length;            /* words at most; 0: as many as positions */
    uint32_t vocabulary, width; /* width: even */
    uint32_t begin, end;
    bool masked; /* attention leaves out the word 0 */
    uint64_t seed;
};

/* Checked. */
struct model *translator_model(const struct translator *translator);

/* Greedy decoding by the plain forward pass over all positions, a pass a word: what every other way is held against.
 * `source` has translator->source words; writes the words and returns how many. */
uint32_t translator_decode(const struct model *model, const int32_t *source, int32_t *words);

/* The same by a beam, as sparse/passes/beam.h says; `score` of the answer. */
uint32_t translator_search(const struct model *model, const int32_t *source, uint32_t width, int32_t *words,
                           double *score);
/* The best of all sequences that there are, each by a pass of its own. */
uint32_t translator_exhaust(const struct model *model, const int32_t *source, int32_t *words, double *score);

#endif
