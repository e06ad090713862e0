/* SPDX-License-Identifier: Apache-2.0
 *
 * How a model decodes: it gives, for the words of a sequence so far, a number for each word that could come next, and
 * the best is fed back until the end, or those of the best beginnings are (docs/design/sequences.md). Words are whole
 * numbers, as the input takes them.
 *
 * What follows from the input that is fed back goes along the sequence, a position a step: its values' last dimension
 * is that of positions. What does not is the same for the whole sequence.
 */
#ifndef SPARSE_GRAPH_DECODING_H
#define SPARSE_GRAPH_DECODING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sparse/graph/signature.h"

struct model;

#define DECODING_WORDS_MAX (1u << 24) /* words are whole numbers below, so floats have them exactly */
#define DECODING_BEAM_MAX  16u        /* beginnings of a sequence that go on at once */

struct decoding {
    uint32_t length; /* words of a sequence at most; 0: the model does not decode */
    uint32_t input;  /* the number of the input that is fed back */
    uint32_t begin;  /* the word that stands before the first */
    uint32_t end;    /* the word that ends a sequence, and is none of it */
    uint32_t beam;   /* beginnings that go on at once, if nobody says otherwise; 0: greedy decoding, as with 1 */
};

/* Of a model that is checked but for this: inputs, output and layers. WISP_E_FORMAT, and says which. */
int decoding_check(const struct model *model, struct reason *why);

/* Which values go along the sequence; `along` has model_value_count(). */
void decoding_mark(const struct model *model, bool *along);

/* Positions of the input that is fed back, and words that there are. */
uint32_t decoding_positions(const struct model *model);
uint32_t decoding_vocabulary(const struct model *model);

/* How wide the beam of a search is, for which somebody wishes `wish`; 0: nobody does. */
uint32_t decoding_beam(const struct decoding *decoding, uint32_t wish);

/* Whether the numbers are probabilities already; else a softmax makes probabilities of them. */
bool decoding_gives_probabilities(const struct model *model);

/* What goes into a request and comes out of it: the other inputs; the words, and how many there are with the mark of
 * the request. `model` decodes. */
enum { DECODING_WORDS, DECODING_PROGRESS, DECODING_OUTPUTS };
struct signature decoding_signature(const struct model *model);

#endif
