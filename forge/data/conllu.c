/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/data/readers.h"
#include "forge/data/tagged.h"
#include "media/text/utf16.h"

enum { FIELDS_FEW = 7, FIELDS_ALL = 10 };

struct lines {
    const char *path;
    char *at, *end;
    uint32_t line;
    size_t fields;      /* of every word: that of the first; 0: none yet */
    unsigned long next; /* the number of the next word; 1 after the end of a sentence */
};

bool conllu_has_name(const char *path)
{
    static const char *const endings[] = { ".conllu", ".conllu.gz", ".conllu.xz", ".tsv", ".tsv.gz", ".tsv.xz" };

    return name_ends(path, endings, ARRAY_SIZE(endings));
}

static size_t split(char *line, char *end, struct field fields[static FIELDS_ALL])
{
    size_t count = 0;

    for (char *tab; line && count <= FIELDS_ALL; line = tab ? tab + 1 : NULL, count++) {
        tab = memchr(line, '\t', (size_t)(end - line));
        if (count < FIELDS_ALL)
            fields[count] = (struct field){ line, (size_t)((tab ? tab : end) - line) };
    }
    return count;
}

/* "7", and not "7-8" or "7.1"; 0: none. */
static unsigned long number_of(const struct field *field)
{
    unsigned long number = 0;

    if (!field->length || field->length > 6)
        return 0;
    for (size_t i = 0; i < field->length; i++) {
        if (field->bytes[i] < '0' || field->bytes[i] > '9')
            return 0;
        number = 10 * number + (unsigned long)(field->bytes[i] - '0');
    }
    return number;
}

static bool is_passed_over(const struct field *field)
{
    const char *mark = memchr(field->bytes, '-', field->length);

    if (!mark)
        mark = memchr(field->bytes, '.', field->length);
    return mark && mark > field->bytes && field->bytes[0] >= '0' && field->bytes[0] <= '9';
}

static int check_word(const struct lines *l, const struct field *fields, size_t count, struct reason *why)
{
    const size_t expected = l->fields ? l->fields : FIELDS_ALL;

    if (count != expected && (l->fields || count != FIELDS_FEW))
        return refuse(why, WISP_E_FORMAT,
                      "%s:%u: %zu field%s between tabs; %zu%s are expected: number, form, lemma, UPOS, XPOS, …",
                      l->path, l->line, count, count == 1 ? "" : "s", expected, l->fields ? "" : ", or 7,");
    if (number_of(&fields[0]) != l->next && number_of(&fields[0]) != 1)
        return refuse(why, WISP_E_FORMAT, "%s:%u: word %lu of a sentence is expected, and its number is \"%.*s\"",
                      l->path, l->line, l->next, (int)MIN(fields[0].length, (size_t)20), fields[0].bytes);
    if (l->next > 1 && number_of(&fields[0]) == 1)
        return refuse(why, WISP_E_FORMAT, "%s:%u: a sentence begins, and no empty line is before it", l->path, l->line);
    for (size_t i = 1; i < 5; i++) {
        if (!fields[i].length)
            return refuse(why, WISP_E_FORMAT, "%s:%u: field %zu is empty", l->path, l->line, i + 1);
    }
    return 0;
}

static int take_word(struct lines *l, char *begin, char *end, struct tagged_words *words, struct reason *why)
{
    struct field fields[FIELDS_ALL] = { { NULL, 0 } };
    const size_t count = split(begin, end, fields);
    struct tagged_word *word;
    int result;

    if (is_passed_over(&fields[0]))
        return 0;
    result = check_word(l, fields, count, why);
    if (!result)
        result = media_check_text("form", fields[1].bytes, fields[1].length, why);
    if (!result)
        result = media_check_text("lemma", fields[2].bytes, fields[2].length, why);
    if (result)
        return strncmp(why->text, l->path, strlen(l->path)) != 0 ? refuse_in(why, result, "%s:%u", l->path, l->line)
                                                                 : result;
    word = tagged_add(words);
    if (!word)
        return refuse_errno(why, -ENOMEM, "cannot hold %zu words", words->count + 1);
    *word = (struct tagged_word){ fields[1], fields[2], fields[3], fields[4], l->line, l->next == 1 };
    l->fields = count;
    l->next++;
    return 0;
}

/* A sentence with a bad word is left out as a whole, if that is wished. */
static int read_lines(struct lines *l, struct collect *collect, struct tagged_words *words, struct reason *why)
{
    size_t sentence = 0; /* where its words begin */
    bool bad = false;
    int result = 0;

    for (; !result && l->at < l->end; l->line++) {
        char *feed = memchr(l->at, '\n', (size_t)(l->end - l->at)), *end = feed ? feed : l->end, *begin = l->at;

        l->at = feed ? feed + 1 : l->end;
        if (end > begin && end[-1] == '\r')
            end--;
        if (end == begin) {
            l->next = 1;
            sentence = words->count;
            bad = false;
        } else if (*begin != '#' && !bad && (result = take_word(l, begin, end, words, why))) {
            result = collect_skip(collect, result, why);
            words->count = sentence;
            bad = true;
        }
    }
    return result;
}

int conllu_take(const char *path, void *data, size_t size, struct collect *collect, struct reason *why)
{
    struct tagged_words words = { .list = NULL };
    struct lines lines;
    int result = text_unmark(path, &data, &size, why);

    if (result)
        free(data);
    if (result || (result = collect_own(collect, data, why)))
        return result;
    lines = (struct lines){ .path = path, .at = data, .end = (char *)data + size, .line = 1, .next = 1 };
    result = read_lines(&lines, collect, &words, why);
    if (!result)
        result = tagged_collect(&words, path, collect, why);
    free(words.list);
    return result;
}

int conllu_read(const char *path, struct collect *collect, struct reason *why)
{
    void *data = NULL;
    size_t size;
    int result = unpack_read(path, &data, &size, why);

    return result ? result : conllu_take(path, data, size, collect, why);
}
