/* SPDX-License-Identifier: Apache-2.0
 *
 * A text in words, and what a model says of each. The daemon is not believed: what it answers must be probabilities,
 * and which label is meant follows from them here.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/media.h>
#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/export.h"
#include "base/insist.h"
#include "base/memory.h"
#include "client/codecs/codec.h"
#include "media/spec/media.h"

struct word {
    char *text, *category, *lemma;
    uint32_t label;
    float probability;
};

struct wisp_words {
    const wisp_model *model;
    struct media_words *words;
    const struct media_window *windows;
    size_t samples, count, labels, positions; /* positions: of the model's answer */
    struct word *list;
};

CLEANUP_DEFINE(words, wisp_words, wisp_words_free)

/* Whether it takes floats, and what it gives is a probability for each of its labels, at each position. */
static bool gives_labels(const wisp_model *model, const struct media *media, struct wisp_tensor *output)
{
    return media && media_is_of_words(media) && wisp_model_input_size(model) && wisp_model_output_count(model) == 1 &&
           !wisp_model_output(model, 0, output) && output->dtype == WISP_FLOAT32 && output->rank == 2 &&
           output->dimensions[0] == wisp_model_label_count(model) &&
           output->dimensions[1] == media_elements(media) / MEDIA_WORD_NUMBERS;
}

WISP_EXPORT int wisp_takes_words(const wisp_model *model)
{
    const struct media *media;
    struct wisp_tensor output;

    return !codec_media(model, &media) && gives_labels(model, media, &output);
}

static int copy_words(wisp_words *w)
{
    w->count = media_words_count(w->words);
    w->list = calloc(w->count + 1, sizeof *w->list);
    for (size_t i = 0; w->list && i < w->count; i++) {
        size_t length;
        const char *text = media_word(w->words, i, &length);

        w->list[i].text = strndup(text, length);
        if (!w->list[i].text)
            return -ENOMEM;
    }
    return w->list ? 0 : -ENOMEM;
}

WISP_EXPORT int wisp_words_new(const wisp_model *model, const void *text, size_t length, wisp_words **words)
{
    cleanup(words_at_exit) wisp_words *w = calloc(1, sizeof *w);
    struct reason *why = wisp_private_last_error();
    const struct media *media;
    struct wisp_tensor output;
    int result = w ? codec_media(model, &media) : refuse_errno(why, -ENOMEM, "words");

    if (result)
        return result;
    if (!gives_labels(model, media, &output))
        return refuse(why, WISP_E_INVALID, "%s says nothing of each word of a text", wisp_model_name(model));
    w->model = model;
    w->labels = output.dimensions[0];
    w->positions = output.dimensions[1];
    result = media_words_new(media, "text", text, length, &w->words, why);
    if (result)
        return result;
    w->samples = media_words_windows(w->words, &w->windows);
    if (copy_words(w))
        return refuse_errno(why, -ENOMEM, "words");
    *words = steal(&w);
    return 0;
}

WISP_EXPORT wisp_words *wisp_words_free(wisp_words *words)
{
    if (words) {
        for (size_t i = 0; words->list && i < words->count; i++) {
            free(words->list[i].text);
            free(words->list[i].category);
            free(words->list[i].lemma);
        }
        free(words->list);
        media_words_free(words->words);
        free(words);
    }
    return NULL;
}

WISP_EXPORT size_t wisp_words_samples(const wisp_words *words)
{
    return words->samples;
}

WISP_EXPORT void wisp_words_encode(const wisp_words *words, size_t sample, float *input)
{
    insist(sample < words->samples, "%zu of %zu", sample, words->samples);
    media_words_encode(words->words, &words->windows[sample], input);
}

/* The label, and what it says. */
static int take_label(wisp_words *w, struct word *word, uint32_t label, float probability)
{
    const char *name = wisp_model_label(w->model, label);
    size_t length;
    char *lemma;

    insist(label < w->labels, "%u", label);
    if (media_lemma(word->text, strlen(word->text), name, &length, &lemma))
        return -ENOMEM;
    free(word->category);
    free(word->lemma);
    word->category = strndup(name, length);
    word->lemma = lemma;
    word->label = label;
    word->probability = probability;
    return word->category ? 0 : -ENOMEM;
}

WISP_EXPORT int wisp_words_take(wisp_words *words, size_t sample, const float *output)
{
    const struct media_window *window = &words->windows[sample];
    struct reason *why = wisp_private_last_error();

    insist(sample < words->samples, "%zu of %zu", sample, words->samples);
    insist(window->count <= words->positions && window->first + window->count <= words->count, "%zu", window->count);

    for (size_t i = 0; i < window->count; i++) {
        size_t best = 0;

        for (size_t l = 0; l < words->labels; l++) {
            const float p = output[l * words->positions + i];

            if (!(p >= 0 && p <= 1))
                return refuse(why, WISP_E_FORMAT, "%s: what it says of word %zu is no probability",
                              wisp_model_name(words->model), window->first + i + 1);
            if (p > output[best * words->positions + i])
                best = l;
        }
        if (take_label(words, &words->list[window->first + i], (uint32_t)best, output[best * words->positions + i]))
            return refuse_errno(why, -ENOMEM, "words");
    }
    return 0;
}

WISP_EXPORT size_t wisp_words_count(const wisp_words *words)
{
    return words->count;
}

WISP_EXPORT struct wisp_word wisp_words_word(const wisp_words *words, size_t word)
{
    const struct word *w = &words->list[word];

    insist(word < words->count, "%zu of %zu", word, words->count);
    return (struct wisp_word){ w->text, w->label, w->probability, w->category ? w->category : "", w->lemma };
}
