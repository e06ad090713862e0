/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/media.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/cli/facts.h"
#include "client/cli/run/tagging.h"
#include "client/cli/run/written.h"

#define OUTSIDE "O"

enum { WORD_COLUMNS_MAX = 40, CATEGORY_COLUMNS = 6, TOGETHER_MAX = 32 /* sentences in one request */ };

CLEANUP_DEFINE(words, wisp_words, wisp_words_free)

static int explain(int result, struct reason *why)
{
    return refuse(why, result, "%s", *wisp_last_error() ? wisp_last_error() : wisp_status_text(result));
}

/* A request for `rows` sentences, or for fewer where there is not so much memory. */
static int prepare(struct run *run, uint32_t *rows, struct reason *why)
{
    int result;

    insist(*rows > 0 && *rows <= TOGETHER_MAX, "%u", *rows);
    result = run_prepare(run, *rows, why);
    while (result == WISP_E_NO_SPACE && *rows > 1) {
        *rows /= 2;
        result = run_prepare(run, *rows, why);
    }
    return result;
}

static int encode(const struct run *run, wisp_words *words, size_t first, struct answer *answer)
{
    const uint64_t begun = clock_ns();
    struct wisp_tensor tensor;
    const int result = wisp_model_input(run->model, 0, &tensor);

    insist(run->rows <= wisp_words_samples(words) - first, "%u from %zu on", run->rows, first);
    for (uint32_t i = 0; !result && i < run->rows; i++)
        wisp_words_encode(words, first + i, wisp_request_input(run->request) + i * tensor.elements);
    answer->encode_ns += clock_ns() - begun;
    return result;
}

static int take(const struct run *run, wisp_words *words, size_t first)
{
    const float *output = wisp_request_output_tensor(run->request, 0);
    struct wisp_tensor tensor;
    int result = wisp_model_output(run->model, 0, &tensor);

    for (uint32_t i = 0; !result && i < run->rows; i++)
        result = wisp_words_take(words, first + i, output + i * tensor.elements);
    return result;
}

/* All sentences, as many at once as a batch has room for. */
static int run_samples(struct run *run, wisp_words *words, struct answer *answer, struct reason *why)
{
    const size_t count = wisp_words_samples(words);
    uint32_t most = TOGETHER_MAX;
    int result;

    for (size_t first = 0; first < count; first += run->rows) {
        uint32_t rows = (uint32_t)MIN(count - first, (size_t)most);

        result = prepare(run, &rows, why);
        if (result)
            return result;
        insist(run->rows == rows && rows > 0, "%u of %u", run->rows, rows); /* or it would not end */
        most = MIN(most, rows);
        result = encode(run, words, first, answer);
        if (result)
            return explain(result, why);
        result = run_send(run, why);
        if (result)
            return result;
        result = take(run, words, first);
        if (result)
            return explain(result, why);
        run_add_timings(run, &answer->timings);
    }
    return 0;
}

static bool is_wanted(const struct run *run, const struct wisp_word *word)
{
    return strcmp(word->category, OUTSIDE) != 0 && (double)word->probability >= run->min;
}

/* ---- for a person ---- */

static size_t widest(const struct run *run, const wisp_words *words)
{
    size_t columns = 0;

    for (size_t i = 0; i < wisp_words_count(words); i++) {
        const struct wisp_word word = wisp_words_word(words, i);

        if (is_wanted(run, &word))
            columns = MAX(columns, text_columns(word.text));
    }
    return MIN(columns, (size_t)WORD_COLUMNS_MAX);
}

static void print_words(const struct run *run, const wisp_words *words)
{
    const struct screen *screen = &run->screen;
    const size_t columns = widest(run, words);
    size_t printed = 0;

    for (size_t i = 0; i < wisp_words_count(words); i++) {
        const struct wisp_word word = wisp_words_word(words, i);

        if (!is_wanted(run, &word))
            continue;
        printed++;
        fputs("  ", screen->file);
        screen_text(screen, STYLE_PLAIN, word.text, columns);
        fputs("  ", screen->file);
        screen_text(screen, STYLE_STRONG, word.category, word.lemma ? CATEGORY_COLUMNS : 0);
        if (word.lemma) {
            fputs("  ", screen->file);
            screen_text(screen, STYLE_PLAIN, word.lemma, 0);
        }
        fputc('\n', screen->file);
    }
    if (!printed) {
        fputs("  ", screen->file);
        screen_text(screen, STYLE_FAINT, "none of its words", 0);
        fputc('\n', screen->file);
    }
}

/* ---- for a file ---- */

static void write_words(struct run *run, const struct input *input, const wisp_words *words)
{
    written_begin(run, input);
    for (size_t i = 0; i < wisp_words_count(words); i++) {
        const struct wisp_word word = wisp_words_word(words, i);

        if (is_wanted(run, &word))
            written_row(run, word.lemma ? 3 : 2, (const char *const[]){ word.text, word.category, word.lemma });
    }
    written_end(run);
}

