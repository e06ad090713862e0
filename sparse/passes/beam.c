/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "sparse/graph/model.h"
#include "sparse/kernels/functions.h"
#include "sparse/passes/beam.h"

/* A hypothesis and the word that it would go on with. */
struct choice {
    double score;
    uint32_t parent, word;
};

/* The best of what was offered, best first, of equal ones the one that came first. */
struct choices {
    uint32_t count, room;
    struct choice list[2 * DECODING_BEAM_MAX];
};

static void offer(struct choices *choices, struct choice choice)
{
    uint32_t at = choices->count;

    if (at == choices->room && !(choice.score > choices->list[at - 1].score))
        return;
    if (at < choices->room)
        choices->count++;
    else
        at--;
    for (; at > 0 && choice.score > choices->list[at - 1].score; at--)
        choices->list[at] = choices->list[at - 1];
    choices->list[at] = choice;
}

void beam_begin(struct beam *beam, uint32_t width)
{
    beam->width = width;
    beam->live = 1;
    beam->count = beam->finished = beam->words_count = beam->shared = 0;
    beam->score = -INFINITY;
    beam->ended = false;
    for (uint32_t i = 0; i < width; i++)
        beam->hypotheses[i] = (struct hypothesis){ .memory = beam->hypotheses[i].memory, .begun = !i };
}

/* ---- what goes on, and how well ---- */

/* What a model gives for the words at one place. */
struct column {
    const float *scores;
    size_t step;
    uint32_t words;
    bool probabilities; /* already */
    const float *panel; /* what the softmax makes of it and its neighbours; NULL: nobody needs it */
    size_t place;
};

static double raw(const struct column *column, uint32_t word)
{
    const float score = column->scores[word * column->step];

    return isnan(score) ? -INFINITY : (double)score;
}

/* From what the model gives, best first, to logarithms of probabilities: that of the best follows from the softmax, and
 * each other is as far below it as the number is. */
static void normalise(const struct column *column, struct choices *best)
{
    const struct choice top = best->list[0];
    const float p = column->panel[(size_t)top.word * DECODER_PANEL + column->place % DECODER_PANEL];
    const double logarithm = column->probabilities || isinf(top.score) ? 0 : (double)function_log(p);

    for (uint32_t i = 0; i < best->count; i++) {
        double *score = &best->list[i].score;

        if (column->probabilities)
            *score = *score > 0 ? (double)function_log((float)*score) : -INFINITY;
        else if (isinf(top.score))
            *score = *score == top.score ? 0 : -INFINITY;
        else
            *score = *score - top.score + logarithm;
    }
}

/* The best words behind one hypothesis. Of a beam of one their order is all that counts. */
static void choose_words(const struct beam *beam, const struct column *column, uint32_t parent, struct choices *all)
{
    struct choices best = { .room = beam->width > 1 ? beam->width + 1 : 1 };

    for (uint32_t w = 0; w < column->words; w++)
        offer(&best, (struct choice){ raw(column, w), parent, w });
    if (beam->width > 1)
        normalise(column, &best);
    for (uint32_t i = 0; i < best.count; i++) {
        best.list[i].score += beam->hypotheses[parent].score;
        offer(all, best.list[i]);
    }
}

/* ---- ends ---- */

/* A hypothesis is over, with the words that it has and `words` that its score is of. */
static void finish(const struct decoder *decoder, struct beam *beam, uint32_t parent, double score, uint32_t words)
{
    const double mean = score / words;

    if (beam->finished++ && !(mean > beam->score))
        return;
    beam->score = mean;
    beam->words_count = beam->count;
    memcpy(beam->words, decoder_words(decoder, beam->hypotheses[parent].memory), beam->count * sizeof *beam->words);
}

/* Those that end are over; as many as there may be of the others, best first, are to go on. */
static uint32_t sort_out(const struct decoder *decoder, struct beam *beam, struct choices *all)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < all->count && kept < beam->width; i++) {
        const struct choice *choice = &all->list[i];

        if (choice->word != decoder_model(decoder)->decoding.end)
            all->list[kept++] = *choice;
        else if (i < beam->width)
            finish(decoder, beam, choice->parent, choice->score, beam->count + 1);
    }
    return kept;
}

/* ---- going on ---- */

