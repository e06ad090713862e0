/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model is to be better than: what comes of the same data by the plainest means that the field has for the task,
 * measured as the model is.
 */
#ifndef FORGE_BASELINES_BASELINES_H
#define FORGE_BASELINES_BASELINES_H

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "forge/data/dataset.h"

enum { BASELINE_FIGURES = 3 };

struct baseline_figure {
    const char *what, *key; /* for people, and in JSON */
    double value;
    double times; /* for people */
};

struct baseline {
    const char *name;                                 /* NULL: there is none */
    struct baseline_figure figures[BASELINE_FIGURES]; /* those that have a name */
};

/* Of pairs of pictures, by a network's description: of masks Otsu's threshold, of larger pictures bicubic
 * interpolation, otherwise none. -ENOMEM. */
int baseline_of_pictures(const struct dataset *set, const struct media *media, struct baseline *out);

/* Of pairs of recordings: Wiener's filter for one of them, the best one where several are merged. -ENOMEM. */
int baseline_of_sounds(const struct dataset *set, const struct media *media, struct baseline *out);

/* Of words with tags: the most frequent tag of each word in the training samples, which have the same labels. -ENOMEM.
 */
int baseline_of_tags(const struct dataset *training, const struct dataset *set, struct baseline *out);

/* A line; and an object, NULL where there is none. */
void baseline_print(const struct baseline *baseline, FILE *to);
json_t *baseline_json(const struct baseline *baseline);

#endif
