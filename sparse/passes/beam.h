/* SPDX-License-Identifier: Apache-2.0
 *
 * Beam search: of a sequence the `width` most probable beginnings go on, each a place of the same step
 * (docs/design/sequences.md). A width of 1 is greedy decoding: of the words the best, of equal ones the first.
 *
 * A beginning's score is the sum of the logarithms of its words' probabilities; what has ended, by the word that does
 * that or because there may be no more, is held against others by the mean over its words, that one included. A
 * step keeps the best of all that the beginnings go on to; one whose end is among the `width` best has ended. The
 * search is over when `width` have, and the best of them is its answer. Of equal ones the first counts: the better
 * beginning's, then the one of the smaller word. No number, NaN, is the least.
 *
 * Running allocates nothing. What is computed is the same for any company in the batch.
 */
#ifndef SPARSE_PASSES_BEAM_H
#define SPARSE_PASSES_BEAM_H

#include "sparse/graph/decoding.h"
#include "sparse/passes/decoder.h"

/* A beginning, in a sequence's memory of its own (decoder_words() too). */
struct hypothesis {
    unsigned char *memory;
    double score;
    uint32_t word; /* the last of its words */
    bool begun;    /* what is computed once is in the memory */
};

/* The search of one sequence. */
struct beam {
    struct hypothesis hypotheses[DECODING_BEAM_MAX]; /* those that go on, then memory that is free, `width` in all */
    uint32_t width, live;
    uint32_t count;    /* words of each that goes on */
    uint32_t finished; /* how many have ended; */
    double score;      /* the best of them, */
    int32_t *words;    /* and its words, decoding.length at most: the caller's memory */
    uint32_t words_count;
    /* The words that the answer begins with, whatever is still to come, and that all that go on have; when the search
     * has ended, all of them. It never becomes less. */
    uint32_t shared;
    bool ended;
};

/* A search from the first word on. The memories of `width` hypotheses and `words` are there; that of the first is one
 * that decoder_begin() has written. */
void beam_begin(struct beam *beam, uint32_t width);

/* One word further, each of `count` searches that have not ended; all that go on are no more than the decoder's batch.
 */
void beams_step(struct decoder *decoder, struct beam *const *beams, size_t count);

/* The same with a step that the caller makes: what goes in is set up in the decoder, and decoder_step_slice() is to be
 * called to its end; then the searches go on, by what it gave. They are the same ones, and nothing has touched them but
 * that somebody may not want one any more. */
void beams_step_begin(struct decoder *decoder, struct beam *const *beams, size_t count);
void beams_step_end(struct decoder *decoder, struct beam *const *beams, size_t count);

/* The words of which `shared` are certain. */
const int32_t *beam_words(const struct decoder *decoder, const struct beam *beam);

#endif