/* ---- gists ---- */

/* A text's gist is the words that are kept most probably, as many as wisp eval takes, in their order. */
enum { GIST_WORDS = 8 };
#define SUMMARISATION "text.summarisation"
#define KEPT          "kept"

static bool makes_gists(const struct run *run)
{
    return !strcmp(wisp_model_processing(run->model), SUMMARISATION);
}

/* Below 0: it is punctuation, and says nothing. */
static double kept_probability(const struct wisp_word *word)
{
    bool says = false;

    for (const char *at = word->text; *at && !says; at++)
        says = (unsigned char)*at >= 0x80 || isalnum((unsigned char)*at);
    if (!says)
        return -1;
    return !strcmp(word->category, KEPT) ? (double)word->probability : 1 - (double)word->probability;
}

/* Of words that are kept as probably the first come first. */
static bool is_among(const wisp_words *words, size_t word)
{
    const struct wisp_word own = wisp_words_word(words, word);
    size_t before = kept_probability(&own) < 0 ? GIST_WORDS : 0;

    insist(word < wisp_words_count(words), "%zu", word);
    for (size_t i = 0; i < wisp_words_count(words) && before < GIST_WORDS; i++) {
        const struct wisp_word other = wisp_words_word(words, i);
        const double p = kept_probability(&other);

        before += p > kept_probability(&own) || (i < word && !(p < kept_probability(&own)));
    }
    return before < GIST_WORDS;
}

/* Freed by the caller. NULL: out of memory. */
static char *gist_of(const wisp_words *words)
{
    size_t room = 1;
    char *text, *to;

    for (size_t i = 0; i < wisp_words_count(words); i++)
        room += strlen(wisp_words_word(words, i).text) + 1;
    text = to = malloc(room);
    for (size_t i = 0; text && i < wisp_words_count(words); i++) {
        if (!is_among(words, i))
            continue;
        if (to > text)
            *to++ = ' ';
        to = stpcpy(to, wisp_words_word(words, i).text);
    }
    insist((size_t)(to - text) < room, "%zd of %zu", to - text, room);
    if (text)
        *to = '\0';
    return text;
}

static int print_gist(struct run *run, const struct answer *answer, const wisp_words *words)
{
    cleanup_free char *gist = gist_of(words);

    if (!gist)
        return -ENOMEM;
    if (run->writes) {
        written_begin(run, answer->input);
        written_row(run, 1, (const char *const[]){ gist });
        written_end(run);
    }
    if (run->json)
        return answer_print_object(run, answer, "gist", text_json(gist));
    if (run->writes) {
        answer_print_written(run, answer);
        return 0;
    }
    answer_print_heading(run, answer);
    fputs("  ", run->screen.file);
    screen_text(&run->screen, *gist ? STYLE_STRONG : STYLE_FAINT, *gist ? gist : "none of its words", 0);
    fputc('\n', run->screen.file);
    answer_print_timings(run, answer);
    return 0;
}

/* ---- for a program ---- */

static json_t *word_json(const struct wisp_word *word, size_t number)
{
    json_t *object = json_pack("{s:o s:I s:o s:f}", "word", text_json(word->text), "number", (json_int_t)number + 1,
                               "label", text_json(word->category), "probability", (double)word->probability);

    if (word->lemma)
        json_object_set_new(object, "lemma", text_json(word->lemma));
    return object;
}

static json_t *words_json(const struct run *run, const wisp_words *words)
{
    json_t *list = json_array();

    for (size_t i = 0; i < wisp_words_count(words); i++) {
        const struct wisp_word word = wisp_words_word(words, i);

        if (is_wanted(run, &word))
            json_array_append_new(list, word_json(&word, i));
    }
    return list;
}

int tagging_run(struct run *run, const struct input *input, struct reason *why)
{
    cleanup(words_at_exit) wisp_words *words = NULL;
    struct answer answer = { .input = input };
    const uint64_t begun = clock_ns();
    cleanup_free void *bytes = NULL;
    size_t length;
    int result = input_read(input, &bytes, &length, why);

    if (!result && (result = wisp_words_new(run->model, bytes, length, &words)))
        explain(result, why);
    answer.encode_ns = clock_ns() - begun;
    if (!result)
        result = run_samples(run, words, &answer, why);
    if (result)
        return input_refuse(input, result, why);
    if (makes_gists(run))
        return print_gist(run, &answer, words);
    if (run->writes)
        write_words(run, input, words);
    if (run->json)
        return answer_print_object(run, &answer, "words", words_json(run, words));
    if (run->writes) {
        answer_print_written(run, &answer);
        return 0;
    }
    answer_print_heading(run, &answer);
    print_words(run, words);
    answer_print_timings(run, &answer);
    return 0;
}
