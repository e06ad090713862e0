/* SPDX-License-Identifier: Apache-2.0
 *
 * MKL, dense and sparse, of one library that is loaded when it is here: Debian has it as non-free only, PyPI as "mkl".
 * Its functions are declared here, as its manual says; MKL_INT is int in the interface that is set.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libraries.h"

enum { ROW_MAJOR = 101, NOT_TRANSPOSED = 111, SPARSE_PLAIN = 10, SPARSE_GENERAL = 20, CALLS_EXPECTED = 100000 };

struct description {
    int type, mode, diagonal;
};

static const struct description general = { .type = SPARSE_GENERAL };

static struct { /* in the order of the names below */
    void (*sgemm)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
    void (*sgemv)(int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
    int (*create)(void **, int, int, int, int *, int *, int *, float *);
    int (*hint_many)(void *, int, struct description, int, int, int);
    int (*hint_one)(void *, int, struct description, int);
    int (*optimize)(void *);
    int (*many)(int, float, void *, struct description, int, const float *, int, int, float, float *, int);
    int (*one)(int, float, void *, struct description, const float *, float, float *);
    int (*destroy)(void *);
} mkl;

bool mkl_begin(void)
{
    static const char *const names[] = { "cblas_sgemm",
                                         "cblas_sgemv",
                                         "mkl_sparse_s_create_csr",
                                         "mkl_sparse_set_mm_hint",
                                         "mkl_sparse_set_mv_hint",
                                         "mkl_sparse_optimize",
                                         "mkl_sparse_s_mm",
                                         "mkl_sparse_s_mv",
                                         "mkl_sparse_destroy" };
    const char *path = getenv("WISP_MKL");
    void *library;

    setenv("MKL_THREADING_LAYER", "SEQUENTIAL", 1);
    setenv("MKL_INTERFACE_LAYER", "LP64", 1);
    library = dlopen(path ? path : "libmkl_rt.so", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    for (size_t i = 0; library && i < sizeof names / sizeof *names; i++) {
        void *function = dlsym(library, names[i]);

        memcpy((char *)&mkl + i * sizeof function, &function, sizeof function);
        if (!function)
            library = NULL;
    }
    if (!library)
        mkl.sgemm = NULL;
    return library;
}

static void *dense_open(const struct rival_operands *o)
{
    return mkl.sgemm ? (void *)(uintptr_t)o->dense : NULL;
}

static void dense_run(void *opened, const struct rival_operands *o)
{
    const int rows = (int)o->w->rows, columns = (int)o->w->columns, n = (int)o->n;

    (void)opened;
    if (n == 1)
        mkl.sgemv(ROW_MAJOR, NOT_TRANSPOSED, rows, columns, 1, o->dense, columns, o->x, 1, 0, o->y, 1);
    else
        mkl.sgemm(ROW_MAJOR, NOT_TRANSPOSED, NOT_TRANSPOSED, rows, n, columns, 1, o->dense, columns, o->x, n, 0, o->y,
                  n);
}

static void dense_close(void *opened)
{
    (void)opened;
}

struct opened_sparse {
    void *handle;
    int *starts, *columns;
};

static void *sparse_open(const struct rival_operands *o)
{
    const struct csr *w = o->w;
    struct opened_sparse *made;
    int result;

    if (!mkl.sgemm)
        return NULL;
    made = calloc(1, sizeof *made);
    if (!made)
        abort();
    made->starts = calloc(w->rows + 1, sizeof *made->starts);
    made->columns = calloc(w->count + 1, sizeof *made->columns);
    if (!made->starts || !made->columns)
        abort();
    for (uint32_t r = 0; r <= w->rows; r++)
        made->starts[r] = (int)w->starts[r];
    for (uint64_t k = 0; k < w->count; k++)
        made->columns[k] = (int)csr_column(w, k);
    result = mkl.create(&made->handle, 0, (int)w->rows, (int)w->columns, made->starts, made->starts + 1, made->columns,
                        w->values);
    if (!result && o->n == 1)
        mkl.hint_one(made->handle, SPARSE_PLAIN, general, CALLS_EXPECTED);
    else if (!result)
        mkl.hint_many(made->handle, SPARSE_PLAIN, general, ROW_MAJOR, (int)o->n, CALLS_EXPECTED);
    if (result || mkl.optimize(made->handle))
        abort();
    return made;
}

static void sparse_run(void *opened, const struct rival_operands *o)
{
    const struct opened_sparse *s = opened;

    if (o->n == 1)
        mkl.one(SPARSE_PLAIN, 1, s->handle, general, o->x, 0, o->y);
    else
        mkl.many(SPARSE_PLAIN, 1, s->handle, general, ROW_MAJOR, o->x, (int)o->n, (int)o->n, 0, o->y, (int)o->n);
}

static void sparse_close(void *opened)
{
    struct opened_sparse *s = opened;

    mkl.destroy(s->handle);
    free(s->starts);
    free(s->columns);
    free(s);
}

const struct rival rival_mkl = { "mkl", RIVAL_DENSE, dense_open, dense_run, dense_close, NULL };
const struct rival rival_mkl_sparse = { "mkl_sparse", RIVAL_SPARSE, sparse_open, sparse_run, sparse_close, NULL };
