/* SPDX-License-Identifier: Apache-2.0
 *
 * Which opinions become labels: of those on which enough passes agree, for each class the most certain ones, as many as
 * its share of the labelled samples says of a fraction of all. So no class can take over: a model that says one class
 * too often is taken at its word only where it is surest.
 */
#ifndef FORGE_UNLABELLED_PSEUDO_LABELS_H
#define FORGE_UNLABELLED_PSEUDO_LABELS_H

#include "forge/unlabelled/opinions.h"

/* By what is chosen. */
struct pseudo_rule {
    double fraction;     /* of all samples that are to get a label, at most */
    uint32_t votes;      /* that a class needs */
    const size_t *known; /* labelled samples of each class */
    size_t classes;
};

struct pseudo_count {
    size_t agreed, taken; /* with enough votes; with a label */
};

/* labels[count]: the class, or -1. -ENOMEM. */
int pseudo_labels_choose(const struct pseudo_rule *rule, const struct opinion *opinions, size_t count, int32_t *labels,
                         struct pseudo_count *out);

#endif
