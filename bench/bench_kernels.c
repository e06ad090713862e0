/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels against dense, one core: a sparse weight times one sample and times activations, forward and back, beside
 * OpenBLAS on the dense matrix of the same shape. The two run in turn, many times; the median of each is given.
 *
 * bench_kernels [ROWS COLUMNS]      default 1024 1024
 */
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/size.h"
#include "operands.h"
#include "sparse/construct/sample.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/weights.h"

enum { ROUNDS_MAX = 201, CPU = 1 };

#define BUDGET_NS (120 * NS_PER_MS) /* of one pair of measurements */

struct operands {
    struct csr w;
    struct csc by_column;
    struct packed *packed; /* in the format whose turn it is */
    float *dense, *x, *y, *dy, *dx, *dw;
    size_t n;
    bool by_columns; /* the backward pass */
};

static void run_sparse(const struct kernels *kernels, struct operands *o, bool back)
{
    const struct back_product product = { &o->w, &o->by_column, o->x, o->dy, o->dx, o->dw, o->n };

    if (back && o->by_columns)
        kernels->csc_backward(&product, 0, o->w.columns);
    else if (back)
        kernels->spmm_backward(&o->w, o->x, o->dy, o->dx, o->dw, o->n, 0, o->w.columns);
    else
        kernels->run[o->packed->number](o->packed, &(struct product){ .x = o->x, .y = o->y, .n = o->n }, 0,
                                        o->packed->units);
}

/* Back: dX = W' dY and dW = dY X', as a dense trainer does. */
static void run_dense(struct operands *o, bool back)
{
    int rows = (int)o->w.rows, columns = (int)o->w.columns, n = (int)o->n;

    if (!back && n == 1) {
        cblas_sgemv(CblasRowMajor, CblasNoTrans, rows, columns, 1, o->dense, columns, o->x, 1, 0, o->y, 1);
    } else if (!back) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, n, columns, 1, o->dense, columns, o->x, n, 0, o->y,
                    n);
    } else {
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, columns, n, rows, 1, o->dense, columns, o->dy, n, 0, o->dx,
                    n);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns, n, 1, o->dy, n, o->x, n, 0, o->dw, columns);
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

struct turn {
    const struct kernels *kernels;
    struct operands *o;
    bool back;
};

static void turn_sparse(const struct turn *turn)
{
    run_sparse(turn->kernels, turn->o, turn->back);
}

static void turn_dense(const struct turn *turn)
{
    run_dense(turn->o, turn->back);
}

/* Whether the input is finite, as the daemon asks before it runs a batch. */
static void turn_check(const struct turn *turn)
{
    size_t count = turn->o->n * turn->o->w.columns;

    if (turn->kernels->first_not_finite(turn->o->x, count) != count)
        abort();
}

/* The two take turns; the median of each, and how many rounds. */
static unsigned take_turns(void (*first)(const struct turn *turn), void (*second)(const struct turn *turn),
                           const struct turn *turn, double *first_us, double *second_us)
{
    static uint64_t firsts[ROUNDS_MAX], seconds[ROUNDS_MAX];
    uint64_t begin = clock_ns();
    unsigned rounds = 0, middle;

    first(turn);
    second(turn);
    while (rounds < ROUNDS_MAX && (rounds < 11 || clock_ns() - begin < BUDGET_NS)) {
        uint64_t t0 = clock_ns(), t1, t2;

        first(turn);
        t1 = clock_ns();
        second(turn);
        t2 = clock_ns();
        firsts[rounds] = t1 - t0;
        seconds[rounds++] = t2 - t1;
    }
    qsort(firsts, rounds, sizeof *firsts, compare);
    qsort(seconds, rounds, sizeof *seconds, compare);
    middle = rounds / 2;
    *first_us = (double)firsts[middle] / 1e3;
    *second_us = (double)seconds[middle] / 1e3;
    return rounds;
}

static void measure_check(const struct kernels *kernels, struct operands *o, double sparsity)
{
    const struct turn turn = { .kernels = kernels, .o = o };
    double check_us, forward_us;
    unsigned rounds = take_turns(turn_check, turn_sparse, &turn, &check_us, &forward_us);

    printf("{\"bench\":\"kernels\",\"pass\":\"check\",\"rows\":%u,\"columns\":%u,\"sparsity\":%.2f,\"n\":%zu,"
           "\"kernels\":\"%s\",\"rounds\":%u,\"median_us\":%.3f,\"forward_us\":%.2f,\"share\":%.4f}\n",
           o->w.rows, o->w.columns, sparsity, o->n, kernels->name, rounds, check_us, forward_us, check_us / forward_us);
    fflush(stdout);
}

