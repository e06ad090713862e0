/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding: two passes over one model (docs/design/sequences.md). decoder_begin() computes what of a sequence is the
 * same at every position; decoder_step() one position of sequences that may each be at one of their own. Both give what
 * the pass over all positions gives, to the bit, whatever runs together.
 *
 * What there is of a sequence stands in memory that the caller has: decoder_sequence_bytes() at a cache line, of which
 * nobody else needs to know anything; a copy of it is a sequence that goes on from there. Running allocates nothing,
 * takes no lock and makes no system call. One thread (or one pool) at a time; the model outlives the decoder.
 */
#ifndef SPARSE_PASSES_DECODER_H
#define SPARSE_PASSES_DECODER_H

#include "sparse/passes/forward.h"

struct decoder;

struct decoder_setup {
    const struct model *model; /* checked; it decodes */
    const struct kernels *kernels;
    size_t batch;                     /* sequences at most, of one call */
    struct pool *pool;                /* of steps, borrowed; NULL: the caller alone, */
    unsigned threads;                 /* or one of so many at most that is lent later (decoder_lend()) */
    struct choice_cache *choices;     /* of weight formats; NULL: they are measured */
    const struct decoder *weights_of; /* as in forward_setup */
};

/* -ENOMEM; WISP_E_FORMAT. */
int decoder_new(const struct decoder_setup *setup, struct decoder **out, struct reason *why);
struct decoder *decoder_free(struct decoder *decoder); /* accepts NULL; returns NULL */

/* Frees what neither pass reads of the model. -ENOMEM, and nothing is freed. */
int decoder_strip(struct decoder *decoder, struct model *model);

/* As forward_lend() and forward_threads(), for steps; sequences begin on the caller's thread, unless its setup has a
 * pool. */
void decoder_lend(struct decoder *decoder, struct pool *pool);
unsigned decoder_threads(const struct decoder *decoder);

uint64_t decoder_sequence_bytes(const struct decoder *decoder);
/* Bytes of both passes. */
size_t decoder_memory(const struct decoder *decoder);
/* Both passes: what is computed once, and the step. */
enum { DECODER_PASSES = 2 };
const struct forward *decoder_pass(const struct decoder *decoder, unsigned number);

/* The inputs of decoding_signature(): input t of sequence b at inputs[b * their count + t]. */
void decoder_begin(struct decoder *decoder, const void *const *inputs, unsigned char *const *memory, size_t count);

/* `to` becomes a sequence that goes on from where `from` is. Where it has `begun`, as one of the same inputs, what is
 * computed once is there. */
void decoder_copy(const struct decoder *decoder, unsigned char *to, const unsigned char *from, bool begun);

/* Room in a sequence's memory for its words, decoding.length of them: the caller's. */
int32_t *decoder_words(const struct decoder *decoder, unsigned char *memory);

const struct model *decoder_model(const struct decoder *decoder);

/* Where a sequence is, and the word that it reads there. */
struct decoder_place {
    unsigned char *memory;
    uint32_t position, word;
};

/* Room for as many as the batch: the caller's. */
struct decoder_place *decoder_places(struct decoder *decoder);

/* A number for each word: of word w for place b at [w * count + b], until the next call. */
const float *decoder_step(struct decoder *decoder, const struct decoder_place *places, size_t count);

/* The same in slices of about `ns`, between which the caller does what it likes, but no other step of this decoder:
 * false when that was the last, and then the numbers are there. What the sequences' memory has meanwhile is nobody's
 * business, and it stays till then. A step that nobody wants is left, and the next one begun. */
void decoder_step_begin(struct decoder *decoder, const struct decoder_place *places, size_t count);
bool decoder_step_slice(struct decoder *decoder, uint64_t ns);
const float *decoder_scores(const struct decoder *decoder);
/* Takes the times of a step of one place, and of as many as stand in decoder_places(); an estimate of what steps of so
 * many take from then on. -ENOMEM. 0: no times were taken. */
int decoder_time(struct decoder *decoder, size_t count);
uint64_t decoder_estimate(const struct decoder *decoder, size_t count);

/* Of the last step, which had `count` places: those numbers as probabilities, of word w for place first + c at
 * [w * DECODER_PANEL + c], until the next call. No number, NaN, has none. */
enum { DECODER_PANEL = 16 };
const float *decoder_softmax(struct decoder *decoder, const float *scores, size_t count, size_t first);

#endif
