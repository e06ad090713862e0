/* SPDX-License-Identifier: Apache-2.0
 *
 * A labelled data set in memory, as the trainer and the evaluation use it: pictures, sounds or texts as they were
 * decoded once, each with the number of its class. Immutable after dataset_read(); any number of threads may read it.
 *
 * What a path may be, told apart by what is there:
 *   a folder with idx files     {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]: pictures
 *   a folder of files           pictures or recordings, as media/sniff.h lists them: [SPLIT/]CLASS/FILE, or
 *                               [SPLIT/]CLASS_REST.wav; data/place.h has the rules
 *   a .tar [.gz, .xz] of files  the same, without unpacking it to disk
 *   a .csv or .tsv [.gz, .xz]   texts: the first column is the label, the last the text
 *   a folder with one of these  SPLIT.tsv, NAME-SPLIT.tar.xz, or the only archive in it
 * Splits are "train", "test", and "validation", "val" or "dev". A file that cannot be read is an error that names it.
 */
#ifndef FORGE_DATA_DATASET_H
#define FORGE_DATA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "media/media.h"

struct dataset_text {
    const char *bytes; /* UTF-8, not terminated */
    size_t length;
};

struct dataset {
    char name[128]; /* "fashion-mnist", for people */
    char hash[48];  /* "xxh3-128:HEX" over the samples, their classes and the labels, in order */
    enum media_kind kind;
    size_t count;
    uint32_t *classes; /* one a sample */
    char **labels;     /* names of the classes; in the order of the model's outputs */
    size_t label_count;
    /* One a sample; the one that `kind` says, the others NULL. */
    struct media_picture *pictures;
    struct media_sound *sounds;
    struct dataset_text *texts;
    void *storage; /* what the samples point into, for dataset_free() */
};

/* Reads one split, "train" or "test", of the data at `path`. Samples stand in an order that depends on the content
 * alone (folders by name).
 *
 * With `labels` (the model's), classes are numbered by them, and a label of the data that is not among them is refused;
 * numeric classes (idx) keep their numbers and take the names. Without, the labels of the data are sorted by name and
 * given in out->labels; numeric ones are named by labels.txt or classes.txt beside the data, else "0", "1", ….
 *
 * WISP_E_FORMAT and -errno; the reason says file, and line, sample or byte. */
int dataset_read(const char *path, const char *split, enum media_kind kind, char *const *labels, size_t label_count,
                 struct dataset **out, struct reason *why);
struct dataset *dataset_free(struct dataset *dataset); /* accepts NULL; returns NULL */

#endif
