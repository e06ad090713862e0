/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernel-granular sampling: the set is drawn over pairs of channels, then every pair becomes its whole kernel.
 */
#include "base/size.h"
#include "sparse/construct/sample.h"

int sample_spread(struct csr *matrix, uint32_t area, struct reason *why)
{
    uint64_t columns = (uint64_t)matrix->columns * area, count, at = 0;
    struct csr made;
    int result;

    if (!area || columns > UINT32_MAX || !size_multiply(matrix->count, area, &count))
        return refuse(why, WISP_E_INVALID, "%u inputs of %u weights each are too many columns", matrix->columns, area);
    result = csr_alloc(&made, matrix->rows, (uint32_t)columns, count);
    if (result)
        return refuse_errno(why, result, "%llu connections", (unsigned long long)count);
    for (uint32_t r = 0; r < matrix->rows; r++) {
        for (uint64_t k = matrix->starts[r]; k < matrix->starts[r + 1]; k++) {
            for (uint32_t i = 0; i < area; i++, at++) {
                uint32_t column = csr_column(matrix, k) * area + i;

                csr_set_column(&made, at, column);
            }
        }
        made.starts[r + 1] = at;
    }
    csr_deinit(matrix);
    *matrix = made;
    return 0;
}

int sample_kernels(uint32_t rows, uint32_t columns, uint32_t area, uint64_t count, uint64_t seed, uint32_t layer,
                   struct csr *out, struct reason *why)
{
    uint64_t kernels = MAX((count + area / 2) / MAX(area, 1u), 1);
    struct csr made;
    int result;

    if (!area || columns % area)
        return refuse(why, WISP_E_INVALID, "%u columns are not whole kernels of %u", columns, area);
    result = sample_connections(rows, columns / area, kernels, seed, layer, &made, why);
    if (result)
        return result;
    result = sample_spread(&made, area, why);
    if (result)
        csr_deinit(&made);
    else
        *out = made;
    return result;
}
