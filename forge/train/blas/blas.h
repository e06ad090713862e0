/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels that leave fully connected layers to OpenBLAS. The values of a CSR matrix in which every connection exists
 * are a row-major dense matrix, so nothing is copied. Opt-in, and for training and evaluation only: OpenBLAS adds in an
 * order of its own, so the last bits are not those of the other kernels, nor the same on every CPU.
 */
#ifndef FORGE_TRAIN_BLAS_H
#define FORGE_TRAIN_BLAS_H

#include "sparse/kernels/kernels.h"

/* A table like `base`, which serves all other layers. Call once, before threads start. */
const struct kernels *blas_kernels(const struct kernels *base);

#endif
