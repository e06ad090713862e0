/* SPDX-License-Identifier: Apache-2.0
 *
 * From a structure and a sparsity to a connection probability for every pair of layers.
 *
 * A weighted layer l has N_l = inputs * outputs * kernel_width * kernel_height potential connections. With target
 * K = (1 - s) * sum N_l, sigma solves  sum over l of min(1, sigma * a_l / N_l) * N_l = K,  the cap inside the solve:
 *   er        Erdos-Renyi: a_l = inputs + outputs (for kernels: times width * height)
 *   erk       Erdos-Renyi-kernel: a_l = inputs + outputs, + kernel_width + kernel_height for a convolution
 *   erk+      as erk, with the last layer dense
 *   uniform   a_l = N_l: the same probability everywhere
 *   uniform+  as uniform, with the first convolution dense, if there is one, and the last layer at least 0.2
 *   fixed     every layer's probability is given
 * In any of them a layer's probability may be given; what it takes is charged to the others.
 * (er: Mocanu et al. 2018; erk: Evci et al. 2020; erk+, uniform+: Liu et al. 2022; Gale et al. 2019). Solved exactly:
 * layers in the order in which they saturate.
 */
#ifndef SPARSE_CONSTRUCT_DENSITY_H
#define SPARSE_CONSTRUCT_DENSITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum density_method {
    DENSITY_ER,
    DENSITY_ERK,
    DENSITY_ERK_PLUS,
    DENSITY_UNIFORM,
    DENSITY_UNIFORM_PLUS,
    DENSITY_FIXED,
    DENSITY_METHODS
};

/* "er", "erk", "erk+", …; and back, false when it is none of them. */
const char *density_method_name(enum density_method method);
bool density_method_parse(const char *name, enum density_method *out);

struct density_layer {
    const char *name;                     /* as reasons call it; NULL: by its number */
    uint64_t inputs, outputs;             /* n_(l-1), n_l; for a convolution its channels */
    uint64_t kernel_width, kernel_height; /* 1 for a linear layer */
    bool convolution;                     /* its kernel counts for erk, be it 1 x 1 */
    double fixed;                         /* a given probability, 0 < fixed <= 1; 0: not given */
    /* filled in by density_solve() */
    uint64_t potential;   /* N_l */
    double probability;   /* p(l), 0 .. 1 */
    uint64_t connections; /* p(l) * N_l rounded so that the sum is K rounded to the nearest whole number */
};

/* `density` = 1 - sparsity, in (0, 1]. *sigma is +infinity when every layer that is not fixed saturates.
 * For DENSITY_FIXED `density` is not looked at: the probabilities say it all, and sigma is 0.
 * WISP_E_INVALID: no layers, given probabilities that leave too little (or too much) for the others, a zero dimension,
 * a product over 2^63, a density out of range. */
int density_solve(enum density_method method, struct density_layer *layers, size_t count, double density, double *sigma,
                  struct reason *why);

/* Which side of what the given probabilities allow a density lies that density_solve() refused: -1 it leaves too little
 * for them, +1 it is more than they and full layers make, 0 neither. */
int density_beyond(enum density_method method, const struct density_layer *layers, size_t count, double density);

#endif
