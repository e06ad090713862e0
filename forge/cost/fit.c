/* SPDX-License-Identifier: Apache-2.0
 *
 * Non-negative least squares by coordinate descent on the normal equations: a handful of features, so that a few
 * thousand rounds are nothing, and the problem is convex, so that they end where they should.
 */
#include <math.h>

#include "forge/cost/fit.h"

enum { ROUNDS_MAX = 20000 };
#define ENOUGH 1e-12 /* relative change of a coefficient in a round */

double fit_value(const struct fit *fit, const double *features)
{
    double sum = 0;

    for (size_t k = 0; k < fit->features; k++)
        sum += fit->coefficients[k] * features[k];
    return sum;
}

struct equations {
    double matrix[FIT_FEATURES_MAX][FIT_FEATURES_MAX], right[FIT_FEATURES_MAX];
    double scale[FIT_FEATURES_MAX]; /* each feature is brought to the same size first */
};

static void add_point(struct equations *e, const struct fit_point *point, size_t features)
{
    for (size_t i = 0; i < features; i++) {
        double left = point->features[i] / point->value * e->scale[i];

        e->right[i] += left;
        for (size_t j = 0; j < features; j++)
            e->matrix[i][j] += left * point->features[j] / point->value * e->scale[j];
    }
}

static void find_scales(struct equations *e, const struct fit_point *points, size_t count, size_t without,
                        size_t features)
{
    for (size_t k = 0; k < features; k++) {
        double sum = 0;

        for (size_t i = 0; i < count; i++) {
            double relative = i == without ? 0 : points[i].features[k] / points[i].value;

            sum += relative * relative;
        }
        e->scale[k] = sum > 0 ? 1 / sqrt(sum) : 0;
    }
}

bool fit_make(const struct fit_point *points, size_t count, size_t without, size_t features, struct fit *out)
{
    struct equations e = { .right = { 0 } };
    double c[FIT_FEATURES_MAX] = { 0 };
    bool moved = true;

    if (count - (without < count) < features)
        return false;
    find_scales(&e, points, count, without, features);
    for (size_t i = 0; i < count; i++) {
        if (i != without)
            add_point(&e, &points[i], features);
    }
    for (int round = 0; round < ROUNDS_MAX && moved; round++) {
        moved = false;
        for (size_t k = 0; k < features; k++) {
            double rest = e.right[k], next;

            for (size_t j = 0; j < features; j++)
                rest -= j == k ? 0 : e.matrix[k][j] * c[j];
            next = e.matrix[k][k] > 0 ? fmax(0, rest / e.matrix[k][k]) : 0;
            moved |= fabs(next - c[k]) > ENOUGH * (fabs(next) + fabs(c[k]));
            c[k] = next;
        }
    }
    out->features = features;
    for (size_t k = 0; k < features; k++)
        out->coefficients[k] = c[k] * e.scale[k];
    return true;
}
