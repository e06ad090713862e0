/* SPDX-License-Identifier: Apache-2.0
 *
 * Who else multiplies a matrix with activations on one core: what the kernels are measured beside.
 *
 * A rival gets its operands as it likes them best, and the time to bring them there does not count: oneDNN packs the
 * weight, and takes a sample's features side by side. One that is not on this machine is left out, and said.
 */
#ifndef BENCH_RIVALS_H
#define BENCH_RIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sparse/tensor/csr.h"

struct rival_operands {
    const struct csr *w;
    const float *dense;      /* as many values as the dense matrix has */
    const float *x, *x_rows; /* columns x n, and n x columns */
    float *y;
    size_t n;
};

enum rival_kind { RIVAL_DENSE, RIVAL_BF16, RIVAL_SPARSE }; /* bf16: dense, of less precision */

struct rival {
    const char *name;
    enum rival_kind kind;
    /* What run() is given of these operands, made once; NULL: not on this machine. */
    void *(*open)(const struct rival_operands *o);
    void (*run)(void *opened, const struct rival_operands *o);
    void (*close)(void *opened);
    /* In place of run(), of one in another process: the nanoseconds of so many calls. Its open() leaves its answer in
     * y. */
    uint64_t (*time)(void *opened, unsigned calls);
};

const struct rival *rival_at(size_t index); /* NULL past the end */
/* One thread for all of them, and says on standard error who is missing. */
void rivals_begin(void);

#endif
