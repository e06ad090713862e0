/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables, one a file.
 */
#ifndef SPARSE_KERNELS_TABLES_H
#define SPARSE_KERNELS_TABLES_H

#include "sparse/kernels/kernels.h"

#define KERNELS(name) extern const struct kernels kernels_##name;
#include "sparse/kernels/tables.inc"
#undef KERNELS

#endif
