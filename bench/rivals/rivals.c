/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <stdio.h>

#include <cblas.h>

#include "base/size.h"
#include "libraries.h"

static void *openblas_open(const struct rival_operands *o)
{
    return (void *)(uintptr_t)o->dense; /* nothing to make */
}

static void openblas_run(void *opened, const struct rival_operands *o)
{
    const int rows = (int)o->w->rows, columns = (int)o->w->columns, n = (int)o->n;

    (void)opened;
    if (n == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, rows, columns, 1, o->dense, columns, o->x, 1, 0, o->y, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, n, columns, 1, o->dense, columns, o->x, n, 0, o->y,
                    n);
}

static void openblas_close(void *opened)
{
    (void)opened;
}

const struct rival rival_openblas = { "openblas", RIVAL_DENSE, openblas_open, openblas_run, openblas_close, NULL };

static const struct rival *const rivals[] = {
    &rival_openblas,
#ifdef WISP_ONEDNN
    &rival_onednn,   &rival_onednn_sgemm, &rival_onednn_bf16,
#endif
    &rival_mkl,      &rival_mkl_sparse,   &rival_scipy,       &rival_torch,
};

const struct rival *rival_at(size_t index)
{
    return index < ARRAY_SIZE(rivals) ? rivals[index] : NULL;
}

void rivals_begin(void)
{
    void (*set_threads)(int); /* oneDNN shares work among OpenMP's threads */

    openblas_set_num_threads(1);
    *(void **)&set_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (set_threads)
        set_threads(1);
#ifndef WISP_ONEDNN
    fprintf(stderr, "bench_kernels: without oneDNN (Debian: libdnnl-dev), the fastest dense library\n");
#endif
    if (!mkl_begin())
        fprintf(stderr, "bench_kernels: without MKL (PyPI: mkl; WISP_MKL=…/libmkl_rt.so.3 says where it is)\n");
    if (!python_begin())
        fprintf(stderr,
                "bench_kernels: without SciPy or PyTorch (PyPI: scipy, torch; WISP_PYTHON=… says whose Python)\n");
}
