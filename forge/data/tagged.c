/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/readers.h"
#include "forge/data/tagged.h"
#include "media/text/lemma.h"
#include "media/text/words.h"

enum { TAG_MAX = LEMMA_SCRIPT_MAX + 32 };

struct tagged_word *tagged_add(struct tagged_words *words)
{
    if (words->count == words->capacity) {
        const size_t capacity = MAX((size_t)1024, 2 * words->capacity);
        struct tagged_word *larger = realloc(words->list, capacity * sizeof *larger);

        if (!larger)
            return NULL;
        words->list = larger;
        words->capacity = capacity;
    }
    return &words->list[words->count++];
}

/* ---- tags ---- */

static bool is_keyword(const struct field *category)
{
    static const char *const kept[] = { "NOUN", "VERB", "ADJ", "ADV", "PROPN", "NUM" };

    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        if (category->length == strlen(kept[i]) && !memcmp(category->bytes, kept[i], category->length))
            return true;
    }
    return false;
}

static int keyword_tag(const struct tagged_word *word, char tag[static TAG_MAX], struct reason *why)
{
    char script[LEMMA_SCRIPT_MAX];
    int result;

    snprintf(tag, TAG_MAX, DATASET_NO_KEYWORD);
    if (!is_keyword(&word->category))
        return 0;
    result = lemma_script(word->form.bytes, word->form.length, word->lemma.bytes, word->lemma.length, script);
    if (result)
        return refuse_errno(why, result, "a lemma");
    snprintf(tag, TAG_MAX, "%.*s %s", (int)word->category.length, word->category.bytes, *script ? script : "=");
    return 0;
}

/* Into `tag`, by what is wished of a word. */
static int tag_of(const struct tagged_word *word, enum dataset_tags tags, char tag[static TAG_MAX], struct reason *why)
{
    const struct field *field = tags == TAGS_FINE ? &word->fine : &word->category;

    if (tags == TAGS_KEYWORDS)
        return keyword_tag(word, tag, why);
    snprintf(tag, TAG_MAX, "%.*s", (int)MIN(field->length, (size_t)TAG_MAX - 1), field->bytes);
    return 0;
}

/* How often each tag occurs, by the number that it has for now. */
struct tally {
    struct collect names;
    uint32_t *tags;  /* of each word */
    uint32_t *order; /* the most frequent tags first */
    uint64_t *times;
};

static void tally_deinit(struct tally *tally)
{
    collect_deinit(&tally->names);
    free(tally->tags);
    free(tally->order);
    free(tally->times);
}

static int count_tags(struct tally *tally, const struct tagged_words *words, const char *path, struct reason *why)
{
    const enum dataset_tags tags = tally->names.wish->tags;
    char tag[TAG_MAX];
    int result = 0;

    tally->tags = memory_alloc(words->count + 1, sizeof *tally->tags);
    tally->times = memory_zalloc(COLLECT_LABELS_MAX, sizeof *tally->times);
    if (!tally->tags || !tally->times)
        return refuse_errno(why, -ENOMEM, "cannot hold the tags of %zu words", words->count);
    for (size_t i = 0; !result && i < words->count; i++) {
        result = tag_of(&words->list[i], tags, tag, why);
        if (!result)
            result = collect_class(&tally->names, tag, strlen(tag), &tally->tags[i], why);
        if (result)
            return refuse_in(why, result, "%s:%u", path, words->list[i].line);
        tally->times[tally->tags[i]]++;
    }
    return 0;
}

static int compare_times(const void *a, const void *b, void *argument)
{
    const struct tally *tally = argument;
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    if (tally->times[x] != tally->times[y])
        return tally->times[x] < tally->times[y] ? 1 : -1;
    return strcmp(tally->names.names[x], tally->names.names[y]);
}

/* The tags that become labels: all, or, of keywords, the most frequent, as many as the model has scores. The others are
 * labels that it does not know. */
static int name_tags(struct tally *tally, struct collect *collect, uint32_t **out, struct reason *why)
{
    const struct dataset_wish *wish = collect->wish;
    const size_t count = tally->names.name_count;
    const size_t taken = wish->tags == TAGS_KEYWORDS && !wish->labels ? MIN(count, wish->scores) : count;
    uint32_t *classes = memory_alloc(count + 1, sizeof *classes);
    int result = 0;

    *out = classes;
    tally->order = memory_alloc(count + 1, sizeof *tally->order);
    if (!classes || !tally->order)
        return refuse_errno(why, -ENOMEM, "cannot hold %zu tags", count);
    for (size_t i = 0; i < count; i++)
        tally->order[i] = (uint32_t)i;
    qsort_r(tally->order, count, sizeof *tally->order, compare_times, tally);
    for (size_t i = 0; !result && i < count; i++) {
        const char *name = tally->names.names[tally->order[i]];

        classes[tally->order[i]] = DATASET_UNKNOWN;
        if (i < taken)
            result = collect_class(collect, name, strlen(name), &classes[tally->order[i]], why);
    }
    return result;
}

/* ---- samples ---- */

/* Words of one sentence that are one sample. */
static size_t sample_end(const struct tagged_words *words, size_t begin, size_t room)
{
    size_t end = begin + 1;

    while (end < words->count && end - begin < room && !words->list[end].first)
        end++;
    return end;
}

static int join_words(const struct tagged_words *words, size_t begin, size_t end, struct collect *collect,
                      struct dataset_text *out, struct reason *why)
{
    size_t room = 0;
    char *text, *to;
    int result;

    for (size_t i = begin; i < end; i++)
        room += words->list[i].form.length + 1;
    text = to = malloc(room);
    if (!text)
        return refuse_errno(why, -ENOMEM, "a sentence");
    result = collect_own(collect, text, why);
    for (size_t i = begin; !result && i < end; i++) {
        to = mempcpy(to, words->list[i].form.bytes, words->list[i].form.length);
        *to++ = WORDS_SEPARATOR;
    }
    *out = (struct dataset_text){ text, room - (end - begin > 1) };
    return result;
}

static int add_sample(const struct tagged_words *words, size_t begin, size_t end, const uint32_t *classes,
                      struct collect *collect, struct reason *why)
{
    struct dataset_text text;
    int result = join_words(words, begin, end, collect, &text, why);

    if (!result)
        result = collect_text(collect, 0, text, why);
    if (!result)
        result = collect_set(collect, classes, end - begin, why);
    return result ? result : collect_line(collect, words->list[begin].line, why);
}

int tagged_collect(const struct tagged_words *words, const char *path, struct collect *collect, struct reason *why)
{
    cleanup(tally_deinit) struct tally tally = { .tags = NULL };
    cleanup_free uint32_t *classes = NULL;
    int result = collect_init(&tally.names, collect->wish, why);

    if (!result)
        result = count_tags(&tally, words, path, why);
    if (!result)
        result = name_tags(&tally, collect, &classes, why);
    for (size_t i = 0; !result && i < words->count; i++)
        tally.tags[i] = classes[tally.tags[i]];
    for (size_t begin = 0, end; !result && begin < words->count; begin = end) {
        end = sample_end(words, begin, collect->wish->positions);
        result = add_sample(words, begin, end, tally.tags + begin, collect, why);
    }
    return result ? result : reader_check_split(collect, path, false, why);
}