/* "chosen": what a model that is served would run here. */
static void measure(const struct kernels *kernels, struct operands *o, double sparsity, const char *chosen)
{
    const bool back = !o->packed;
    const struct turn turn = { .kernels = kernels, .o = o, .back = back };
    const char *format = o->packed ? o->packed->format->name : o->by_columns ? "csc" : "csr";
    double sparse_us, dense_us, work = (back ? 4.0 : 2.0) * (double)o->w.count * (double)o->n;
    unsigned rounds = take_turns(turn_sparse, turn_dense, &turn, &sparse_us, &dense_us);

    printf("{\"bench\":\"kernels\",\"pass\":\"%s\",\"rows\":%u,\"columns\":%u,\"sparsity\":%.2f,\"n\":%zu,"
           "\"kernels\":\"%s\",\"format\":\"%s\",\"chosen\":%s,\"rounds\":%u,\"median_us\":%.2f,\"gflops\":%.2f,"
           "\"dense_us\":%.2f,\"ratio\":%.2f}\n",
           back ? "back" : "forward", o->w.rows, o->w.columns, sparsity, o->n, kernels->name, format,
           strcmp(format, chosen) ? "false" : "true", rounds, sparse_us, work / sparse_us / 1e3, dense_us,
           dense_us / sparse_us);
    fflush(stdout);
}

static void measure_formats(const struct kernels *kernels, struct operands *o, double sparsity, const char *chosen)
{
    for (unsigned format = 0; weight_format_at(format); format++) {
        if (!weight_format_can(kernels, format, &o->w, batch_class_of(o->n)))
            continue;
        if (packed_new(&o->w, format, &o->packed))
            abort();
        measure(kernels, o, sparsity, chosen);
        if (!strcmp(o->packed->format->name, chosen))
            measure_check(kernels, o, sparsity);
        o->packed = packed_free(o->packed);
    }
}

static void measure_backward(const struct kernels *kernels, struct operands *o, double sparsity)
{
    for (int by_columns = 0; by_columns < 2; by_columns++) {
        o->by_columns = by_columns;
        measure(kernels, o, sparsity, o->n < WEIGHTS_INDEX_BATCH ? "csr" : "csc");
    }
}

static void measure_shape(const struct kernels *kernels, uint32_t rows, uint32_t columns, double sparsity)
{
    static const size_t batches[] = { 1, 4, 8, 16, 32, 64, 128, 256 };
    uint64_t all = (uint64_t)rows * columns;
    struct operands o = { .dense = random_floats(all), .dw = random_floats(all) };
    struct weights *weights;
    struct reason why;

    if (sample_connections(rows, columns, (uint64_t)((double)all * (1 - sparsity) + 0.5), 1, 0, &o.w, &why)) {
        fprintf(stderr, "bench_kernels: %s\n", why.text);
        exit(1);
    }
    sample_weights(&o.w, 2, 1, 0);
    if (csc_init(&o.by_column, &o.w))
        abort();
    if (weights_new(kernels, &o.w, 1, batches[ARRAY_SIZE(batches) - 1], NULL, &weights))
        abort();
    for (size_t i = 0; i < ARRAY_SIZE(batches); i++) {
        o.n = batches[i];
        o.x = random_floats(columns * o.n);
        o.dx = random_floats(columns * o.n);
        o.y = random_floats(rows * o.n);
        o.dy = random_floats(rows * o.n);
        measure_formats(kernels, &o, sparsity, weights_format(weights, o.n));
        measure_backward(kernels, &o, sparsity);
        free(o.x);
        free(o.dx);
        free(o.y);
        free(o.dy);
    }
    weights_free(weights);
    csr_deinit(&o.w);
    csc_deinit(&o.by_column);
    free(o.dense);
    free(o.dw);
}

int main(int argc, char **argv)
{
    static const double sparsities[] = { 0.5, 0.8, 0.9, 0.95, 0.98, 0.99 };
    uint32_t rows = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1024;
    uint32_t columns = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1024;
    const struct kernels *kernels = kernels_find("auto");
    cpu_set_t one;

    if (!kernels || !rows || !columns || (argc != 1 && argc != 3)) {
        fprintf(stderr, "usage: bench_kernels [ROWS COLUMNS]\n");
        return 2;
    }
    CPU_ZERO(&one);
    CPU_SET(CPU, &one);
    sched_setaffinity(0, sizeof one, &one); /* on a machine with one CPU it stays where it is */
    openblas_set_num_threads(1);
    for (size_t s = 0; s < ARRAY_SIZE(sparsities); s++)
        measure_shape(kernels, rows, columns, sparsities[s]);
    return 0;
}
