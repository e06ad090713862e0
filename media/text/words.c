/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "media/text/characters.h"
#include "media/text/check.h"
#include "media/text/words.h"

static bool is_digit(utf8proc_int32_t point)
{
    return utf8proc_category(point) == UTF8PROC_CATEGORY_ND;
}

static bool is_apostrophe(utf8proc_int32_t point)
{
    return point == '\'' || point == 0x2019;
}

static void add(struct words *words, size_t begin, size_t end)
{
    if (end > begin)
        words->spans[words->count++] = (struct word_span){ begin, end };
}

/* Where letters, marks and numbers end that begin there. */
static size_t run_end(const utf8proc_int32_t *points, size_t begin, size_t end)
{
    size_t at = begin;

    for (; at < end; at++) {
        const bool inside = at > begin && at + 1 < end && is_digit(points[at - 1]) && is_digit(points[at + 1]) &&
                            (points[at] == '.' || points[at] == ',' || points[at] == ':');

        if (!character_is_word(points[at]) && !inside)
            break;
    }
    return at;
}

/* From an apostrophe on, that something hangs on by: "'s", or, of "n't", the apostrophe. */
static bool hangs_on(const utf8proc_int32_t *points, size_t at, size_t end)
{
    return at + 1 < end && is_apostrophe(points[at]) && character_is_word(points[at + 1]);
}

static bool is_not(const utf8proc_int32_t *points, size_t begin, size_t at, size_t end)
{
    return at > begin + 1 && (points[at - 1] | 0x20) == 'n' && (points[at + 1] | 0x20) == 't' &&
           (at + 2 == end || !character_is_word(points[at + 2]));
}

/* Letters and what hangs on; where they end. */
static size_t take_run(struct words *words, size_t begin, size_t end)
{
    const utf8proc_int32_t *points = words->points;
    size_t at = run_end(points, begin, end), hung;

    if (!hangs_on(points, at, end)) {
        add(words, begin, at);
        return at;
    }
    hung = run_end(points, at + 1, end);
    if (is_not(points, begin, at, end))
        at--;
    add(words, begin, at);
    add(words, at, hung);
    return hung;
}

static bool is_address(const utf8proc_int32_t *points, size_t begin, size_t end)
{
    bool dots = end - begin > 4;

    for (size_t i = 0; dots && i < 4; i++)
        dots = points[begin + i] == "www."[i];
    for (size_t at = begin + 1; at + 1 < end && !dots; at++)
        dots = (points[at] == '@' && character_is_word(points[at - 1]) && character_is_word(points[at + 1])) ||
               (at + 2 < end && points[at] == ':' && points[at + 1] == '/' && points[at + 2] == '/');
    return dots;
}

/* What stands between white space. */
static void take_apart(struct words *words, size_t begin, size_t end)
{
    const utf8proc_int32_t *points = words->points;
    size_t next;

    if (is_address(points, begin, end)) {
        for (next = end; next > begin && !character_is_word(points[next - 1]) && points[next - 1] != '/';)
            next--;
        add(words, begin, next);
        begin = next;
    }
    for (; begin < end; begin = next) {
        next = begin + 1;
        if (character_is_word(points[begin])) {
            next = take_run(words, begin, end);
            continue;
        }
        while (next < end && points[next] == points[begin])
            next++;
        add(words, begin, next);
    }
}

static bool is_separated(const utf8proc_int32_t *points, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (points[i] == WORDS_SEPARATOR)
            return true;
    }
    return false;
}

static void cut(struct words *words, size_t count)
{
    const bool separated = is_separated(words->points, count);

    for (size_t begin = 0, end; begin < count; begin = end + 1) {
        for (end = begin; end < count; end++) {
            if (separated ? words->points[end] == WORDS_SEPARATOR : character_is_space(words->points[end]))
                break;
        }
        if (separated)
            add(words, begin, end);
        else
            take_apart(words, begin, end);
    }
}

int words_init(struct words *words, const char *text, size_t length)
{
    size_t count;
    int result;

    *words = (struct words){ .points = NULL };
    result = characters_normalise(text, length, UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_IGNORE,
                                  &words->points, &count);
    if (result)
        return result;
    count = text_drop(words->points, count, WORDS_SEPARATOR);
    words->spans = memory_alloc(count + 1, sizeof *words->spans);
    if (!words->spans)
        return -ENOMEM;
    cut(words, count);
    return 0;
}

void words_deinit(struct words *words)
{
    free(words->points);
    free(words->spans);
    *words = (struct words){ .points = NULL };
}
