/* SPDX-License-Identifier: Apache-2.0
 *
 * From a structure and a sparsity to a connection probability for every pair of layers.
 *
 * A weighted layer l has N_l = inputs * outputs * kernel_width * kernel_height potential connections. With target
 * K = (1 - s) * sum N_l, sigma solves  sum over l of min(1, sigma * a_l / N_l) * N_l = K,  the cap inside the solve:
 *   Erdos-Renyi          a_l = inputs + outputs                                 (for kernels: times width * height)
 *   Erdos-Renyi-kernel   a_l = inputs + outputs + kernel_width + kernel_height
 * (Mocanu et al. 2018; Evci et al. 2020). Solved exactly: layers in the order in which they saturate.
 */
#ifndef SPARSE_DENSITY_H
#define SPARSE_DENSITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum density_method { DENSITY_ER, DENSITY_ERK };

struct density_layer {
    uint64_t inputs, outputs;             /* n_(l-1), n_l; for a convolution its channels */
    uint64_t kernel_width, kernel_height; /* 1 for a linear layer */
    /* filled in by density_solve() */
    uint64_t potential;   /* N_l */
    double probability;   /* p(l), 0 .. 1 */
    uint64_t connections; /* p(l) * N_l rounded so that the sum is K rounded to the nearest whole number */
};

/* `density` = 1 - sparsity, in (0, 1]. *sigma is +infinity when every layer saturates.
 * WISP_E_INVALID: no layers, a zero dimension, a product over 2^63, a density out of range. */
int density_solve(enum density_method method, struct density_layer *layers, size_t count, double density, double *sigma,
                  struct reason *why);

#endif
