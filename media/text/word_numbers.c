/* SPDX-License-Identifier: Apache-2.0
 *
 * Words that get labels of their own. A word is eleven numbers, each hashed with a seed of its own: the word, case
 * folded; its shape, and whether it is the first; its last one to four characters, and its first one to three; how
 * often it has occurred in the text; and how far from the beginning it is. 0 is what a word has not, and what is no
 * word. What a network says of a word it says of these and its neighbours': so a word that nobody has seen has its
 * ending, and hashes that two words share do little harm.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/spec/media.h"
#include "media/spec/spec.h"
#include "media/text/characters.h"
#include "media/text/check.h"
#include "media/text/utf16.h"
#include "media/text/words.h"

enum {
    FORM,
    SHAPE,
    SUFFIXES, /* of 1 to 4 */
    PREFIXES = SUFFIXES + 4,
    OCCURRENCES = PREFIXES + 3,
    DISTANCE,
    NUMBERS,
};
_Static_assert((int)NUMBERS == (int)MEDIA_WORD_NUMBERS, "as many as are said");

enum { SHAPE_MAX = 16, OCCURRENCES_MAX = 4, DISTANCE_MAX = 16 };

struct media_words {
    uint32_t features, room; /* of the description: numbers there are, and words of a window */
    char *bytes;             /* UTF-8 */
    size_t *starts;          /* count + 1 of them */
    uint64_t *folded;        /* hash of each word, case folded */
    float *numbers;          /* NUMBERS a word; but for whether it is the first */
    uint64_t *shapes;
    struct media_window *windows;
    size_t count, window_count;
};

CLEANUP_DEFINE(media_words, struct media_words, media_words_free)

static float number_of(const struct media_words *w, const void *bytes, size_t length, unsigned which)
{
    return (float)(1 + XXH3_64bits_withSeed(bytes, length, which) % (w->features - 1));
}

/* "Xx9-": sorts of characters, the same in a row as one; of others the character itself. */
static uint64_t shape_of(const utf8proc_int32_t *points, size_t count)
{
    utf8proc_int32_t shape[SHAPE_MAX];
    size_t used = 0;

    for (size_t i = 0; i < count && used < SHAPE_MAX; i++) {
        const utf8proc_category_t category = utf8proc_category(points[i]);
        utf8proc_int32_t sort = points[i];

        if (category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT)
            sort = 'X';
        else if (category <= UTF8PROC_CATEGORY_ME && category)
            sort = 'x';
        else if (character_is_word(points[i]))
            sort = '9';
        if (!used || shape[used - 1] != sort)
            shape[used++] = sort;
    }
    return XXH3_64bits(shape, used * sizeof *shape);
}

/* Number n of those that begin or end the word; 0: it is shorter. */
static float part_of(const struct media_words *w, const utf8proc_int32_t *points, size_t count, unsigned which)
{
    const bool suffix = which < PREFIXES;
    const size_t length = which - (suffix ? SUFFIXES : PREFIXES) + 1;

    if (length > count)
        return 0;
    return number_of(w, suffix ? points + count - length : points, length * sizeof *points, which);
}

/* How often, or how far: 1, 2, 3 and so on up to the most. */
static float amount_of(const struct media_words *w, size_t amount, size_t max, unsigned which)
{
    const uint32_t said = (uint32_t)MIN(amount, max);

    return number_of(w, &said, sizeof said, which);
}

static size_t occurrences_before(const struct media_words *w, size_t word)
{
    size_t times = 0;

    for (size_t i = word; i-- > 0 && times < OCCURRENCES_MAX;)
        times += w->folded[i] == w->folded[word];
    return times;
}

static int describe(struct media_words *w, size_t word, const utf8proc_int32_t *points, size_t count)
{
    cleanup_free utf8proc_int32_t *folded = NULL;
    float *out = w->numbers + word * NUMBERS;
    const char *bytes = w->bytes + w->starts[word];
    size_t length;
    int result = characters_normalise(bytes, w->starts[word + 1] - w->starts[word],
                                      UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD, &folded,
                                      &length);

    if (result)
        return result;
    w->folded[word] = XXH3_64bits(folded, length * sizeof *folded);
    w->shapes[word] = shape_of(points, count);
    out[FORM] = number_of(w, folded, length * sizeof *folded, FORM);
    for (unsigned which = SUFFIXES; which < OCCURRENCES; which++)
        out[which] = part_of(w, folded, length, which);
    out[OCCURRENCES] = amount_of(w, occurrences_before(w, word), OCCURRENCES_MAX, OCCURRENCES);
    out[DISTANCE] = amount_of(w, word, DISTANCE_MAX, DISTANCE);
    return 0;
}