/* The first of those that go on from a hypothesis has its memory; the others have a copy, where nobody else's is. */
static void branch(const struct decoder *decoder, struct beam *beam, const struct choice *choices, uint32_t count)
{
    struct hypothesis before[DECODING_BEAM_MAX];
    bool taken[DECODING_BEAM_MAX] = { false }, moved[DECODING_BEAM_MAX] = { false };
    uint32_t free = 0;

    memcpy(before, beam->hypotheses, beam->width * sizeof *before);
    for (uint32_t i = 0; i < count; i++) {
        moved[i] = !taken[choices[i].parent];
        if (moved[i])
            beam->hypotheses[i] = before[choices[i].parent];
        taken[choices[i].parent] = true;
    }
    for (uint32_t i = 0; i < beam->width; i++) {
        if (moved[i])
            continue;
        while (taken[free])
            free++;
        beam->hypotheses[i] = before[free++];
        if (i >= count)
            continue;
        decoder_copy(decoder, beam->hypotheses[i].memory, before[choices[i].parent].memory, beam->hypotheses[i].begun);
        beam->hypotheses[i].begun = true;
    }
    for (uint32_t i = 0; i < count; i++) {
        beam->hypotheses[i].score = choices[i].score;
        beam->hypotheses[i].word = choices[i].word;
        decoder_words(decoder, beam->hypotheses[i].memory)[beam->count] = (int32_t)choices[i].word;
    }
    beam->live = count;
    beam->count++;
}

/* Whether all that may become the answer have the same word there. */
static bool agree(const struct decoder *decoder, const struct beam *beam, uint32_t at)
{
    const int32_t word = decoder_words(decoder, beam->hypotheses[0].memory)[at];

    if (beam->finished && (at >= beam->words_count || beam->words[at] != word))
        return false;
    for (uint32_t i = 1; i < beam->live; i++) {
        if (decoder_words(decoder, beam->hypotheses[i].memory)[at] != word)
            return false;
    }
    return true;
}

static void advance(const struct decoder *decoder, struct beam *beam, struct choices *all)
{
    const struct decoding *decoding = &decoder_model(decoder)->decoding;
    const uint32_t count = sort_out(decoder, beam, all);

    beam->ended = beam->finished >= beam->width || !count;
    if (!beam->ended)
        branch(decoder, beam, all->list, count);
    if (!beam->ended && beam->count == decoding->length) {
        for (uint32_t i = 0; i < beam->live; i++)
            finish(decoder, beam, i, beam->hypotheses[i].score, beam->count);
        beam->ended = true;
    }
    while (!beam->ended && beam->shared < beam->count && agree(decoder, beam, beam->shared))
        beam->shared++;
    if (beam->ended)
        beam->shared = beam->words_count;
}

/* ---- all of them ---- */

static size_t gather(const struct decoder *decoder, struct beam *const *beams, size_t count,
                     struct decoder_place *places)
{
    const uint32_t first = decoder_model(decoder)->decoding.begin;
    size_t gathered = 0;

    for (size_t b = 0; b < count; b++) {
        for (uint32_t i = 0; i < beams[b]->live; i++) {
            const struct hypothesis *hypothesis = &beams[b]->hypotheses[i];

            places[gathered++] = (struct decoder_place){ .memory = hypothesis->memory,
                                                         .position = beams[b]->count,
                                                         .word = beams[b]->count ? hypothesis->word : first };
        }
    }
    return gathered;
}

static bool is_wide(struct beam *const *beams, size_t count)
{
    while (count && beams[count - 1]->width == 1)
        count--;
    return count;
}

/* By the numbers of a step that had so many places. */
static void advance_all(struct decoder *decoder, struct beam *const *beams, size_t count, size_t places)
{
    const struct model *model = decoder_model(decoder);
    const float *scores = decoder_scores(decoder);
    const bool wide = is_wide(beams, count);
    struct column column = { .step = places,
                             .words = decoding_vocabulary(model),
                             .probabilities = decoding_gives_probabilities(model) };

    for (size_t b = 0; b < count; b++) {
        struct choices all = { .room = 2 * beams[b]->width };

        for (uint32_t i = 0; i < beams[b]->live; i++, column.place++) {
            if (wide && column.place % DECODER_PANEL == 0)
                column.panel = decoder_softmax(decoder, scores, places, column.place);
            column.scores = scores + column.place;
            choose_words(beams[b], &column, i, &all);
        }
        advance(decoder, beams[b], &all);
    }
}

void beams_step(struct decoder *decoder, struct beam *const *beams, size_t count)
{
    const size_t places = gather(decoder, beams, count, decoder_places(decoder));

    decoder_step(decoder, decoder_places(decoder), places);
    advance_all(decoder, beams, count, places);
}

void beams_step_begin(struct decoder *decoder, struct beam *const *beams, size_t count)
{
    const size_t places = gather(decoder, beams, count, decoder_places(decoder));

    decoder_step_begin(decoder, decoder_places(decoder), places);
}

void beams_step_end(struct decoder *decoder, struct beam *const *beams, size_t count)
{
    size_t places = 0;

    for (size_t b = 0; b < count; b++)
        places += beams[b]->live;
    advance_all(decoder, beams, count, places);
}

const int32_t *beam_words(const struct decoder *decoder, const struct beam *beam)
{
    return beam->ended ? beam->words : decoder_words(decoder, beam->hypotheses[0].memory);
}
