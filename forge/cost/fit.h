/* SPDX-License-Identifier: Apache-2.0
 *
 * A fit of measured costs: value = sum of c[k] * feature[k], with every c[k] >= 0, because each feature is work that
 * takes time or room. What is made small is the sum of the squared relative errors, so that a run of a millisecond
 * counts as much as one of an hour.
 */
#ifndef FORGE_COST_FIT_H
#define FORGE_COST_FIT_H

#include <stdbool.h>
#include <stddef.h>

enum { FIT_FEATURES_MAX = 6 };

struct fit {
    size_t features;
    double coefficients[FIT_FEATURES_MAX];
};

/* One run: what was to be done, and what it took (> 0). */
struct fit_point {
    double features[FIT_FEATURES_MAX];
    double value;
};

/* From all points but the one numbered `without` (count or more: from all). False when fewer points remain than there
 * are features. */
bool fit_make(const struct fit_point *points, size_t count, size_t without, size_t features, struct fit *out);
double fit_value(const struct fit *fit, const double *features);

#endif
