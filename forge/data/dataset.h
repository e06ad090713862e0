/* SPDX-License-Identifier: Apache-2.0
 *
 * A labelled data set in memory, as the trainer and the evaluation use it: pictures, sounds or texts as they were
 * decoded once, each with the number of its class. Immutable after dataset_read(); any number of threads may read it.
 *
 * What a path may be, told apart by what is there:
 *   a folder with idx files     {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]: pictures; idx.c has other spellings
 *   a folder of files           pictures or recordings, as media/spec/sniff.h lists them: [SPLIT/]CLASS/FILE, or
 *                               [SPLIT/]CLASS_REST.wav; data/place.h has the rules
 *   a .tar [.gz, .xz] or .zip of files  the same, without unpacking it to disk
 *   a .csv or .tsv [.gz, .xz]   texts and their labels, or pairs of texts: columns.h has the rules
 *   a folder with one of these  SPLIT.tsv, NAME-SPLIT.tar.xz, or the only archive in it
 *   where transcripts are wished, recordings that a .csv or .tsv names: that itself, or a folder with SPLIT.tsv or
 *                               SPLIT/metadata.csv in it; transcripts.c has the rules
 *   where tags are wished, sentences in CoNLL-U: .conllu, or .tsv, plain or packed, or a folder with SPLIT.tsv
 * Splits are "train", "test", and "validation", "val" or "dev". A file that cannot be read is an error that names it,
 * or is left out and counted, if so wished.
 *
 * Where no labels are wanted, none need be there, and those that are are not read: files may stand in the folder or the
 * archive itself, idx files of pictures alone will do, and so will a table with a column for the text.
 */
#ifndef FORGE_DATA_DATASET_H
#define FORGE_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "media/spec/media.h"

enum { DATASET_SKIPPED_NAMED = 5 };

/* What each word of a text is tagged with (tagged.h). */
enum dataset_tags {
    TAGS_NONE,
    TAGS_CATEGORY, /* UPOS */
    TAGS_FINE,     /* XPOS */
    TAGS_KEYWORDS, /* of nouns, verbs, adjectives, adverbs, names and numbers UPOS and how its lemma is made of the word
                      ("NOUN =-1", media/text/lemma.h); of others: */
#define DATASET_NO_KEYWORD "O"
    TAGS_KEPT, /* of pairs of a text and its gist, which words the gist keeps (kept.h): */
#define DATASET_KEPT "kept"
};

#define DATASET_UNKNOWN UINT32_MAX /* a tag that is none of the labels */

struct dataset_text {
    const char *bytes; /* UTF-8, not terminated */
    size_t length;
};

struct dataset {
    char name[128]; /* "fashion-mnist", for people */
    char hash[48];  /* "xxh3-128:HEX" over the samples, their classes and the labels, in order */
    enum media_kind kind;
    size_t count;
    size_t files;      /* that were read, where samples are pieces of them; 0: a sample is one file, or one row */
    bool unlabelled;   /* as it was wished: then there are no labels, and all classes are 0 */
    uint32_t *classes; /* one a sample; 0 where it has several labels, or numbers */
    /* With a label separator: sample i has the labels set[set_starts[i] … set_starts[i + 1]), none twice. With
     * transcripts those are its units (units.h) in their order, from 1 on; label 0 is none of them. With tags they are
     * those of its words, in their order, or DATASET_UNKNOWN. */
    uint32_t *set;
    uint64_t *set_starts; /* count + 1; NULL without */
    /* With target columns: so many numbers a sample, one sample after the other; NULL without. */
    float *numbers;
    size_t number_count;
    struct dataset_text *targets; /* of pairs: the other text of each sample; NULL without */
    char **labels;                /* names of the classes; in the order of the model's outputs */
    size_t label_count;
    char **names;    /* one a sample: its file; NULL when samples have none */
    uint32_t *lines; /* one a sample: its line; NULL */
    char doubt[256]; /* what looks wrong with the labels, a sentence without its end; "": nothing */
    struct {
        size_t count, reasons; /* files or rows, of a pair that cannot be used both; and why, so many times */
        char *first[DATASET_SKIPPED_NAMED];
    } skipped;
    /* One a sample; the one that `kind` says, the others NULL. */
    struct media_picture *pictures;
    struct media_sound *sounds;
    struct dataset_text *texts;
    struct pairs *pairs; /* whose tiles the samples are (pairs/pairs.h), one block; then pictures are theirs. NULL */
    struct recordings *recordings; /* whose blocks they are (recordings/recordings.h), one block of memory; NULL */
    struct dataset *noise;         /* recordings that samples are mixed with; NULL */
    void *storage;                 /* what the samples point into, for dataset_free() */
    /* Another set's samples at the end, from `own` on, as long as it is here; NULL: `own` says nothing. */
    struct dataset *rest;
    size_t own;
};

/* What is to be read, and how. */
struct dataset_wish {
    const char *path, *split; /* "train", "test" */
    enum media_kind kind;
    bool unlabelled; /* whatever the data say of labels is not read, and need not be there */
    bool pairs;      /* of a table, unlabelled: another text of each row is read, too */
    /* Of recordings what is said in them, by a model with so many scores at so many positions; 0: no transcripts. */
    size_t scores, positions;
    enum dataset_tags tags; /* of texts: so many labels, and so many words of a text; TAGS_NONE: none */
    char *const *labels;    /* the model's; NULL: those of the data */
    size_t label_count;
    const char *label_column, *text_column; /* of a table, by name or number from 1; NULL: found */
    const char *label_separator; /* of a table whose rows have several labels, as "a|b": the character; NULL: one */
    /* Of a table: columns of numbers in place of the label, separated by commas; or the other text of a pair; NULL. */
    const char *target_columns;
    bool skip_bad;             /* leave out what cannot be read, and count it */
    const struct media *media; /* with skip_bad: sounds that it cannot take are left out too; or NULL */
    void (*step)(void *argument, size_t samples); /* called as reading goes on; NULL: not wanted */
    void *argument;
};

/* Reads one split. Samples stand in an order that depends on the content alone (folders by name).
 *
 * With labels, classes are numbered by them, and a label of the data that is not among them is refused; numeric classes
 * (idx) keep their numbers and take the names. Without, the labels of the data are sorted by name and given in
 * out->labels; numeric ones are named by labels.txt or classes.txt beside the data, else "0", "1", ….
 *
 * WISP_E_FORMAT and -errno; the reason says file, and line, sample or byte. */
int dataset_read(const struct dataset_wish *wish, struct dataset **out, struct reason *why);
struct dataset *dataset_free(struct dataset *dataset); /* accepts NULL; returns NULL */

/* Of a model's positions, those of the first `frames` of `all`: at least one. */
static inline size_t dataset_positions(size_t frames, size_t all, size_t positions)
{
    const size_t spanned = (frames * positions + all - 1) / all;

    return spanned ? spanned : 1;
}

/* Memory that samples point into; owned by the set from now on, on failure too. -ENOMEM. */
int dataset_own(struct dataset *dataset, void *block, struct reason *why);
/* Counts so many files or rows that are left out of it for one reason, and keeps the first reasons. */
void dataset_skip(struct dataset *dataset, size_t count, const struct reason *why);

/* Adds the samples of another set of the kind, which was read without labels and is taken over, in any case. -ENOMEM.
 */
int dataset_join(struct dataset *dataset, struct dataset *rest, struct reason *why);

/* A sample for people: its file, or the table's name and the line, or its number. Into `text`, which is returned. */
const char *dataset_sample(const struct dataset *dataset, size_t sample, char *text, size_t size);

#endif
