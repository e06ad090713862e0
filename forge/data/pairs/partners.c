/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/pairs/partners.h"

#define WORDS "input and target, images and masks, noisy and clean, or low and high"

enum { FAMILIES_FROM = 'a', FAMILIES = 4 };

static const struct word {
    const char *word;
    char family; /* partners are of one */
    bool target;
} words[] = {
    { "input", 0, false }, { "target", 0, true }, { "image", 1, false }, { "images", 1, false },
    { "mask", 1, true },   { "masks", 1, true },  { "label", 1, true },  { "labels", 1, true },
    { "noisy", 2, false }, { "clean", 2, true },  { "low", 3, false },   { "high", 3, true },
};

/* A picture that is known by what is left of its path when its word is taken out. */
struct named {
    char *rest;
    uint32_t picture;
    bool target;
};

struct search {
    struct dataset *set;
    bool skip_bad;
    struct named *named;
    size_t count;
};

static const struct word *find_word(const char *text, size_t length)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strlen(words[i].word) == length && !strncasecmp(words[i].word, text, length))
            return &words[i];
    }
    return NULL;
}

/* Where the word of a path is, and where its file's ending begins. */
struct place {
    const struct word *word;
    size_t begin, end; /* with what ties it to the rest: a '/' behind, or a '-' or '_' before */
    size_t dot;
    bool folder;
};

static void find_in_name(const char *path, size_t name, struct place *out)
{
    for (size_t at = out->dot; at > name + 1; at--) {
        if (path[at - 1] != '-' && path[at - 1] != '_')
            continue;
        out->word = find_word(path + at, out->dot - at);
        out->begin = at - 1;
        out->end = out->dot;
        return;
    }
}

static struct place find_place(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot;
    size_t name = slash ? (size_t)(slash + 1 - path) : 0;
    struct place place = { .word = NULL };

    dot = strrchr(path + name, '.');
    place.dot = dot ? (size_t)(dot - path) : strlen(path);
    for (size_t end = name; end > 0 && !place.word;) {
        size_t begin = end - 1;

        while (begin > 0 && path[begin - 1] != '/')
            begin--;
        place = (struct place){ find_word(path + begin, end - 1 - begin), begin, end, place.dot, true };
        end = begin;
    }
    if (place.word)
        return place;
    place.folder = false;
    find_in_name(path, name, &place);
    return place;
}

/* What the root that the set was read from adds says nothing. */
static const char *below(const char *root, const char *path)
{
    const size_t length = strlen(root);

    return !strncmp(path, root, length) && path[length] == '/' ? path + length + 1 : path;
}

bool partners_are_named(const struct dataset *set, const char *root)
{
    size_t inputs = 0, targets = 0;

    for (size_t i = 0; set->names && i < set->count; i++) {
        const struct word *word = find_place(below(root, set->names[i])).word;

        inputs += word && !word->target;
        targets += word && word->target;
    }
    return inputs || (targets && targets < set->count);
}

bool partners_are_there(const struct dataset *set, const char *root, struct partners *out)
{
    uint32_t first[2][FAMILIES]; /* of inputs and of targets, counted from 1 */

    memset(first, 0, sizeof first);
    for (uint32_t i = 0; set->names && i < set->count; i++) {
        const struct word *word = find_place(below(root, set->names[i])).word;

        if (!word)
            continue;
        if (!first[word->target][(int)word->family])
            first[word->target][(int)word->family] = i + 1;
        *out = (struct partners){ first[0][(int)word->family] - 1, first[1][(int)word->family] - 1 };
        if (first[0][(int)word->family] && first[1][(int)word->family])
            return true;
    }
    return false;
}

/* Those that are not wanted are counted, as a reader does it. */
static int skip(const struct search *search, int result, size_t pictures, const struct reason *why)
{
    if (result != WISP_E_FORMAT || !search->skip_bad)
        return result;
    dataset_skip(search->set, pictures, why);
    return 0;
}

static int name_picture(struct search *search, const char *root, uint32_t picture, struct reason *why)
{
    const char *path = below(root, search->set->names[picture]);
    struct named *out = &search->named[search->count];
    const struct place place = find_place(path);

    if (!place.word)
        return skip(search,
                    refuse(why, WISP_E_FORMAT,
                           "%s: neither a folder on its way nor the end of its name says whether it is an input or a "
                           "target: pairs are in " WORDS "; of clean ones alone --degrade makes inputs",
                           path),
                    1, why);
    /* What stands in folders has no partner among names that end so. */
    if (asprintf(&out->rest, "%c%c%.*s%.*s", FAMILIES_FROM + place.word->family, place.folder ? '/' : '-',
                 (int)place.begin, path, (int)(place.dot - MIN(place.end, place.dot)), path + place.end) < 0) {
        out->rest = NULL;
        return refuse_errno(why, -ENOMEM, "pairs");
    }
    out->picture = picture;
    out->target = place.word->target;
    search->count++;
    return 0;
}

static int by_rest(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->rest, y->rest);

    if (order)
        return order;
    if (x->target != y->target)
        return x->target ? 1 : -1;
    return (x->picture > y->picture) - (x->picture < y->picture);
}

static int by_input(const void *a, const void *b)
{
    const struct partners *x = a, *y = b;

    return (x->input > y->input) - (x->input < y->input);
}

/* Of `count` pictures that have one rest. */
static int match(const struct search *search, const struct named *named, size_t count, struct reason *why)
{
    char *const *names = search->set->names;

    if (count == 2 && !named[0].target && named[1].target)
        return 0;
    for (size_t i = 0; i + 1 < count; i++) {
        if (named[i].target == named[i + 1].target)
            return refuse(why, WISP_E_FORMAT, "%s and %s are both the %s of one pair", names[named[i].picture],
                          names[named[i + 1].picture], named[i].target ? "target" : "input");
    }
    /* What cannot be read has been left out before, and its partner is left alone. */
    return refuse(why, WISP_E_FORMAT, "%s has no partner: no %s%s is called so; pairs are in " WORDS,
                  names[named[0].picture], named[0].target ? "input" : "target",
                  search->skip_bad ? " that can be read" : "");
}

static int match_all(struct search *search, struct partners *out, size_t *count, struct reason *why)
{
    *count = 0;
    if (search->count)
        qsort(search->named, search->count, sizeof *search->named, by_rest);
    for (size_t i = 0, same; i < search->count; i += same) {
        int result;

        for (same = 1; i + same < search->count && !strcmp(search->named[i].rest, search->named[i + same].rest); same++)
            continue;
        result = match(search, &search->named[i], same, why);
        if (!result)
            out[(*count)++] = (struct partners){ search->named[i].picture, search->named[i + 1].picture };
        else if ((result = skip(search, result, same, why)))
            return result;
    }
    if (*count)
        qsort(out, *count, sizeof *out, by_input);
    return 0;
}

int partners_find(struct dataset *set, const char *root, bool skip_bad, struct partners *out, size_t *count,
                  struct reason *why)
{
    cleanup_free struct named *named = memory_zalloc(set->count, sizeof *named);
    struct search search = { .set = set, .skip_bad = skip_bad, .named = named };
    int result = 0;

    if (!named)
        return refuse_errno(why, -ENOMEM, "pairs");
    for (uint32_t i = 0; i < set->count && !result; i++)
        result = name_picture(&search, root, i, why);
    if (!result)
        result = match_all(&search, out, count, why);
    for (size_t i = 0; i < search.count; i++)
        free(named[i].rest);
    return result;
}
