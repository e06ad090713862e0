/* SPDX-License-Identifier: Apache-2.0
 *
 * Chunks are counted, and then each that differs is kept in parts. A candidate knows how often it would be put
 * together, and in which chunks it may be: those that had it once. The heap may say of a candidate that it occurs more
 * often than it does by now; then it goes back with the number that is true.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/vocabulary/learner.h"
#include "forge/vocabulary/strings.h"
#include "media/text/chunks.h"

enum { OCCURRENCES_MIN = 2 };

/* A chunk, in parts: part i lies from starts[i] to starts[i + 1]. */
struct word {
    uint64_t occurrences;
    uint16_t *starts;
    size_t count;
};

struct candidate {
    uint64_t occurrences;
    uint64_t claimed; /* the most that the heap says of it */
    bool taken;
    uint32_t *words; /* some of them several times */
    size_t word_count, word_capacity;
};

struct claim {
    uint64_t occurrences;
    uint32_t candidate;
};

struct learner {
    size_t bytes;
    struct strings word_strings, candidate_strings;
    struct word *words;
    size_t word_capacity;
    uint16_t *starts; /* of all words */
    struct candidate *candidates;
    size_t candidate_count, candidate_capacity;
    struct claim *heap;
    size_t heap_count, heap_capacity;
};

CLEANUP_DEFINE(vocabulary, struct vocabulary, vocabulary_free)

struct learner *learner_new(void)
{
    return calloc(1, sizeof(struct learner));
}

struct learner *learner_free(struct learner *learner)
{
    if (learner) {
        for (size_t i = 0; i < learner->candidate_count; i++)
            free(learner->candidates[i].words);
        strings_deinit(&learner->word_strings);
        strings_deinit(&learner->candidate_strings);
        free(learner->words);
        free(learner->starts);
        free(learner->candidates);
        free(learner->heap);
        free(learner);
    }
    return NULL;
}

/* Room for one more of what the array has; false without memory. */
static bool reserve(void *array, size_t count, size_t *capacity, size_t size)
{
    void **at = array, *larger;
    const size_t wanted = *capacity ? 2 * *capacity : 16;

    if (count < *capacity)
        return true;
    larger = realloc(*at, wanted * size);
    if (!larger)
        return false;
    *at = larger;
    *capacity = wanted;
    return true;
}

/* ---- counting chunks ---- */

static int count_chunk(struct learner *l, const char *bytes, size_t length)
{
    const size_t before = l->word_strings.count;
    uint32_t number;
    int result = strings_number(&l->word_strings, bytes, length, &number);

    if (result)
        return result;
    if (number == before) {
        if (!reserve(&l->words, before, &l->word_capacity, sizeof *l->words))
            return -ENOMEM;
        l->words[number] = (struct word){ .occurrences = 0 };
    }
    l->words[number].occurrences++;
    return 0;
}

int learner_add(struct learner *learner, const char *text, size_t length)
{
    cleanup(chunks_deinit) struct chunks chunks = { .bytes = NULL };
    int result;

    if (learner->bytes >= LEARNER_TEXT_MAX)
        return 0;
    learner->bytes += length;
    result = chunks_init(&chunks, text, length);
    for (size_t i = 0, begin = 0; !result && i < chunks.count; begin = chunks.ends[i++])
        result = count_chunk(learner, chunks.bytes + begin, chunks.ends[i] - begin);
    return result;
}

/* ---- the heap ---- */

static int compare_bytes(const struct string *a, const struct string *b)
{
    const int order = memcmp(a->bytes, b->bytes, MIN(a->length, b->length));

    return order ? order : (a->length > b->length) - (a->length < b->length);
}

static bool comes_before(const struct learner *l, const struct claim *a, const struct claim *b)
{
    const struct string *strings = l->candidate_strings.list;

    if (a->occurrences != b->occurrences)
        return a->occurrences > b->occurrences;
    return compare_bytes(&strings[a->candidate], &strings[b->candidate]) < 0;
}

static int claim(struct learner *l, uint32_t candidate)
{
    struct candidate *c = &l->candidates[candidate];
    const struct claim made = { c->occurrences, candidate };
    size_t at = l->heap_count;

    if (!reserve(&l->heap, l->heap_count, &l->heap_capacity, sizeof *l->heap))
        return -ENOMEM;
    l->heap_count++;
    c->claimed = c->occurrences;
    for (; at && comes_before(l, &made, &l->heap[(at - 1) / 2]); at = (at - 1) / 2)
        l->heap[at] = l->heap[(at - 1) / 2];
    l->heap[at] = made;
    return 0;
}

static struct claim take_first(struct learner *l)
{
    const struct claim first = l->heap[0], last = l->heap[--l->heap_count];
    size_t at = 0, next;

    while ((next = 2 * at + 1) < l->heap_count) {
        if (next + 1 < l->heap_count && comes_before(l, &l->heap[next + 1], &l->heap[next]))
            next++;
        if (!comes_before(l, &l->heap[next], &last))
            break;
        l->heap[at] = l->heap[next];
        at = next;
    }
    l->heap[at] = last;
    return first;
}

/* ---- candidates ---- */

