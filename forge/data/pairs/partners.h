/* SPDX-License-Identifier: Apache-2.0
 *
 * Which pictures of a data set belong together: a network's input, and what it is to give for it. Their paths say so,
 * whatever they were read from: a folder on the way, the last that is one of these, or how the file's name ends, and
 * everything else alike but for the ending behind the dot:
 *   input/a.png    target/a.png        a-input.png   a-target.png
 *   images/a.png   masks/a.png         a-image.png   a-mask.png      (or labels, label)
 *   noisy/a.png    clean/a.png         a_noisy.png   a_clean.png
 *   low/a.png      high/a.png          a_low.png     a_high.png
 */
#ifndef FORGE_DATA_PAIRS_PARTNERS_H
#define FORGE_DATA_PAIRS_PARTNERS_H

#include "forge/data/dataset.h"

struct partners {
    uint32_t input, target; /* numbers of pictures */
};

/* Whether any picture's path says that it is one of a pair; where all say that they are targets, as in a folder of
 * clean ones alone, they are none. */
bool partners_are_named(const struct dataset *set, const char *root);

/* Whether some say that they are inputs, and others that they are the targets of such: one of each. */
bool partners_are_there(const struct dataset *set, const char *root, struct partners *out);

/* Into `out`, which has room for half of the set's pictures, in the order of the inputs. `root`: the folder that the
 * set was read from, which says nothing. WISP_E_FORMAT for a picture that is neither, or has no partner, or two, and
 * names it; with `skip_bad` it is left out and counted. -ENOMEM. */
int partners_find(struct dataset *set, const char *root, bool skip_bad, struct partners *out, size_t *count,
                  struct reason *why);

#endif
