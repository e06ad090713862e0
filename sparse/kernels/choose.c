/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sparse/kernels/choose.h"

/* The best of several, because the machine may be doing something else: each a few passes, so that the clock can tell.
 */
enum { TRIALS = 5, CONNECTIONS_A_TRIAL = 200000 };

static uint64_t time_format(const struct kernels *kernels, const struct csr *w, const struct packed *packed,
                            const struct product *product)
{
    uint64_t passes = 1 + CONNECTIONS_A_TRIAL / (w->count + 1), best = UINT64_MAX;

    kernels->run[packed->number](packed, product, 0, packed->units);
    for (int trial = 0; trial < TRIALS; trial++) {
        uint64_t begin = clock_ns(), took;

        for (uint64_t i = 0; i < passes; i++)
            kernels->run[packed->number](packed, product, 0, packed->units);
        took = clock_ns() - begin;
        if (took < best)
            best = took;
    }
    return best;
}

static int fastest_for_one(const struct kernels *kernels, const struct csr *w, const struct product *product,
                           unsigned *out)
{
    uint64_t best = UINT64_MAX;

    for (unsigned format = 0; weight_format_at(format); format++) {
        struct packed *packed;
        uint64_t ns;
        int result;

        if (!weight_format_can(kernels, format, w, 0))
            continue;
        result = packed_new(w, format, &packed);
        if (result)
            return result;
        ns = time_format(kernels, w, packed, product);
        packed_free(packed);
        if (ns < best) {
            best = ns;
            *out = format;
        }
    }
    return 0;
}

int choose_formats(const struct kernels *kernels, const struct csr *w, struct choice *out)
{
    float *x = memory_zalloc(w->columns, sizeof *x), *y = memory_alloc(w->rows, sizeof *y);
    const struct product product = { .x = x, .y = y, .n = 1 };
    int result = x && y ? fastest_for_one(kernels, w, &product, &out->format[0]) : -ENOMEM;

    free(x);
    free(y);
    for (unsigned c = 1; c < BATCH_CLASSES; c++) {
        for (out->format[c] = 0; !weight_format_can(kernels, out->format[c], w, c);)
            out->format[c]++;
    }
    return result;
}