static int find_candidate(struct learner *l, const char *bytes, size_t length, struct candidate **out)
{
    uint32_t number;
    int result = strings_number(&l->candidate_strings, bytes, length, &number);

    if (result)
        return result;
    if (number == l->candidate_count) {
        if (!reserve(&l->candidates, l->candidate_count, &l->candidate_capacity, sizeof *l->candidates))
            return -ENOMEM;
        l->candidates[l->candidate_count++] = (struct candidate){ .occurrences = 0 };
    }
    *out = &l->candidates[number];
    return 0;
}

static int note_word(struct candidate *c, uint32_t word)
{
    if (c->word_count && c->words[c->word_count - 1] == word)
        return 0;
    if (!reserve(&c->words, c->word_count, &c->word_capacity, sizeof *c->words))
        return -ENOMEM;
    c->words[c->word_count++] = word;
    return 0;
}

/* The pairs of a word come in, or go. */
static int count_pairs(struct learner *l, uint32_t number, bool come)
{
    const struct word *word = &l->words[number];
    const char *bytes = l->word_strings.list[number].bytes;
    int result = 0;

    for (size_t i = 0; !result && i + 1 < word->count; i++) {
        struct candidate *c;

        result = find_candidate(l, bytes + word->starts[i], (size_t)(word->starts[i + 2] - word->starts[i]), &c);
        if (result)
            return result;
        c->occurrences += come ? word->occurrences : -word->occurrences;
        if (come)
            result = note_word(c, number);
        if (!result && come && l->heap && !c->taken && c->occurrences > c->claimed)
            result = claim(l, (uint32_t)(c - l->candidates));
    }
    return result;
}

/* The word's characters; those of more than one byte are candidates themselves. */
static int cut_word(struct learner *l, uint32_t number, uint16_t *starts)
{
    const struct string *string = &l->word_strings.list[number];
    struct word *word = &l->words[number];
    int result = 0;

    word->starts = starts;
    for (size_t at = 0, length; !result && at < string->length; at += length) {
        struct candidate *c;

        length = chunk_character(string->bytes + at);
        starts[word->count++] = (uint16_t)at;
        if (length == 1)
            continue;
        result = find_candidate(l, string->bytes + at, length, &c);
        if (!result)
            c->occurrences += word->occurrences;
    }
    starts[word->count] = (uint16_t)string->length;
    return result ? result : count_pairs(l, number, true);
}

static int cut_words(struct learner *l)
{
    size_t room = 0;
    uint16_t *starts;
    int result = 0;

    for (size_t i = 0; i < l->word_strings.count; i++)
        room += l->word_strings.list[i].length + 1;
    l->starts = starts = calloc(room + 1, sizeof *starts);
    if (!starts)
        return -ENOMEM;
    for (uint32_t i = 0; !result && i < l->word_strings.count; i++) {
        result = cut_word(l, i, starts);
        starts += l->word_strings.list[i].length + 1;
    }
    for (uint32_t i = 0; !result && i < l->candidate_count; i++)
        result = claim(l, i);
    return result;
}

/* ---- pieces ---- */

/* Puts the piece together wherever the word has it. */
static void join_parts(struct word *word, const char *bytes, const struct string *piece)
{
    for (size_t i = 0; i + 1 < word->count; i++) {
        uint16_t *start = &word->starts[i];

        if ((uint32_t)(start[2] - start[0]) != piece->length ||
            memcmp(bytes + start[0], piece->bytes, piece->length) != 0)
            continue;
        memmove(start + 1, start + 2, (word->count - i - 1) * sizeof *start);
        word->count--;
    }
}

static int put_together(struct learner *l, uint32_t candidate)
{
    const struct string piece = l->candidate_strings.list[candidate];
    const size_t count = l->candidates[candidate].word_count;
    cleanup_free uint32_t *words = steal(&l->candidates[candidate].words);
    int result = 0;

    l->candidates[candidate].word_count = l->candidates[candidate].word_capacity = 0;
    for (size_t i = 0; !result && i < count; i++) {
        result = count_pairs(l, words[i], false);
        join_parts(&l->words[words[i]], l->word_strings.list[words[i]].bytes, &piece);
        if (!result)
            result = count_pairs(l, words[i], true);
    }
    return result;
}

/* What a vocabulary does not take, as a string with a control character in it, is no piece. */
static int take_piece(struct learner *l, uint32_t candidate, struct vocabulary *vocabulary)
{
    const struct string *string = &l->candidate_strings.list[candidate];
    struct reason why;
    int result;

    l->candidates[candidate].taken = true;
    result = vocabulary_add(vocabulary, string->bytes, string->length, &why);
    if (result)
        return result == WISP_E_FORMAT ? 0 : result;
    return put_together(l, candidate);
}

int learner_finish(struct learner *learner, size_t pieces, struct vocabulary **out)
{
    cleanup(vocabulary_at_exit) struct vocabulary *vocabulary = vocabulary_new(pieces);
    int result = vocabulary ? cut_words(learner) : -ENOMEM;

    while (!result && learner->heap_count && vocabulary_size(vocabulary) < VOCABULARY_PIECES + pieces) {
        const struct claim first = take_first(learner);
        const struct candidate *c = &learner->candidates[first.candidate];

        if (c->taken || c->occurrences < OCCURRENCES_MIN)
            continue;
        if (c->occurrences != first.occurrences)
            result = c->occurrences < first.occurrences ? claim(learner, first.candidate) : 0;
        else
            result = take_piece(learner, first.candidate, vocabulary);
    }
    if (!result)
        *out = steal(&vocabulary);
    return result;
}
