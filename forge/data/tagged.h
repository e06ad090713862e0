/* SPDX-License-Identifier: Apache-2.0
 *
 * Sentences of which each word has a tag. As a text they are their words, joined by U+001F (media/text/words.h), and
 * their set of labels are the tags in the words' order. A sentence of more words than there is room for is several
 * samples.
 *
 * CoNLL-U (conllu.c): a line a word, its fields between tabs: number from 1 on, form, lemma, UPOS, XPOS, and five more,
 * or two (head and relation alone). Lines with '#' before them, of several words together ("3-4") and of words that are
 * not there ("3.1") are passed over.
 */
#ifndef FORGE_DATA_TAGGED_H
#define FORGE_DATA_TAGGED_H

#include "forge/data/collect.h"
#include "forge/data/rows.h"

struct tagged_word {
    struct field form, lemma, category, fine; /* UPOS, XPOS */
    uint32_t line;
    bool first; /* of a sentence */
};

struct tagged_words {
    struct tagged_word *list;
    size_t count, capacity;
};

/* Room for one more, which is cleared. NULL: out of memory. */
struct tagged_word *tagged_add(struct tagged_words *words);

/* All words as samples, tagged as the wish has it. */
int tagged_collect(const struct tagged_words *words, const char *path, struct collect *collect, struct reason *why);

#endif
