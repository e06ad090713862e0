/* SPDX-License-Identifier: Apache-2.0
 *
 * Where pairs of recordings come from, as somebody said it: the set alone, or noise that is mixed with it.
 */
#ifndef FORGE_DATA_RECORDINGS_SOURCE_H
#define FORGE_DATA_RECORDINGS_SOURCE_H

#include <stdbool.h>

#include "base/error.h"
#include "forge/data/dataset.h"

struct recordings_source {
    const char *path, *split; /* that the set was read from, and of */
    const char *degrade;      /* "mix=0:10"; NULL: the set has pairs */
    const char *noise;        /* a path of recordings of noise; NULL: white and pink noise alone */
    bool skip_bad;
};

/* The set's recordings to pairs, for networks of that description. WISP_E_INVALID for what cannot be meant; else as
 * recordings_make(). */
int recordings_open(struct dataset *set, const struct media *media, const struct recordings_source *source,
                    struct reason *why);

#endif