static int take_words(struct media_words *w, const struct words *words)
{
    int result = 0;

    for (size_t i = 0; !result && i < words->count; i++) {
        const struct word_span *span = &words->spans[i];
        size_t used = w->starts[i];

        for (size_t at = span->begin; at < span->end; at++)
            used += (size_t)utf8proc_encode_char(words->points[at], (utf8proc_uint8_t *)w->bytes + used);
        w->starts[i + 1] = used;
        result = describe(w, i, words->points + span->begin, span->end - span->begin);
    }
    return result;
}

/* A full stop, or what else ends a sentence. */
static bool ends_sentence(const struct media_words *w, size_t word)
{
    return w->starts[word + 1] > w->starts[word] && strchr(".!?", w->bytes[w->starts[word]]) != NULL;
}

/* A sentence, or as much of it as there is room for. */
static void cut_windows(struct media_words *w)
{
    for (size_t first = 0, end; first < w->count; first = end) {
        end = first + 1;
        while (end < w->count && end - first < w->room && !ends_sentence(w, end - 1))
            end++;
        w->windows[w->window_count++] = (struct media_window){ first, end - first };
    }
}

static int make_room(struct media_words *w, size_t words, size_t points)
{
    w->bytes = memory_alloc(points + 1, 4);
    w->starts = memory_zalloc(words + 1, sizeof *w->starts);
    w->folded = memory_alloc(words + 1, sizeof *w->folded);
    w->shapes = memory_alloc(words + 1, sizeof *w->shapes);
    w->numbers = memory_alloc(words + 1, NUMBERS * sizeof *w->numbers);
    w->windows = memory_alloc(words + 1, sizeof *w->windows);
    return w->bytes && w->starts && w->folded && w->shapes && w->numbers && w->windows ? 0 : -ENOMEM;
}

static int new_of_utf8(const struct media *media, const char *name, const char *text, size_t length,
                       struct media_words **out, struct reason *why)
{
    cleanup(media_words_at_exit) struct media_words *w = calloc(1, sizeof *w);
    cleanup(words_deinit) struct words words = { .points = NULL };
    const size_t mark = text_mark(text, length);
    int result = media_check_text(name, text, length, why);

    if (result)
        return result;
    result = w ? words_init(&words, text + mark, length - mark) : -ENOMEM;
    if (!result) {
        *w = (struct media_words){ .features = media->text.features, .room = media->text.sequence };
        w->count = words.count;
        result = make_room(w, words.count, words.count ? words.spans[words.count - 1].end : 0);
    }
    if (!result)
        result = take_words(w, &words);
    if (result)
        return refuse_errno(why, result, "%s", name);
    cut_windows(w);
    *out = steal(&w);
    return 0;
}

/* UTF-16 with its mark is read as the other models of texts read it. */
int media_words_new(const struct media *media, const char *name, const char *text, size_t length,
                    struct media_words **out, struct reason *why)
{
    cleanup_free char *made = NULL;
    const void *utf8 = text;
    int result = utf16_resolve(name, &utf8, &length, &made, why);

    return result ? result : new_of_utf8(media, name, utf8, length, out, why);
}

struct media_words *media_words_free(struct media_words *words)
{
    if (words) {
        free(words->bytes);
        free(words->starts);
        free(words->folded);
        free(words->shapes);
        free(words->numbers);
        free(words->windows);
        free(words);
    }
    return NULL;
}

size_t media_words_count(const struct media_words *words)
{
    return words->count;
}

const char *media_word(const struct media_words *words, size_t word, size_t *length)
{
    *length = words->starts[word + 1] - words->starts[word];
    return words->bytes + words->starts[word];
}

size_t media_words_windows(const struct media_words *words, const struct media_window **windows)
{
    *windows = words->windows;
    return words->window_count;
}

void media_words_encode(const struct media_words *words, const struct media_window *window, float *out)
{
    const size_t count = MIN(window->count, (size_t)words->room);

    memcpy(out, words->numbers + window->first * NUMBERS, count * NUMBERS * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        const uint64_t shape[] = { words->shapes[window->first + i], !i };

        out[i * NUMBERS + SHAPE] = number_of(words, shape, sizeof shape, SHAPE);
    }
    memset(out + count * NUMBERS, 0, (words->room - count) * NUMBERS * sizeof *out);
}
