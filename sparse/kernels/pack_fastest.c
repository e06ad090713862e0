/* SPDX-License-Identifier: Apache-2.0
 *
 * Which format of a weight is the fastest here: asked of the clock, once, when a model is loaded.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sparse/kernels/pack.h"

/* The best of several, because the machine may be doing something else: each a few passes, so that the clock can tell.
 */
enum { TRIALS = 5, CONNECTIONS_A_TRIAL = 200000 };

static uint64_t time_format(const struct kernels *kernels, const struct packed *packed, const float *x, float *y)
{
    uint64_t passes = 1 + CONNECTIONS_A_TRIAL / (packed->matrix->count + 1), best = UINT64_MAX;

    kernels->spmv(packed, NULL, x, y);
    for (int trial = 0; trial < TRIALS; trial++) {
        uint64_t begin = clock_ns(), took;

        for (uint64_t i = 0; i < passes; i++)
            kernels->spmv(packed, NULL, x, y);
        took = clock_ns() - begin;
        if (took < best)
            best = took;
    }
    return best;
}

static bool is_worth_trying(const struct kernels *kernels, const struct csr *w, enum weight_format format)
{
    const double potential = (double)w->rows * w->columns;

    if (!(kernels->formats >> format & 1))
        return false;
    return format != WEIGHT_DENSE16 || (double)w->count >= DENSE16_DENSITY_MIN * potential;
}

int packed_fastest(const struct kernels *kernels, const struct csr *w, struct packed **out)
{
    float *x = memory_zalloc(w->columns, sizeof *x), *y = memory_alloc(w->rows, sizeof *y);
    struct packed *best = NULL;
    uint64_t best_ns = UINT64_MAX;
    int result = x && y ? 0 : -ENOMEM;

    for (int format = 0; format < WEIGHT_FORMATS && !result; format++) {
        struct packed *packed;
        uint64_t ns;

        if (!is_worth_trying(kernels, w, (enum weight_format)format))
            continue;
        result = packed_new(w, (enum weight_format)format, &packed);
        if (result)
            break;
        ns = time_format(kernels, packed, x, y);
        if (!best || ns < best_ns) {
            packed_free(best);
            best = packed;
            best_ns = ns;
        } else {
            packed_free(packed);
        }
    }
    free(x);
    free(y);
    if (result) {
        packed_free(best);
        return result;
    }
    *out = best;
    return 0;
}
