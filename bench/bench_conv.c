/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions against dense, one core: the sparse layer, forward and back, beside the same tiles of columns (im2col)
 * multiplied by OpenBLAS with the dense weight. The two run in turn, many times; the median of each is given.
 *
 * bench_conv      the 3 x 3 convolutions of resnet-8-w16
 */
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "sparse/layers/convolution.h"

enum { ROUNDS = 21, CPU = 1, TILE_COLUMNS = 512 };

struct operands {
    struct convolution c;
    struct csr weight;
    float *dense, *in, *out, *in_gradient, *weight_gradient, *scratch;
};

static float *random_floats(size_t count)
{
    struct rng rng = rng_make(1, count);
    float *made = memory_alloc(count, sizeof *made);

    if (!made)
        abort();
    for (size_t i = 0; i < count; i++)
        made[i] = rng_float(&rng) - 0.5f;
    return made;
}

static void run_sparse(const struct operands *o, bool back)
{
    const struct convolution_back operands = { o->in, o->out, o->in_gradient, o->weight_gradient, NULL };

    if (back)
        convolution_backward(&o->c, &operands, o->scratch);
    else
        convolution_forward(&o->c, o->in, o->out, o->scratch);
}

/* ---- dense ---- */

/* Positions [begin, end) of all channels, a row for each channel and tap. */
static void each_row(const struct operands *o, float *columns, size_t begin, size_t end, bool scatter)
{
    const struct window *w = &o->c.window;
    const size_t plane = (size_t)w->height * w->width * o->c.batch, taps = window_taps(w);

    for (uint32_t r = 0; r < o->c.channels * taps; r++) {
        float *row = columns + r * (end - begin) * o->c.batch;

        if (scatter)
            window_scatter(w, row, o->c.batch, (uint32_t)(r % taps), begin, end, o->in_gradient + r / taps * plane);
        else
            window_gather(w, o->in + r / taps * plane, o->c.batch, (uint32_t)(r % taps), begin, end, row);
    }
}

static void run_dense(const struct operands *o, bool back)
{
    const struct window *w = &o->c.window;
    const size_t positions = window_positions(w), each = MAX(TILE_COLUMNS / o->c.batch, (size_t)1);
    const int rows = (int)o->weight.rows, columns = (int)o->weight.columns, stride = (int)(positions * o->c.batch);
    float *gradients = o->scratch + (size_t)columns * TILE_COLUMNS;

    if (back) {
        memset(o->in_gradient, 0, (size_t)o->c.channels * w->height * w->width * o->c.batch * sizeof(float));
        memset(o->weight_gradient, 0, (size_t)rows * (size_t)columns * sizeof(float));
    }
    for (size_t begin = 0; begin < positions; begin += each) {
        const size_t end = MIN(begin + each, positions);
        const int n = (int)((end - begin) * o->c.batch);
        float *out = o->out + begin * o->c.batch;

        each_row(o, o->scratch, begin, end, false);
        if (!back) {
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, n, columns, 1, o->dense, columns, o->scratch,
                        n, 0, out, stride);
            continue;
        }
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, columns, n, rows, 1, o->dense, columns, out, stride, 0,
                    gradients, n);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns, n, 1, out, stride, o->scratch, n, 1,
                    o->weight_gradient, columns);
        each_row(o, gradients, begin, end, true);
    }
}

