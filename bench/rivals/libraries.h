/* SPDX-License-Identifier: Apache-2.0
 *
 * The rivals that rivals.c lists, by library.
 */
#ifndef BENCH_RIVAL_LIBRARIES_H
#define BENCH_RIVAL_LIBRARIES_H

#include "rivals.h"

extern const struct rival rival_openblas;
extern const struct rival rival_onednn, rival_onednn_sgemm, rival_onednn_bf16; /* where WISP_ONEDNN is defined */
extern const struct rival rival_mkl, rival_mkl_sparse;
extern const struct rival rival_scipy, rival_torch;

/* Loads MKL's one library from $WISP_MKL or where the linker finds it; false: it is not here. */
bool mkl_begin(void);

/* Starts $WISP_PYTHON, or python3; false: it is not here, or has not both of SciPy and PyTorch. */
bool python_begin(void);

#endif
