/* SPDX-License-Identifier: Apache-2.0
 *
 * What the path of a file in a data set says: to which split it belongs, and to which class. The same for folders and
 * for archives:
 *   …/SPLIT/…/CLASS/FILE      the folder that holds the file is its class
 *   …/SPLIT/CLASS_REST.wav    no folder between: what stands before the first '_' is
 * and either without the split. Where no labels are wanted, a file needs no class:
 *   …/SPLIT/…/FILE Hidden files are none of the data, nor is what file managers leave behind (Thumbs.db,
 * __MACOSX), nor are files that no folder names a class for and that do not end like a picture or a sound (README.md,
 * labels.txt).
 */
#ifndef FORGE_DATA_PLACE_H
#define FORGE_DATA_PLACE_H

#include <stddef.h>

#include "forge/data/dataset.h"

enum place {
    PLACE_NONE,  /* no sample */
    PLACE_OTHER, /* a sample of another split */
    PLACE_HERE,
};

struct place_of {
    enum place place;
    const char *class; /* points into the path; only when PLACE_HERE, and labels are wanted */
    size_t class_length;
};

/* `path` is relative, without a beginning "/". WISP_E_FORMAT for a sample whose class nobody can tell. */
int place_find(const char *path, const struct dataset_wish *wish, struct place_of *out, struct reason *why);

#endif