/* ---- turns ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double time_of(void (*run)(const struct operands *o, bool back), const struct operands *o, bool back)
{
    uint64_t begin = clock_ns();

    run(o, back);
    return (double)(clock_ns() - begin) / 1e3;
}

static void measure(const struct operands *o, double sparsity, bool back)
{
    double sparse_us[ROUNDS], dense_us[ROUNDS], ours, theirs;
    double work = (back ? 4.0 : 2.0) * (double)o->weight.count * (double)(window_positions(&o->c.window) * o->c.batch);

    for (int round = -1; round < ROUNDS; round++) { /* the first warms up */
        sparse_us[MAX(round, 0)] = time_of(run_sparse, o, back);
        dense_us[MAX(round, 0)] = time_of(run_dense, o, back);
    }
    qsort(sparse_us, ROUNDS, sizeof *sparse_us, compare);
    qsort(dense_us, ROUNDS, sizeof *dense_us, compare);
    ours = sparse_us[ROUNDS / 2];
    theirs = dense_us[ROUNDS / 2];
    printf("{\"bench\":\"conv\",\"pass\":\"%s\",\"channels\":%u,\"outputs\":%u,\"side\":%u,\"stride\":%u,"
           "\"sparsity\":%.2f,\"n\":%zu,\"kernels\":\"%s\",\"rounds\":%d,\"median_us\":%.1f,\"gflops\":%.1f,"
           "\"dense_us\":%.1f,\"ratio\":%.2f}\n",
           back ? "back" : "forward", o->c.channels, o->weight.rows, o->c.window.height, o->c.window.stride, sparsity,
           o->c.batch, o->c.kernels->name, ROUNDS, ours, work / ours / 1e3, theirs, theirs / ours);
    fflush(stdout);
}

/* A picture of `side` x `side`, a kernel of 3 x 3, padding 1. */
static void measure_shape(uint32_t channels, uint32_t rows, uint32_t side, uint32_t stride, double sparsity,
                          size_t batch)
{
    const uint32_t columns = channels * 9, out_side = (side - 1) / stride + 1;
    const size_t ins = (size_t)channels * side * side * batch, outs = (size_t)rows * out_side * out_side * batch;
    struct operands o = { .dense = random_floats((size_t)rows * columns),
                          .in = random_floats(ins),
                          .out = random_floats(outs),
                          .in_gradient = random_floats(ins),
                          .weight_gradient = random_floats((size_t)rows * columns) };
    struct weights *weights;
    struct reason why;
    size_t floats;

    if (sample_connections(rows, columns, (uint64_t)((double)rows * columns * (1 - sparsity) + 0.5), 1, 0, &o.weight,
                           &why)) {
        fprintf(stderr, "bench_conv: %s\n", why.text);
        exit(1);
    }
    sample_weights(&o.weight, 2, 1, 0);
    if (weights_new(kernels_find("auto"), &o.weight, 1, 1024, NULL, &weights))
        abort();
    o.c = (struct convolution){ .kernels = kernels_find("auto"),
                                .weight = &o.weight,
                                .weights = weights,
                                .window = { side, side, out_side, out_side, 3, 3, stride, 1, 1 },
                                .channels = channels,
                                .groups = 1,
                                .batch = batch,
                                .parts = 1 };
    if (!convolution_scratch_backward(&o.c.window, rows, columns, o.weight.count, batch, &floats))
        abort();
    o.scratch = random_floats(MAX(floats, (size_t)2 * columns * TILE_COLUMNS));
    measure(&o, sparsity, false);
    if (batch > 1)
        measure(&o, sparsity, true);
    weights_free(weights);
    csr_deinit(&o.weight);
    free(o.dense), free(o.in), free(o.out), free(o.in_gradient), free(o.weight_gradient), free(o.scratch);
}

int main(void)
{
    static const double sparsities[] = { 0, 0.5, 0.8, 0.9 };
    static const size_t batches[] = { 1, 128 };
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(CPU, &one);
    sched_setaffinity(0, sizeof one, &one); /* on a machine with one CPU it stays where it is */
    openblas_set_num_threads(1);
    for (size_t i = 0; i < ARRAY_SIZE(sparsities) * ARRAY_SIZE(batches); i++) {
        const double sparsity = sparsities[i / ARRAY_SIZE(batches)];
        const size_t batch = batches[i % ARRAY_SIZE(batches)];

        measure_shape(3, 16, 32, 1, sparsity, batch);
        measure_shape(16, 16, 32, 1, sparsity, batch);
        measure_shape(16, 32, 32, 2, sparsity, batch);
        measure_shape(32, 32, 16, 1, sparsity, batch);
        measure_shape(32, 64, 16, 2, sparsity, batch);
        measure_shape(64, 64, 8, 1, sparsity, batch);
    }
    return 0;
}
