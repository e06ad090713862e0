/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernel-granular sampling: the set is drawn over pairs of channels, then every pair becomes its whole kernel.
 */
#include "base/size.h"
#include "sparse/sample.h"

int sample_kernels(uint32_t rows, uint32_t columns, uint32_t area, uint64_t count, uint64_t seed, uint32_t layer,
                   struct csr *out, struct reason *why)
{
    uint64_t kernels = MAX((count + area / 2) / MAX(area, 1u), 1), at = 0;
    struct csr pairs, made;
    int result;

    if (!area || columns % area)
        return refuse(why, WISP_E_INVALID, "%u columns are not whole kernels of %u", columns, area);
    result = sample_connections(rows, columns / area, kernels, seed, layer, &pairs, why);
    if (result)
        return result;
    result = csr_alloc(&made, rows, columns, pairs.count * area);
    if (result) {
        csr_deinit(&pairs);
        return refuse_errno(why, result, "%llu connections", (unsigned long long)pairs.count * area);
    }
    for (uint32_t r = 0; r < rows; r++) {
        for (uint64_t k = pairs.starts[r]; k < pairs.starts[r + 1]; k++) {
            for (uint32_t i = 0; i < area; i++, at++) {
                uint32_t column = csr_column(&pairs, k) * area + i;

                if (csr_is_narrow(&made))
                    made.index.narrow[at] = (uint16_t)column;
                else
                    made.index.wide[at] = column;
            }
        }
        made.starts[r + 1] = at;
    }
    csr_deinit(&pairs);
    *out = made;
    return 0;
}
