/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables, one a file.
 */
#ifndef SPARSE_KERNELS_TABLES_H
#define SPARSE_KERNELS_TABLES_H

#include "sparse/kernels/kernels.h"

extern const struct kernels kernels_scalar, kernels_avx2, kernels_avx512;

#endif
