/* SPDX-License-Identifier: Apache-2.0
 *
 * Beam search and exhaustive search as one would write them down: every beginning has its words, and each step asks the
 * plain forward pass anew and sorts everything that there is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/functions.h"
#include "sparse/passes/forward.h"
#include "support/test.h"
#include "support/translator.h"

enum { WORDS_MAX = 32, VOCABULARY_MAX = 16, BEAM_MAX = 16 };

struct beginning {
    int32_t words[WORDS_MAX];
    uint32_t count;
    double score;
    /* what it would go on with */
    float raw;
    uint32_t parent;
    int32_t word;
};

struct search {
    const struct model *model;
    struct forward *forward;
    uint32_t vocabulary, positions, length;
    int32_t end;
    struct beginning best; /* of those that have ended, score being the mean */
    uint32_t ended;
};

static void search_init(struct search *search, const struct model *model, const int32_t *source)
{
    const struct forward_setup setup = {
        .model = model, .kernels = kernels_find("scalar"), .mode = LAYER_EVALUATE, .batch = 1
    };
    struct reason why;

    *search = (struct search){ .model = model,
                               .vocabulary = decoding_vocabulary(model),
                               .positions = decoding_positions(model),
                               .length = model->decoding.length,
                               .end = (int32_t)model->decoding.end };
    assert_true(search->length <= WORDS_MAX && search->vocabulary <= VOCABULARY_MAX);
    assert_ok(forward_new(&setup, &search->forward, &why), why);
    for (uint64_t i = 0; i < shape_elements(&model->signature.inputs[0].shape); i++)
        forward_input(search->forward, 0)[i] = (float)source[i];
}

/* What the model gives for each word behind a beginning, and its logarithm as a probability. */
static void ask(const struct search *search, const struct beginning *b, float *raw, double *logarithms)
{
    float *target = forward_input(search->forward, 1), p[VOCABULARY_MAX];
    const float *output;
    uint32_t best = 0;

    target[0] = (float)search->model->decoding.begin;
    for (uint32_t i = 0; i < b->count && i + 1 < search->positions; i++)
        target[i + 1] = (float)b->words[i];
    forward_run(search->forward, LAYER_EVALUATE, forward_input(search->forward, 0), 1);
    output = forward_value(search->forward, search->model->signature.outputs[0].value);
    for (uint32_t w = 0; w < search->vocabulary; w++) {
        raw[w] = output[w * search->positions + b->count];
        best = raw[w] > raw[best] ? w : best;
    }
    kernels_find("auto")->softmax(raw, p, search->vocabulary, 1, 0, 1);
    for (uint32_t w = 0; w < search->vocabulary; w++)
        logarithms[w] = (double)raw[w] - (double)raw[best] + (double)function_log(p[best]);
}

static void end_one(struct search *search, const struct beginning *b, double score, uint32_t words)
{
    if (search->ended++ && score / words <= search->best.score)
        return;
    search->best = *b;
    search->best.score = score / words;
}

static int compare(const void *left, const void *right)
{
    const struct beginning *a = left, *b = right;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->parent != b->parent)
        return a->parent < b->parent ? -1 : 1;
    if (a->raw != b->raw)
        return a->raw > b->raw ? -1 : 1;
    return a->word < b->word ? -1 : 1;
}

/* Everything that `count` beginnings go on to, best first. */
static uint32_t list(const struct search *search, const struct beginning *from, uint32_t count, struct beginning *to)
{
    float raw[VOCABULARY_MAX];
    double logarithms[VOCABULARY_MAX];
    uint32_t all = 0;

    for (uint32_t b = 0; b < count; b++) {
        ask(search, &from[b], raw, logarithms);
        for (uint32_t w = 0; w < search->vocabulary; w++, all++) {
            to[all] = from[b];
            to[all].score += logarithms[w];
            to[all].raw = raw[w];
            to[all].parent = b;
            to[all].word = (int32_t)w;
        }
    }
    qsort(to, all, sizeof *to, compare);
    return all;
}

static uint32_t take_answer(struct search *search, int32_t *words, double *score)
{
    forward_free(search->forward);
    memcpy(words, search->best.words, search->best.count * sizeof *words);
    *score = search->best.score;
    return search->best.count;
}

uint32_t translator_search(const struct model *model, const int32_t *source, uint32_t width, int32_t *words,
                           double *score)
{
    struct beginning *now = memory_zalloc(BEAM_MAX, sizeof *now);
    struct beginning *next = memory_zalloc(BEAM_MAX * VOCABULARY_MAX, sizeof *next);
    struct search search;
    uint32_t count = 1;

    search_init(&search, model, source);
    while (count && search.ended < width) {
        const uint32_t all = list(&search, now, count, next);

        count = 0;
        for (uint32_t i = 0; i < all && count < width; i++) {
            if (next[i].word != search.end) {
                now[count] = next[i];
                now[count].words[now[count].count++] = next[i].word;
                count++;
            } else if (i < width) {
                end_one(&search, &next[i], next[i].score, next[i].count + 1);
            }
        }
        if (search.ended >= width || !count || now[0].count < search.length)
            continue;
        for (uint32_t i = 0; i < count; i++)
            end_one(&search, &now[i], now[i].score, now[i].count);
        break;
    }
    free(now);
    free(next);
    return take_answer(&search, words, score);
}

static void exhaust(struct search *search, const struct beginning *from)
{
    float raw[VOCABULARY_MAX];
    double logarithms[VOCABULARY_MAX];

    if (from->count == search->length) {
        end_one(search, from, from->score, from->count);
        return;
    }
    ask(search, from, raw, logarithms);
    for (uint32_t w = 0; w < search->vocabulary; w++) {
        struct beginning next = *from;

        next.score += logarithms[w];
        if ((int32_t)w == search->end) {
            end_one(search, from, next.score, from->count + 1);
            continue;
        }
        next.words[next.count++] = (int32_t)w;
        exhaust(search, &next);
    }
}

uint32_t translator_exhaust(const struct model *model, const int32_t *source, int32_t *words, double *score)
{
    const struct beginning nothing = { .count = 0 };
    struct search search;

    search_init(&search, model, source);
    exhaust(&search, &nothing);
    return take_answer(&search, words, score);
}
