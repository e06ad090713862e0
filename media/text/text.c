/* SPDX-License-Identifier: Apache-2.0
 *
 * A text's way: checked as UTF-8 from end to end; its first `limit` bytes normalised (NFKC, case folded, ignorable and
 * control characters dropped, runs of white space to one space, a space at either end as boundary); its n-grams hashed
 * and counted; the counts weighted, also by how rare their features are, and scaled to length 1 (or, of a sequence, its
 * words hashed, each to a number). Sums run in ascending order, so the result is the same wherever log() rounds the
 * same.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/spec/logarithm.h"
#include "media/spec/media.h"
#include "media/spec/sniff.h"
#include "media/spec/spec.h"
#include "media/text/characters.h"
#include "media/text/check.h"
#include "media/text/pieces.h"

/* Seeds of the hash: a word of one letter is not the letter. */
enum { SEED_CHARACTERS = 0, SEED_WORDS = 1 };

/* Pieces of `bytes`, in order: the i-th ends where the next begins, but for `gap` bytes between them. */
struct pieces {
    char *bytes;
    size_t *starts; /* count + 1 of them */
    size_t count;
    size_t gap;
};

static void pieces_deinit(struct pieces *pieces)
{
    free(pieces->bytes);
    free(pieces->starts);
}

/* Room for what `count` code points can become, with one more piece on either side. */
static int pieces_init(struct pieces *pieces, size_t count, size_t gap)
{
    pieces->bytes = memory_alloc(count + 2, 4 + gap);
    pieces->starts = memory_alloc(count + 3, sizeof *pieces->starts);
    if (!pieces->bytes || !pieces->starts)
        return -ENOMEM;
    pieces->gap = gap;
    pieces->starts[0] = 0;
    return 0;
}

/* The longest part of at most `limit` bytes that ends between two characters. */
static size_t limited(const char *text, size_t length, size_t limit)
{
    if (length <= limit)
        return length;
    while (limit && ((unsigned char)text[limit] & 0xc0) == 0x80)
        limit--;
    return limit;
}

/* Code points in NFKC, case folded, without control characters; *out is freed by the caller. */
static int normalise(const char *text, size_t length, utf8proc_int32_t **out, size_t *count)
{
    const utf8proc_option_t options =
        UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
    int result = characters_normalise(text, length, options, out, count);

    if (!result)
        *count = text_drop(*out, *count, ' ');
    return result;
}

static void add_character(struct pieces *pieces, utf8proc_int32_t point)
{
    size_t at = pieces->starts[pieces->count];
    utf8proc_ssize_t used = utf8proc_encode_char(point, (utf8proc_uint8_t *)pieces->bytes + at);

    pieces->starts[++pieces->count] = at + (size_t)used;
}

/* The characters, with one space for each run of white space, and one at either end. */
static int cut_characters(const utf8proc_int32_t *points, size_t count, struct pieces *out)
{
    bool space = true;
    int result = pieces_init(out, count, 0);

    if (result)
        return result;
    for (size_t i = 0; i < count; i++) {
        if (character_is_space(points[i])) {
            space = true;
        } else {
            if (space)
                add_character(out, ' ');
            add_character(out, points[i]);
            space = false;
        }
    }
    if (out->count)
        add_character(out, ' ');
    return 0;
}

/* The words, with one space between them. */
static int cut_words(const utf8proc_int32_t *points, size_t count, struct pieces *out)
{
    size_t used = 0;
    bool inside = false;
    int result = pieces_init(out, count, 1);

    if (result)
        return result;
    for (size_t i = 0; i <= count; i++) {
        bool word = i < count && character_is_word(points[i]);

        if (word)
            used += (size_t)utf8proc_encode_char(points[i], (utf8proc_uint8_t *)out->bytes + used);
        if (inside && !word) {
            out->bytes[used++] = ' ';
            out->starts[++out->count] = used;
        }
        inside = word;
    }
    return 0;
}

static void count_grams(const struct pieces *pieces, const uint32_t lengths[2], uint64_t seed, uint32_t features,
                        float *out)
{
    for (size_t n = lengths[0]; n && n <= lengths[1]; n++) {
        for (size_t i = 0; i + n <= pieces->count; i++) {
            size_t from = pieces->starts[i], to = pieces->starts[i + n] - pieces->gap;

            out[XXH3_64bits_withSeed(pieces->bytes + from, to - from, seed) % features] += 1;
        }
    }
}

