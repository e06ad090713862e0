/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/baselines/frequent.h"
#include "media/text/words.h"

struct form {
    const char *bytes;
    size_t length;
    uint32_t tag;
};

struct tagger {
    struct form *forms; /* in their order; while it learns one a word, then each once, with its most frequent tag */
    size_t count;
    uint32_t unseen[2]; /* the tag of words that are not there: small, and with a capital */
};

/* ---- words of a set ---- */

struct walk {
    const struct dataset *set;
    size_t sample;
    const char *at; /* of its text; NULL: at its beginning */
    uint64_t next;  /* of its tags */
};

/* The next word and its tag. */
static bool walk_next(struct walk *walk, struct form *out)
{
    const struct dataset *set = walk->set;

    while (walk->sample < set->count) {
        const struct dataset_text *text = &set->texts[walk->sample];
        const char *begin = walk->at ? walk->at : text->bytes, *end = text->bytes + text->length, *stop;

        if (!walk->at)
            walk->next = set->set_starts[walk->sample];
        if (walk->next == set->set_starts[walk->sample + 1] || begin > end) {
            walk->sample++;
            walk->at = NULL;
            continue;
        }
        stop = memchr(begin, WORDS_SEPARATOR, (size_t)(end - begin));
        *out = (struct form){ begin, (size_t)((stop ? stop : end) - begin), set->set[walk->next++] };
        walk->at = stop ? stop + 1 : end + 1;
        return true;
    }
    return false;
}

static bool has_capital(const struct form *form)
{
    return form->length && *form->bytes >= 'A' && *form->bytes <= 'Z';
}

/* ---- what is learned ---- */

static int compare_forms(const void *a, const void *b)
{
    const struct form *x = a, *y = b;
    const int order = memcmp(x->bytes, y->bytes, MIN(x->length, y->length));

    return order ? order : x->length != y->length ? (x->length > y->length) - (x->length < y->length) : 0;
}

static int compare(const void *a, const void *b)
{
    const struct form *x = a, *y = b;
    const int order = compare_forms(a, b);

    return order ? order : (x->tag > y->tag) - (x->tag < y->tag);
}

static uint32_t most_frequent(const uint64_t *times, size_t count)
{
    uint32_t most = 0;

    for (uint32_t i = 1; i < count; i++)
        most = times[i] > times[most] ? i : most;
    return most;
}

/* Of words in their order, and of each in that of its tags: each once. */
static void keep_most_frequent(struct tagger *tagger, uint64_t *times[2])
{
    size_t kept = 0;

    for (size_t begin = 0, end; begin < tagger->count; begin = end) {
        struct form most = tagger->forms[begin];
        size_t longest = 0, run = 0;

        for (end = begin; end < tagger->count && !compare_forms(&most, &tagger->forms[end]); end++) {
            run = end > begin && tagger->forms[end].tag == tagger->forms[end - 1].tag ? run + 1 : 1;
            if (run > longest) {
                longest = run;
                most.tag = tagger->forms[end].tag;
            }
        }
        if (end - begin == 1)
            times[has_capital(&most)][most.tag]++;
        tagger->forms[kept++] = most;
    }
    tagger->count = kept;
}

static int tagger_learn(struct tagger *tagger, const struct dataset *training)
{
    struct walk walk = { .set = training };
    cleanup_free uint64_t *small = memory_zalloc(training->label_count, sizeof *small);
    cleanup_free uint64_t *capital = memory_zalloc(training->label_count, sizeof *capital);
    struct form form;

    tagger->forms = memory_alloc(training->set_starts[training->count] + 1, sizeof *tagger->forms);
    if (!small || !capital || !tagger->forms)
        return -ENOMEM;
    while (walk_next(&walk, &form)) {
        if (form.tag != DATASET_UNKNOWN)
            tagger->forms[tagger->count++] = form;
    }
    qsort(tagger->forms, tagger->count, sizeof *tagger->forms, compare);
    keep_most_frequent(tagger, (uint64_t *[2]){ small, capital });
    tagger->unseen[false] = most_frequent(small, training->label_count);
    tagger->unseen[true] = most_frequent(capital, training->label_count);
    return 0;
}

/* ---- what comes of it ---- */

static uint32_t none_of(const struct dataset *set)
{
    for (uint32_t i = 0; i < set->label_count; i++) {
        if (!strcmp(set->labels[i], DATASET_NO_KEYWORD))
            return i;
    }
    return DATASET_UNKNOWN - 1; /* no word's */
}

int frequent_tags(const struct dataset *training, const struct dataset *set, struct frequent_counts *out)
{
    struct tagger tagger = { .forms = NULL };
    struct walk walk = { .set = set };
    const uint32_t none = none_of(set);
    const int result = tagger_learn(&tagger, training);
    struct form form;

    *out = (struct frequent_counts){ .words = 0 };
    while (!result && walk_next(&walk, &form)) {
        const struct form *known = bsearch(&form, tagger.forms, tagger.count, sizeof form, compare_forms);
        const uint32_t said = known ? known->tag : tagger.unseen[has_capital(&form)];

        out->words++;
        out->right += said == form.tag;
        out->actual += form.tag != none;
        out->predicted += said != none;
        out->found += said == form.tag && said != none;
    }
    free(tagger.forms);
    return result;
}