static float weighted(float count, uint32_t weight)
{
    switch (weight) {
    case MEDIA_WEIGHT_SQRT:
        return sqrtf(count);
    case MEDIA_WEIGHT_LOG:
        return (float)portable_log(1 + (double)count);
    default:
        return count;
    }
}

uint8_t media_idf(uint64_t texts, uint64_t with_it)
{
    double idf = MEDIA_IDF_STEPS * portable_log((1 + (double)texts) / (1 + (double)with_it));

    return (uint8_t)MAX(0, MIN(rint(idf), UINT8_MAX));
}

/* What a float holds exactly. */
static float idf_factor(const struct text_spec *spec, uint32_t feature)
{
    return spec->idf ? 1 + (float)spec->idf[feature] / MEDIA_IDF_STEPS : 1;
}

static void weigh(const struct text_spec *spec, float *out)
{
    double squares = 0;
    float factor;

    for (uint32_t i = 0; i < spec->features; i++) {
        if (out[i] > 0) {
            out[i] = weighted(out[i], spec->weight) * idf_factor(spec, i);
            squares += (double)out[i] * (double)out[i];
        }
    }
    if (spec->norm != MEDIA_NORM_L2 || squares == 0)
        return;
    factor = (float)(1 / sqrt(squares));
    for (uint32_t i = 0; i < spec->features; i++)
        out[i] *= factor;
}

/* A number for each word, from 1 on, in their order; behind the last word 0. */
static void number_words(const struct pieces *words, const struct text_spec *spec, float *out)
{
    const size_t count = MIN(words->count, (size_t)spec->sequence);

    for (size_t i = 0; i < count; i++) {
        const size_t from = words->starts[i], to = words->starts[i + 1] - words->gap;
        const uint64_t hash = XXH3_64bits_withSeed(words->bytes + from, to - from, SEED_WORDS);

        out[i] = (float)(1 + hash % (spec->features - 1));
    }
    memset(out + count, 0, (spec->sequence - count) * sizeof *out);
}

/* By the vocabulary: the text as it is, but that there is something to read in it. */
static int encode_pieces(const struct text_spec *spec, const char *name, const char *text, size_t length, float *out,
                         struct reason *why)
{
    int result = media_check_text(name, text, length, why);
    size_t mark;

    if (result)
        return result;
    length = limited(text, length, spec->limit);
    mark = text_mark(text, length);
    result = pieces_encode(spec->vocabulary, text + mark, length - mark, out, spec->sequence);
    return result ? refuse_errno(why, result, "%s", name) : 0;
}

/* The words that the text begins with. */
static int encode_words(const struct media *media, const char *name, const char *text, size_t length, float *out,
                        struct reason *why)
{
    struct media_words *words = NULL;
    int result = media_words_new(media, name, text, limited(text, length, media->text.limit), &words, why);

    if (result)
        return result;
    media_words_encode(words, &(struct media_window){ 0, media_words_count(words) }, out);
    media_words_free(words);
    return 0;
}

int media_encode_text(const struct media *media, const char *name, const char *text, size_t length, float *out,
                      struct reason *why)
{
    const struct text_spec *spec = &media->text;
    cleanup_free utf8proc_int32_t *points = NULL;
    cleanup(pieces_deinit) struct pieces characters = { .count = 0 };
    cleanup(pieces_deinit) struct pieces words = { .count = 0 };
    size_t count;
    int result;

    if (spec->vocabulary)
        return encode_pieces(spec, name, text, length, out, why);
    if (spec->each == MEDIA_EACH_WORD)
        return encode_words(media, name, text, length, out, why);
    result = text_check_utf8(name, text, length, why);
    if (result)
        return result;
    result = normalise(text, limited(text, length, spec->limit), &points, &count);
    if (!result)
        result = cut_characters(points, count, &characters);
    if (!result)
        result = cut_words(points, count, &words);
    if (result)
        return refuse_errno(why, result, "%s", name);
    if (!characters.count)
        return text_refuse_empty(name, length, why);
    if (spec->sequence) {
        number_words(&words, spec, out);
        return 0;
    }
    memset(out, 0, spec->features * sizeof *out);
    count_grams(&characters, spec->characters, SEED_CHARACTERS, spec->features, out);
    count_grams(&words, spec->words, SEED_WORDS, spec->features, out);
    weigh(spec, out);
    return 0;
}
